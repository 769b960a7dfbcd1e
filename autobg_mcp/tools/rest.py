"""What does not fit into a call goes on by itself: the rest of its pictures becomes a job."""

from contextlib import suppress
from typing import Final

from autobg_mcp.errors import (
    AutobgError,
    ConnectionFailedError,
    RateLimitedError,
    ServerFaultError,
    StateError,
    ThrottledError,
)
from autobg_mcp.jobs.job import QueuedPicture
from autobg_mcp.jobs.plan import PlannedVehicle
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.begun import begin, new_job
from autobg_mcp.tools.forecast import done_by, standstill
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.submitted import Rest
from autobg_mcp.tools.tally import Tally
from autobg_mcp.tools.until_sent import all_sent

_PASSES: Final = (ThrottledError, RateLimitedError)
_PASSES_WHERE_SOME_WENT: Final = (ConnectionFailedError, ServerFaultError)


async def queue_rest(submission: Submission, roll: Roll, tally: Tally, context: Context) -> None:
    """Hand what was not sent for lack of time to a job, unless the caller has to decide.

    Args:
        submission: The call.
        roll: Its pictures.
        tally: What came of them.
        context: The call's.

    A repeat that is to be paid for again is never queued: after a death of this process nobody could tell the two payments
    apart. A file of jobs that cannot be used is why the rest is left, and hides nothing of what was sent.
    """
    left = [one for one in tally.fates if one in tally.in_state("left") or one in tally.handed_over]
    passes = _passes(tally.stopped, some_went=bool(tally.count("accepted")))
    if not left or not passes or not _may_queue(submission, context):
        return
    vehicle = PlannedVehicle(
        submission.vehicle(), submission.tool, submission.arguments(), [roll.planned(one) for one in left]
    )
    try:
        job = new_job(submission.tool, context)
        await begin(job, [vehicle], context, batch_ids=tally.batch_ids())
    except StateError as error:
        tally.stopped = error
        return
    tally.queue(left, job.id)
    tally.stopped = None


async def leave_to_job(submission: Submission, tally: Tally, context: Context) -> None:
    """Leave to a job what it will send anyway, so that a repeat of a call waits for nothing.

    A job that stands still is not waited for: then the call sends its photos, which the job finds paid later. So it does where
    the file of jobs cannot be used. A task leaves to its own jobs whatever they have, and sends no longer than other calls.
    """
    may_queue = _may_queue(submission, context)
    with suppress(StateError):
        await _leave_to_own(tally, context)
        if may_queue:
            await _leave_to_any(submission, tally, context)
    if may_queue and context.call.task is not None:
        context.time.shorten(context.settings.max_wait_s)


async def _leave_to_own(tally: Tally, context: Context) -> None:
    """What the same task has left to jobs in another process is theirs, even where a person has stopped them."""
    for job in await context.jobs.awaited.jobs_of(context.account.id, context.call.task):
        theirs = await context.jobs.awaited.photos(job)
        tally.queue([one for one in tally.in_state("left") if one in theirs], job)


async def _leave_to_any(submission: Submission, tally: Tally, context: Context) -> None:
    like = QueuedPicture.of(submission.vehicle(), submission.tool, submission.arguments(), "")
    queued = await context.jobs.book.queued_pictures(context.account.id, only=like)
    left = {one: queued.get(like._replace(picture=one)) for one in tally.in_state("left")}
    for job in dict.fromkeys(filter(None, left.values())):
        if await _goes_on(job, context):
            tally.queue([picture for picture, its in left.items() if its == job], job)


async def _goes_on(job: str, context: Context) -> bool:
    """Whether a job sends now: it neither stands still nor looks first after what is in doubt."""
    standing = await context.jobs.book.standing(context.account.id, job)
    in_doubt = standing is None or standing.photos.get("unknown")
    return not in_doubt and await done_by(job, context) is not None


def _may_queue(submission: Submission, context: Context) -> bool:
    """Whether what a call does not send may be sent after it."""
    sends_all = context.call.background or context.call.sends_all
    return not (sends_all or submission.allowDuplicate or submission.dryRun) and context.settings.background


async def rest_of(submission: Submission, tally: Tally, context: Context) -> Rest | None:
    """What jobs still send of a call; a task waits until that is nothing. None where nothing is left to them."""
    why_not = await all_sent(submission, tally, context) if context.call.task is not None else None
    jobs = list(tally.jobs())
    if not jobs:
        return None
    done = None
    with suppress(StateError):  # which must not hide what was sent
        still = await standstill(context)
        done = await done_by(jobs[-1], context, still)
        why_not = why_not or still.no_process
    return Rest(jobs[-1], tally.count("queued"), done, why_not)


def _passes(stop: AutobgError | None, *, some_went: bool) -> bool:
    """Whether what stopped a call passes by itself, so that nobody has to decide anything."""
    return (
        stop is None or isinstance(stop, _PASSES) or (some_went and isinstance(stop, _PASSES_WHERE_SOME_WENT))
    )
