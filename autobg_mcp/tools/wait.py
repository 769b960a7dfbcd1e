"""Waiting for a batch: few looks, shared by all who wait for it."""

import random
from typing import Annotated

import anyio
from pydantic import Field

from autobg_mcp.errors import OutcomeUnknownError, ThrottledError
from autobg_mcp.money.ledger import Poll
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Tool
from autobg_mcp.tools.fields import NO_BOOLEAN, BatchID
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.status import BatchStatus, EveryPicture, ImageState, people_left_s

LONGEST_WAIT_S = 45
"""Hosts give up on a call after 60 s."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 12.0
_LOOK_TAKES_S = 45.0


class WaitForBatch(Tool[BatchStatus]):
    """Wait until no picture of a batch is pending, or until waitSeconds are over; answers its status.

    While pictures are pending, call it again. Free. Next: reviewBatch.
    """

    tool = "waitForBatch"
    title = "Wait for a batch"
    effect = "reads"
    toolset = "workflow"

    batchID: BatchID
    waitSeconds: Annotated[
        float, Field(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait."), NO_BOOLEAN
    ] = 30
    all: EveryPicture = False

    async def run(self, context: Context) -> BatchStatus:
        """Look with growing pauses; where another call looks already, share what it sees."""
        pause_s, told = FIRST_PAUSE_S, -1
        status: BatchStatus | None = None
        seen_at: float | None = None
        if context.call.task is None:
            context.time.shorten(self.waitSeconds)
        while True:
            poll = await context.ledger.status_lease(
                context.account.id, self.batchID, fresh_s=pause_s, lease_s=_LOOK_TAKES_S
            )
            try:
                status = await self._look(context) if poll.may_poll else await self._shared(poll, context)
            except (ThrottledError, OutcomeUnknownError) as error:
                is_late = isinstance(error, ThrottledError) or not context.time.left_s()
                if status is None or not is_late:
                    raise
                return status
            status = await status.with_queued(context)
            if status.done != told:
                told = status.done
                await self._tell(status, context)
            left_s = context.time.left_s()
            if not left_s or (status.total and not status.pending):
                return status
            if poll.may_poll or poll.checked_at != seen_at:  # whoever looked: all who wait slow down
                pause_s, seen_at = min(pause_s * 1.5, LONGEST_PAUSE_S), poll.checked_at
            jitter = random.uniform(1, 1.2)  # noqa: S311  # keeps waiters apart, protects nothing
            await context.clock.sleep(min((poll.next_look_s or pause_s) * jitter, left_s))

    async def _tell(self, status: BatchStatus, context: Context) -> None:
        done, total = status.done, status.total
        words = f"Batch {self.batchID}: {done} of {total} pictures done" if total else "No pictures yet"
        await context.progress(words, done=done, total=total or None)

    async def _look(self, context: Context) -> BatchStatus:
        """Ask the API; a look that fails or is cancelled leaves the right to ask to the next waiter."""
        try:
            return await GetImageStatus(batchID=self.batchID, all=self.all).run(context)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await context.ledger.give_up_look(context.account.id, self.batchID)
            raise

    async def _shared(self, poll: Poll, context: Context) -> BatchStatus:
        """What another waiter saw last; nothing, while its first look is under way."""
        images = [
            ImageState(picID=one.pic_id, picName=one.name, isProcessed=one.processed, isFailed=one.failed)
            for one in poll.pictures or []
        ]
        left_s = await people_left_s(self.batchID, context)
        return BatchStatus.of(self.batchID, images, every=self.all, people_left_s=left_s)
