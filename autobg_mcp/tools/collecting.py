"""The results of a job: looks at its batches, spaced by what was learnt of how long they take, and downloads."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from autobg_mcp.errors import AutobgError, RequestRefusedError, UnexpectedAnswerError
from autobg_mcp.jobs.job import VehicleWork, Wait
from autobg_mcp.jobs.queue import RESULTS
from autobg_mcp.jobs.runner import Done
from autobg_mcp.text import first_sentence
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.downloads import DownloadProcessedImages
from autobg_mcp.tools.fields import LARGEST_ID
from autobg_mcp.tools.images import GetImagesRaw, GetImageStatus
from autobg_mcp.tools.status import BatchStatus

_SOONEST_LOOK_S: Final = 10.0
"""How soon a batch is looked at where nothing is learnt yet, since no page tells how long results take; then ever more rarely."""

_LATEST_LOOK_S: Final = 600.0
_LONGEST_TURNAROUND_S: Final = 86_400.0
"""A clock that was set forward must not put off all looks."""

_SHARE_OF_AGE: Final = 0.3
"""A batch is looked at again after so much of its age: looks grow rarer, and each is late by no more than that."""

_ALL_SHOWN_AFTER_S: Final = 3600.0
"""How long after its last photo a batch may lack pictures that it took; then it is for a person to look at."""

_FETCHED_TOGETHER: Final = 4
"""Pictures of one download: what comes is held in memory."""


async def first_look_s(work: VehicleWork, context: Context) -> float:
    """Seconds until the first look at a vehicle's results is worth it."""
    learnt_s = await context.jobs.signs.turnaround_s(work.job.account)
    age_s = max(0.0, context.clock.wall_s() - work.sent_at) if work.sent_at else 0.0
    return _SOONEST_LOOK_S if learnt_s is None else max(_SOONEST_LOOK_S, 0.9 * learnt_s - age_s)


async def collect(work: VehicleWork, context: Context) -> Done:
    """Look at the batches of a vehicle; where the job wants it, save what is processed and not here yet.

    Args:
        work: The vehicle.
        context: Of a call in the background.
    """
    try:
        looks = [await GetImageStatus(batchID=batch_id).run(context) for batch_id in work.batch_ids]
        lacking = (
            [pic_id for status in looks for pic_id in await _not_here(status, context)]
            if work.job.download
            else []
        )
        refused = await _save(lacking, context)
    except AutobgError as error:
        if error.meets_the_rest:
            return Done(context.clock.wall_s(), error, went=False)
        return await _later(work, error, context)
    return await _after(work, looks, len(refused), context)


async def _later(work: VehicleWork, error: AutobgError, context: Context) -> Done:
    """What is about this vehicle alone keeps no other waiting; why it waits is told."""
    now = context.clock.wall_s()
    until = now + _until_next_look_s(work, now)
    wait = Wait(RESULTS, now, until, first_sentence(str(error)).rstrip("."))
    await context.jobs.signs.wait(work.job.account, wait)
    return Done(until)


def _until_next_look_s(work: VehicleWork, now: float) -> float:
    return min(max(_SOONEST_LOOK_S, _SHARE_OF_AGE * (now - work.sent_at)), _LATEST_LOOK_S)


async def _after(work: VehicleWork, looks: Sequence[BatchStatus], refused: int, context: Context) -> Done:
    now = context.clock.wall_s()
    age_s = max(0.0, now - work.sent_at)
    if not (looks and work.sent_at):  # nothing of it is known to be in a batch
        await context.jobs.book.results(work.id, "ready")
        return Done(None)
    is_pending = any(status.pending or not status.total for status in looks)
    not_shown = await _not_shown(work, context)
    if is_pending or (not_shown and age_s < _ALL_SHOWN_AFTER_S):
        people_s = max((status.people_left_s or 0.0 for status in looks), default=0.0)
        return Done(now + max(people_s, _until_next_look_s(work, now)))
    await context.jobs.signs.learn_turnaround(work.job.account, min(age_s, _LONGEST_TURNAROUND_S))
    is_all_here = work.job.download and not refused and not not_shown
    await context.jobs.book.results(work.id, "fetched" if is_all_here else "ready")
    return Done(None)


async def _not_shown(work: VehicleWork, context: Context) -> int:
    """Pictures that were submitted to the batches of a vehicle, and that no status shows as ready or failed."""
    found = await context.ledger.progress(work.job.account, work.batch_ids)
    return sum(one.in_work for one in found.values())


async def _not_here(status: BatchStatus, context: Context) -> list[str]:
    """The processed pictures of a batch that nobody has fetched to this machine."""
    processed = [str(one.picID) for one in status.images if one.isProcessed and not one.isFailed]
    here = await context.ledger.fetched_before(context.account.id, processed)
    return [pic_id for pic_id in processed if pic_id not in here]


async def _save(pic_ids: Sequence[str], context: Context) -> list[str]:
    """Save pictures, several a call where the API gives them so, else one by one; answers those that it does not give.

    It gives them by number alone (documented), so one whose id is none cannot be asked for.

    Raises:
        AutobgError: Something that would meet the rest, too.
    """
    numbers = [pic_id for pic_id in pic_ids if pic_id.isdecimal() and int(pic_id) <= LARGEST_ID]
    refused = [pic_id for pic_id in pic_ids if pic_id not in numbers]
    for start in range(0, len(numbers), _FETCHED_TOGETHER):
        part = numbers[start : start + _FETCHED_TOGETHER]
        with suppress(RequestRefusedError, UnexpectedAnswerError):  # its body is not documented
            await DownloadProcessedImages.from_arguments({"picIDs": [*map(int, part)]}).run(context)
        here = await context.ledger.fetched_before(context.account.id, part)
        refused += [pic_id for pic_id in part if pic_id not in here and not await _is_saved(pic_id, context)]
    return refused


async def _is_saved(pic_id: str, context: Context) -> bool:
    """Save one picture; answers whether the API gave it.

    Raises:
        AutobgError: Something that would meet the rest, too.
    """
    try:
        await GetImagesRaw.from_arguments({"picID": int(pic_id)}).run(context)
    except AutobgError as error:
        if error.meets_the_rest and not isinstance(error, UnexpectedAnswerError):
            raise
        return False
    return True
