"""Several pictures in one call: named one by one or as a batch, and what is told of those that were left out."""

from collections.abc import Iterable
from typing import Self, TypeVar

from pydantic import Field

from autobg_mcp.errors import AutobgError
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part
from autobg_mcp.tools.answer_fields import ToldPicID
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.status import still_in_work

CallT = TypeVar("CallT")


class LeftOut(Part):
    """Pictures that were not served, and why."""

    picIDs: list[ToldPicID]
    reason: str
    retryAfterS: int | None = None
    again: str = Field(default="", exclude=True)
    """When the same call serves them; empty where it is not known to."""
    remedy: str = Field(default="", exclude=True)
    """What to do instead."""

    @classmethod
    def of(cls, pic_ids: list[int], error: AutobgError, reason: str | None = None, again: str = "") -> Self:
        """What an error means for pictures; the reason is its own words where none is given."""
        after_s = error.told_retry_after_s
        if after_s is not None:
            again = f"in {after_s} s"
        elif error.repeatable and not again:
            again = "in a minute"
        return cls(
            picIDs=pic_ids,
            reason=reason or str(error),
            retryAfterS=after_s,
            again=again,
            remedy=error.next_step,
        )


def steps_for(left: Iterable[LeftOut], call: str = "") -> list[str]:
    """What to do about pictures that were left out; `call` is how the same call is named, else its pictures are."""
    steps = {}
    for one in left:
        what = call or f"call again with picIDs={one.picIDs}"
        steps[f"{what} {one.again}" if one.again else one.remedy] = True
    return [step.removesuffix(".") for step in steps if step]


def one_of_both(call: CallT, pic_ids: list[int] | None, batch_id: str | None) -> CallT:
    """The call, where it names either pictures or a batch.

    Raises:
        ValueError: It names both or neither.
    """
    if (pic_ids is None) == (batch_id is None):
        raise ValueError("give exactly one of picIDs or batchID")
    return call


async def processed_of(batch_id: str, tool: str, context: Context) -> tuple[list[int], list[LeftOut]]:
    """The processed pictures of a batch by a free look, and those that are left out.

    Raises:
        NotReadyError: It has none.
    """
    status = await GetImageStatus(batchID=batch_id).run(context)
    numbered = [(int(one.picID), one) for one in status.images if str(one.picID).isdecimal()]
    processed = [pic_id for pic_id, one in numbered if one.isProcessed and not one.isFailed]
    if not processed:
        counts = f"{status.pending} pending, {status.failed} failed"
        raise still_in_work(f"{tool}: batch {batch_id} has no processed picture ({counts}).", batch_id)
    failed = [pic_id for pic_id, one in numbered if one.isFailed]
    pending = [pic_id for pic_id, one in numbered if not one.isProcessed and not one.isFailed]
    left = [LeftOut(picIDs=failed, reason="failed: there is no result")] if failed else []
    if pending:
        again = f"after waitForBatch batchID={batch_id}"
        left.append(LeftOut(picIDs=pending, reason="still in work", again=again))
    return processed, left
