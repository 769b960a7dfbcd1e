"""How far a batch is: counted, with only what needs a look, and when to look again."""

import math
from contextlib import suppress
from typing import Annotated, Final, Self

from pydantic import Field, JsonValue

from autobg_mcp.errors import NotReadyError, StateError
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.answer_fields import AnswerID, Flag, Words
from autobg_mcp.tools.forecast import done_by
from autobg_mcp.tools.unsent import unsent

MOST_LISTED: Final = 10
"""The most failed and pending pictures that a status lists; a look is repeated often, and a model pays for each."""

_PEOPLE_TAKE_S: Final = 20 * 60
"""How long people take, a guess: the vendor's own app counts 20 minutes down for every batch. No page tells a time."""

_SOONEST_LOOK_S: Final = 5 * 60

EveryPicture = Annotated[
    bool, Field(exclude=True, description="List every picture with its picID, not only failed and pending.")
]
"""An argument of ours: the API is not told."""


class ImageState(Part):
    """How far one picture is; neither processed nor failed means in work."""

    picID: AnswerID
    picName: Words = ""
    isProcessed: Flag = False
    isFailed: Flag = False


class BatchStatus(Result):
    """How far a batch is; `images` are all its pictures in Python, and those worth telling in `structured()`."""

    batchID: str
    processed: int
    failed: int
    pending: int
    queued: int | None = None
    """Photos of its vehicle that a job sends later; they are pending, too."""
    images: list[ImageState]
    note: str | None = None
    job: str | None = Field(default=None, exclude=True)
    """The job that sends them."""
    doneBy: str | None = None
    every: bool = Field(default=False, exclude=True)
    """Whether a caller wants every picture listed."""
    people_left_s: float | None = Field(default=None, exclude=True)
    """Seconds until a look at what people do is worth it; None where nobody knows of people at it."""

    @classmethod
    def of(
        cls,
        batch_id: str,
        images: list[ImageState],
        *,
        every: bool = False,
        people_left_s: float | None = None,
    ) -> Self:
        """The status of a batch with its states counted."""
        failed = sum(image.isFailed for image in images)
        processed = sum(image.isProcessed and not image.isFailed for image in images)
        return cls(
            batchID=batch_id,
            processed=processed,
            failed=failed,
            pending=len(images) - processed - failed,
            images=images,
            every=every,
            people_left_s=people_left_s,
        )

    @property
    def done(self) -> int:
        """How many pictures nobody works on any more."""
        return self.processed + self.failed

    @property
    def total(self) -> int:
        """How many pictures there are."""
        return self.done + self.pending

    def structured(self) -> dict[str, JsonValue]:
        """The counts, and the first failed and pending pictures unless all are wanted."""
        if self.every:
            return super().structured()
        unready = [image for image in self.images if image.isFailed or not image.isProcessed]
        listed = sorted(unready, key=lambda image: not image.isFailed)[:MOST_LISTED]
        left_out = len(unready) - len(listed)
        note = f"{left_out} more are failed or pending: all=true lists every picture" if left_out else None
        told = self.model_copy(update={"images": listed, "note": note})
        return super(BatchStatus, told).structured()

    async def with_queued(self, context: Context) -> Self:
        """The same with the photos of its vehicle counted as pending that are not sent yet; a fault of a store hides nothing.

        What is sent meanwhile counts as pending once, whether this look shows it or not.
        """
        with suppress(StateError):
            queued = await unsent(self.batchID, context)
            if queued is None:
                return self
            account = context.account.id
            progress = (await context.ledger.progress(account, [self.batchID])).get(self.batchID)
            update: dict[str, object] = {
                "pending": max(self.pending, progress.in_work if progress else 0) + queued.photos
            }
            if queued.photos:
                done = await done_by(queued.job, context)
                update |= {"queued": queued.photos, "job": queued.job, "doneBy": done}
            return self.model_copy(update=update)
        return self

    def rest(self, of: str) -> str:
        """What a job has still to send, such as `30 of them`, and by when; or that it waits, and what says why."""
        if self.doneBy:
            return f"job {self.job} sends {self.queued} {of} by {self.doneBy}"
        return (
            f"job {self.job} is to send {self.queued} {of} and stands still: getJobs job={self.job} says why"
        )

    def next_step(self) -> str:
        """Wait while pictures are pending, as long as it takes; then look at them."""
        if self.total and not self.pending:
            return f"reviewBatch batchID={self.batchID}"
        wait = f"waitForBatch batchID={self.batchID}"
        if self.queued:
            return f"{wait}; {self.rest('of them')}"
        if self.people_left_s is None or not math.isfinite(self.people_left_s):
            return wait
        minutes = round(self.people_left_s / 60)
        return f"{wait} in about {minutes} min: people work on it, and how long they take is not documented"


def still_in_work(text: str, batch_id: str) -> NotReadyError:
    """The error for pictures of a batch that are in work; the text says which."""
    return NotReadyError(text, next_step=f"waitForBatch batchID={batch_id}, then call again.")


async def people_left_s(batch_id: str, context: Context) -> float | None:
    """Seconds until a look at a batch is worth it that was handed to people; None where it was not, as far as is known."""
    try:
        since = await context.ledger.handed_to_people(context.account.id, batch_id)
    except StateError:  # a status is told all the same
        return None
    if since is None:
        return None
    left_s = since + _PEOPLE_TAKE_S - context.clock.wall_s()
    return min(max(_SOONEST_LOOK_S, left_s), _PEOPLE_TAKE_S)
