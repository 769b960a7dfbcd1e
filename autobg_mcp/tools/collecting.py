"""The results of a job: looks at its batches, spaced by what was learnt of how long they take, and downloads."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import AutobgError, RequestRefusedError, UnexpectedAnswerError
from autobg_mcp.jobs.job import VehicleWork
from autobg_mcp.jobs.runner import Done
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.downloads import DownloadProcessedImages
from autobg_mcp.tools.images import GetImagesRaw, GetImageStatus
from autobg_mcp.tools.status import BatchStatus

_FIRST_GUESS_S: Final = 60.0
_SOONEST_LOOK_S: Final = 15.0
_LATEST_LOOK_S: Final = 600.0
_LONGEST_TURNAROUND_S: Final = 86_400.0
"""A clock that was set forward must not put off all looks."""

_SHARE_OF_AGE: Final = 0.3
"""A batch is looked at again after so much of its age: looks grow rarer, and each is late by no more than that."""

_FETCHED_TOGETHER: Final = 4
"""Pictures of one download: what comes is held in memory."""


async def first_look_s(work: VehicleWork, context: Context) -> float:
    """Seconds until the first look at a vehicle's results is worth it."""
    learnt_s = await context.jobs.signs.turnaround_s(work.job.account)
    age_s = context.clock.wall_s() - work.sent_at if work.sent_at else 0.0
    return max(_SOONEST_LOOK_S, 0.9 * (_FIRST_GUESS_S if learnt_s is None else learnt_s) - age_s)


async def collect(work: VehicleWork, context: Context) -> Done:
    """Look at the batches of a vehicle; where the job wants it, save what is processed and not here yet.

    Args:
        work: The vehicle.
        context: Of a call in the background.
    """
    try:
        looks = [await GetImageStatus(batchID=batch_id).run(context) for batch_id in work.batch_ids]
        lacking = (
            [pic_id for status in looks for pic_id in await _lacking(status, context)]
            if work.job.download
            else []
        )
        refused = await _save(lacking, context)
    except AutobgError as error:
        return Done(context.clock.wall_s(), error, went=False)
    return await _after(work, looks, len(refused), context)


async def _after(work: VehicleWork, looks: Sequence[BatchStatus], refused: int, context: Context) -> Done:
    now = context.clock.wall_s()
    age_s = max(0.0, now - work.sent_at)
    if not (looks and work.sent_at):  # nothing of it is known to be in a batch
        await context.jobs.book.results(work.id, "ready")
        return Done(None)
    if any(status.pending or not status.total for status in looks):
        people_s = max((status.people_left_s or 0.0 for status in looks), default=0.0)
        return Done(now + max(people_s, min(max(_SOONEST_LOOK_S, _SHARE_OF_AGE * age_s), _LATEST_LOOK_S)))
    await context.jobs.signs.learn_turnaround(work.job.account, min(age_s, _LONGEST_TURNAROUND_S))
    await context.jobs.book.results(work.id, "fetched" if work.job.download and not refused else "ready")
    return Done(None)


async def _lacking(status: BatchStatus, context: Context) -> list[int]:
    """The processed pictures of a batch that nobody has fetched to this machine."""
    processed = [str(one.picID) for one in status.images if one.isProcessed and not one.isFailed]
    here = await context.ledger.fetched_before(context.account.id, processed)
    return [int(pic_id) for pic_id in processed if pic_id not in here and pic_id.isdecimal()]


async def _save(pic_ids: Sequence[int], context: Context) -> list[int]:
    """Save pictures, several a call where the API gives them so, else one by one; answers those that it refuses.

    Raises:
        AutobgError: Something that would meet the rest, too.
    """
    refused: list[int] = []
    for start in range(0, len(pic_ids), _FETCHED_TOGETHER):
        part = list(pic_ids[start : start + _FETCHED_TOGETHER])
        with suppress(RequestRefusedError, UnexpectedAnswerError):  # its body is not documented
            await DownloadProcessedImages.from_arguments({"picIDs": [*part]}).run(context)
        here = await context.ledger.fetched_before(context.account.id, map(str, part))
        refused += [
            pic_id for pic_id in part if str(pic_id) not in here and not await _is_saved(pic_id, context)
        ]
    return refused


async def _is_saved(pic_id: int, context: Context) -> bool:
    """Save one picture; answers whether the API gave it.

    Raises:
        AutobgError: Something that would meet the rest, too.
    """
    try:
        await GetImagesRaw.from_arguments({"picID": pic_id}).run(context)
    except AutobgError as error:
        if error.meets_the_rest and not isinstance(error, UnexpectedAnswerError):
            raise
        return False
    return True
