"""Waiting for a batch: few looks, shared by all who wait for it."""

import random
from typing import Annotated

from pydantic import Field

from autobg_mcp.context import Context
from autobg_mcp.endpoints.fields import BatchID
from autobg_mcp.endpoints.images import BatchStatus, GetImageStatus, ImageState
from autobg_mcp.ledger import PictureState
from autobg_mcp.tool import Tool

LONGEST_WAIT_S = 45
"""Hosts give up on a call after 60 s."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 12.0
_LOOK_TAKES_S = 20.0


class WaitForBatch(Tool[BatchStatus]):
    """Wait until no picture of a batch is pending, or until waitSeconds are over; answers its status.

    Reports progress and answers early when done; while pictures are pending, call it again. Free.
    """

    tool = "waitForBatch"
    title = "Wait for a batch"
    effect = "reads"
    toolset = "workflow"

    batchID: BatchID
    waitSeconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait, 0 to 45.")] = (
        30
    )

    async def run(self, context: Context) -> BatchStatus:
        """Look with growing pauses; where another call looks already, share what it sees."""
        call, pause_s = context.call, FIRST_PAUSE_S
        call.limit_wait(self.waitSeconds)
        while True:
            status, next_look_s = await self._look(context, pause_s)
            if status is not None:
                total = len(status.images)
                message = f"Batch {self.batchID}: {total - status.pending} of {total} pictures done"
                await call.progress(message, done=total - status.pending, total=total)
            left_s = call.time_left_s()
            if status is not None and (not left_s or (status.images and not status.pending)):
                return status
            jittered_s = pause_s * random.uniform(0.8, 1.2)  # noqa: S311  # keeps waiters apart, protects nothing
            await call.sleep(max(0.05, min(next_look_s or jittered_s, left_s)))
            pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)

    async def _look(self, context: Context, fresh_s: float) -> tuple[BatchStatus | None, float]:
        """The status where one is at hand or may be asked for now, and after how many seconds to look again."""
        lease = context.ledger.status_lease
        poll = await context.consult(
            lease, context.account, self.batchID, fresh_s=fresh_s, lease_s=_LOOK_TAKES_S
        )
        if poll.may_poll:
            return await GetImageStatus(batchID=self.batchID).run(context), 0.0
        return None if poll.pictures is None else self._shared(poll.pictures), poll.next_look_s

    def _shared(self, pictures: list[PictureState]) -> BatchStatus:
        images = [
            ImageState(picID=one.pic_id, picName=one.name, isProcessed=one.processed, isFailed=one.failed)
            for one in pictures
        ]
        return BatchStatus.of(self.batchID, images)
