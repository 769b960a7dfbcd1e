"""What does not fit into a call goes on by itself: the rest of its pictures becomes a job."""

from typing import Final

from autobg_mcp.errors import (
    AutobgError,
    ConnectionFailedError,
    RateLimitedError,
    ServerFaultError,
    ThrottledError,
)
from autobg_mcp.jobs.job import Job
from autobg_mcp.jobs.plan import PlannedVehicle
from autobg_mcp.jobs.rows import new_id
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.forecast import done_by
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.submitted import Rest
from autobg_mcp.tools.tally import Tally

_PASSES: Final = (ThrottledError, RateLimitedError)
_PASSES_WHERE_SOME_WENT: Final = (ConnectionFailedError, ServerFaultError)


async def queue_rest(submission: Submission, roll: Roll, tally: Tally, context: Context) -> Rest | None:
    """Hand what was not sent for lack of time to a job; None where nothing is left, or the caller has to decide.

    A repeat that is to be paid for again is never queued: after a death of this process nobody could tell the two payments
    apart.

    Raises:
        StateError: The file of jobs cannot be used; what was sent is known all the same.
    """
    left = [one for one in tally.fates if one in tally.in_state("left") or one in tally.handed_over]
    is_long = context.call.background or context.call.as_task
    if not left or submission.allowDuplicate or is_long or not context.settings.background:
        return None
    if not _passes(tally.stopped, some_went=bool(tally.count("accepted"))):
        return None
    job = new_job(submission.tool, context)
    vehicle = PlannedVehicle(
        submission.vehicle(), submission.tool, submission.arguments(), [roll.planned(one) for one in left]
    )
    turns = await context.jobs.book.begin(
        job, [vehicle], {submission.tool: roll.per_request}, batch_ids=tally.batch_ids()
    )
    await context.jobs.queue.offer(turns, due_at=context.clock.wall_s())
    tally.queue(left)
    return Rest(job.id, len(left), await done_by(job.id, context))


def _passes(stop: AutobgError | None, *, some_went: bool) -> bool:
    """Whether what stopped a call passes by itself, so that nobody has to decide anything."""
    return (
        stop is None or isinstance(stop, _PASSES) or (some_went and isinstance(stop, _PASSES_WHERE_SOME_WENT))
    )


def new_job(made_by: str, context: Context) -> Job:
    """A job that begins now; where a person has to allow payments, they have done so."""
    now, settings = context.clock.wall_s(), context.settings
    return Job(
        id=new_id("j"),
        account=context.account.id,
        host=context.call.host,
        made_by=made_by,
        created_at=now,
        ends_at=now + settings.job_hours * 3600,
        approved=settings.approve == "paid",
        follows=False,
        download=False,
    )
