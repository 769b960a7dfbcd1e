"""Quality: bad pictures are reported or sent to people to be done again, free of charge."""

from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from autobg_mcp.errors import OutcomeUnknownError, RequestRefusedError
from autobg_mcp.money.facts import Fact, PicturesReported, PicturesSentToQA
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import SLOW, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.answer_fields import AnswerID, ToldPicID
from autobg_mcp.tools.fields import MOST_ITEMS, BatchID, PicIDs, PicIDsAsText, ReportReasons
from autobg_mcp.tools.mistaken import advise_on_pictures
from autobg_mcp.tools.several import LeftOut, one_of_both, processed_of, steps_for
from autobg_mcp.tools.sieve import Group, Sieve
from autobg_mcp.tools.tally import AcceptedImages

MOST_REPORTED_AT_ONCE = 10
"""Pictures in one report. Source: the page of Report Images."""

_MOST_WAITS = 5
"""Batches that a next step names."""


async def batches_of(pic_ids: list[int], context: Context) -> list[str]:
    """The batches that pictures were last seen in."""
    seen = await context.ledger.last_seen(context.account.id, map(str, pic_ids))
    return list(dict.fromkeys(one.batch_id for one in seen.values()))


def look_again(batch_ids: list[str]) -> str:
    """Where pictures that are done again come back: their status may not show it, which no page says."""
    if not batch_ids:
        return "getImageStatus of their batch later: they are redone"
    left_out = len(batch_ids) - _MOST_WAITS
    more = f" and {left_out} more, which listBatches names" if left_out > 0 else ""
    waits = ", ".join(f"waitForBatch batchID={batch_id}" for batch_id in batch_ids[:_MOST_WAITS])
    return (
        f"{waits}{more}, then reviewBatch: it tells what changed, which a status may not show (undocumented)"
    )


class Reported(Result):
    """Pictures that are now reported."""

    reported: list[ToldPicID]
    notReported: list[LeftOut] = Field(default_factory=list)
    batches: list[str] = Field(default_factory=list, exclude=True)
    """Where the pictures are, as far as known."""

    def next_step(self) -> str:
        """Reported pictures are done again."""
        return "; ".join([*steps_for(self.notReported), look_again(self.batches)])


class ReportImages(Endpoint[Reported]):
    """Report 1 to 10 bad pictures of any batches for quality assurance: they are redone.

    Free. 10 calls/min. For more: reportManyImages. For human rework without reasons: sendImagesForQA.
    """

    tool = "reportImages"
    title = "Report bad pictures"
    effect = "changes"
    toolset = "enterprise"
    path = "/images/reportImages"
    rate = SLOW
    audited_fields = ("reported",)

    picIDs: Annotated[PicIDs, Field(max_length=MOST_REPORTED_AT_ONCE)]
    reportReason: ReportReasons
    reportComment: Annotated[str | None, Field(max_length=1000, description="What exactly is wrong.")] = None

    async def run(self, context: Context) -> Reported:
        """Report them in one call; where the API refuses it for some, report the others.

        Raises:
            AutobgError: None could be reported.
        """
        sieve = Sieve[Reported](context, self.tool, self.rate)
        await sieve.serve([self.group(context)])
        if not sieve.answers:
            raise sieve.failure()
        reported = [pic_id for answer in sieve.answers for pic_id in answer.reported]
        return Reported(
            reported=reported, notReported=sieve.left, batches=await batches_of(self.picIDs, context)
        )

    def group(self, context: Context, *, after_loss: str = "") -> Group[Reported]:
        """These pictures, of which any may go out in calls of their own.

        Args:
            context: The call's.
            after_loss: What to do next where an answer is lost; empty for the usual.
        """

        async def send(pic_ids: list[int]) -> Reported:
            call = self.model_copy(update={"picIDs": pic_ids})
            try:
                return await super(ReportImages, call).run(context)
            except OutcomeUnknownError as error:  # it may have been done, so no repeat does it again unasked
                for fact in call.teaches(Reported(reported=pic_ids)):
                    await context.remember(fact)
                error.next_step = after_loss or error.next_step
                raise

        return Group(self.picIDs, send)

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """Batches in the place of pictures, and the batch of those in work."""
        await advise_on_pictures(error, self.picIDs, context)

    def teaches(self, result: Reported) -> list[Fact]:
        """That they were reported."""
        ids = [str(pic_id) for pic_id in result.reported]
        return [PicturesReported(ids, self.reportReason, self.reportComment or "")]

    def result(self, data: JsonValue) -> Reported:  # noqa: ARG002  # the documents show an empty text
        """What was asked, since the answer is empty."""
        return Reported(reported=self.picIDs)


class SentToQA(Result):
    """Pictures that people do again, in a batch that may be a new one."""

    batchID: AnswerID
    images: AcceptedImages = Field(default_factory=list)
    note: str | None = None
    notSent: list[LeftOut] = Field(default_factory=list)
    batches: list[str] = Field(default_factory=list, exclude=True)
    """The batches they are in now; several where it took several calls."""
    accepted: list[int] = Field(default_factory=list, exclude=True)

    def next_step(self) -> str:
        """Wait for every batch; send what is left."""
        return "; ".join([*steps_for(self.notSent), look_again(self.batches or [str(self.batchID)])])

    def sorted(self, pic_ids: list[int]) -> Self:
        """The same, with the pictures that the API did not accept, which it lists in the order they were sent in."""
        if len(self.images) != len(pic_ids):
            return self.model_copy(update={"accepted": pic_ids})
        answers = list(zip(pic_ids, self.images, strict=True))
        refused = [
            LeftOut(picIDs=[pic_id], reason=f"not accepted: {quoted(image.errorMsg)}")
            for pic_id, image in answers
            if image.error
        ]
        accepted = [pic_id for pic_id, image in answers if not image.error]
        return self.model_copy(update={"notSent": refused, "accepted": accepted})


class SendImagesForQA(Endpoint[SentToQA]):
    """Send processed pictures to be redone by people: picIDs, or those of a whole batch.

    Free. 10 calls/min. To say what is wrong: reportImages.
    """

    tool = "sendImagesForQA"
    title = "Send pictures to human QA"
    effect = "changes"
    toolset = "custom"
    path = "/images/sendForQA-v2"
    rate = SLOW
    audited_fields = ("batchID",)

    picIDs: PicIDsAsText | None = None
    batchID: Annotated[BatchID | None, Field(exclude=True)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        return one_of_both(self, self.picIDs, self.batchID)

    async def run(self, context: Context) -> SentToQA:
        """Send them in one call; where the API refuses it for some, send the others.

        Raises:
            AutobgError: None could be sent.
        """
        pic_ids, left = self.picIDs or [], list[LeftOut]()
        if self.batchID is not None:
            pic_ids, left = await processed_of(self.batchID, self.tool, context)
        sieve = Sieve[SentToQA](context, self.tool, self.rate, left=left)
        parts = [pic_ids[first : first + MOST_ITEMS] for first in range(0, len(pic_ids), MOST_ITEMS)]
        await sieve.serve([Group(part, lambda ids: self._send(ids, context)) for part in parts])
        if not sieve.answers:
            raise sieve.failure()
        return _joined(sieve)

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """Batches in the place of pictures, and the batch of those in work."""
        await advise_on_pictures(error, self.picIDs or [], context)

    async def _send(self, pic_ids: list[int], context: Context) -> SentToQA:
        call = self.model_copy(update={"picIDs": pic_ids, "batchID": None})
        return await super(SendImagesForQA, call).run(context)

    def result(self, data: JsonValue) -> SentToQA:
        """The new batch, and which pictures it has."""
        return SentToQA.model_validate(data).sorted(self.picIDs or [])

    def teaches(self, result: SentToQA) -> list[Fact]:
        """That they are done again, and the batch they are in now, which may be a new one."""
        ids, names = (
            [str(one) for one in result.accepted],
            [one.fileName for one in result.images if not one.error],
        )
        return [PicturesSentToQA(self.tool, ids, str(result.batchID), names)] if ids else []


def _joined(sieve: Sieve[SentToQA]) -> SentToQA:
    """One answer for all calls."""
    batches = list(dict.fromkeys(str(answer.batchID) for answer in sieve.answers))
    return SentToQA(
        batchID=sieve.answers[-1].batchID,
        images=[image for answer in sieve.answers for image in answer.images],
        note=f"the pictures are in batches {', '.join(batches)}: wait for each" if len(batches) > 1 else None,
        notSent=[*sieve.left, *(one for answer in sieve.answers for one in answer.notSent)],
        batches=batches,
    )
