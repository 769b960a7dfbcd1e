"""Questions about jobs, and their end: how far they are, why they wait, and that no more is sent."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.jobs.job import JobStanding, PhotoState, VehicleState
from autobg_mcp.jobs.queue import RESULTS
from autobg_mcp.text import clock_time, quoted, shortened
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.forecast import done_by

MOST_JOBS: Final = 3
_MOST_BATCHES: Final = 12
_REASON_CHARS: Final = 80
_MOST_REASONS: Final = 3

JobID = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
    Field(description="Such as j-7k2mq9xd."),
]


class JobReport(Part):
    """One job: vehicles and photos by state, how fast it goes, when it is done, and why photos were not taken."""

    job: str
    state: str
    vehicles: str
    photos: str
    perMinute: float | None = None
    doneBy: str | None = None
    notTaken: list[str] | None = None
    failed: int = Field(default=0, exclude=True)
    """Photos that were refused, given up, or sent without anybody knowing what came of it."""

    def is_open(self) -> bool:
        """Whether something of it is still to be done."""
        return self.state.startswith("open")


class JobReports(Result):
    """The open jobs, then the newest, and why the open ones wait."""

    jobs: list[JobReport]
    waits: list[str] = Field(default_factory=list)
    note: str | None = None
    steps: str = Field(default="", exclude=True)
    """What to do next."""

    def next_step(self) -> str:
        """Look again later, or at the results."""
        return self.steps


class StoppedJob(Result):
    """A job that sends nothing any more, and what it had sent."""

    job: str
    state: str
    notSent: int
    sent: int
    batchIDs: list[str]
    note: str | None = None

    def next_step(self) -> str:
        """What was sent can be waited for."""
        return f"waitForBatch batchID={self.batchIDs[-1]}" if self.batchIDs else ""


class GetJobs(Tool[JobReports]):
    """Say how far jobs are: vehicles and photos by state, rate, finish time, and why they wait. Free."""

    tool = "getJobs"
    title = "See jobs"
    effect = "reads"
    toolset = "workflow"

    job: JobID | None = None

    async def run(self, context: Context) -> JobReports:
        """Read the book of jobs; the API is not asked.

        Raises:
            ArgumentsRefusedError: There is no such job.
        """
        account, book = context.account.id, context.jobs.book
        if self.job is not None:
            found = [await _standing(self.job, context)]
        else:
            found = await book.standings(account, limit=MOST_JOBS + 1)
        shown = found[:MOST_JOBS]
        reports = [await _report(one, context, reasons=self.job is not None) for one in shown]
        note = "there are more: name one with job" if len(found) > MOST_JOBS else None
        return JobReports(
            jobs=reports,
            waits=await _waits(shown, context),
            note=note if found else "there are no jobs",
            steps=_next(shown),
        )


class StopJob(Tool[StoppedJob]):
    """Stop a job: what is not sent yet is not sent; what was sent goes on at the API and stays paid."""

    tool = "stopJob"
    title = "Stop a job"
    effect = "changes"
    toolset = "workflow"
    idempotent = True
    audited_fields = ("job", "notSent", "sent")

    job: JobID

    async def run(self, context: Context) -> StoppedJob:
        """End it; a photo that is on the wire is finished.

        Raises:
            ArgumentsRefusedError: There is no such job.
        """
        await _standing(self.job, context)
        await context.jobs.book.stop(context.account.id, self.job)
        ended = await _standing(self.job, context)
        batches = await context.jobs.book.batches(self.job, limit=_MOST_BATCHES)
        more = ended.batches - len(batches)
        return StoppedJob(
            job=self.job,
            state=ended.job.state,
            notSent=ended.photos.get("stopped", 0) + ended.photos.get("queued", 0),
            sent=ended.photos.get("taken", 0) + ended.photos.get("unknown", 0),
            batchIDs=batches,
            note=f"{more} more batches: listBatches" if more > 0 else None,
        )


async def _standing(job_id: str, context: Context) -> JobStanding:
    found = await context.jobs.book.standing(context.account.id, job_id)
    if found is None:
        raise ArgumentsRefusedError(
            f"job: there is no job {quoted(job_id, 40)}.", next_step="Call getJobs for the jobs there are."
        )
    return found


async def _report(standing: JobStanding, context: Context, *, reasons: bool) -> JobReport:
    job, is_open = standing.job, standing.job.state == "open"
    refusals = list(standing.refusals.items())[:_MOST_REASONS] if reasons else []
    return JobReport(
        job=job.id,
        state=f"{job.state}, begun {clock_time(job.created_at, context.clock.wall_s())} by {job.made_by}",
        vehicles=_told(standing.vehicles),
        photos=_told(standing.photos),
        perMinute=standing.per_minute if is_open else None,
        doneBy=await done_by(job.id, context) if is_open and standing.photos.get("queued") else None,
        failed=_failed(standing),
        notTaken=[f"{count}: {quoted(reason, _REASON_CHARS)}" for reason, count in refusals] or None,
    )


def _failed(standing: JobStanding) -> int:
    """Photos that nobody wanted to stay behind: what a person stopped is none."""
    states: list[PhotoState] = ["refused", "unknown"]
    if standing.job.state == "expired":
        states.append("stopped")
    return sum(standing.photos.get(state, 0) for state in states)


def _told(counts: Mapping[PhotoState, int] | Mapping[VehicleState, int]) -> str:
    """Counts by state in one line, such as `120 done, 3 partly`."""
    return ", ".join(f"{count:,} {state}" for state, count in counts.items()) or "none"


async def _waits(found: Sequence[JobStanding], context: Context) -> list[str]:
    """Why open jobs stand still; empty where they go on at the pace of their limits."""
    waiting = [one for one in found if one.job.state == "open"]
    if not waiting:
        return []
    signs, account, now = context.jobs.signs, context.account.id, context.clock.wall_s()
    lanes = {RESULTS}.union(*(one.tools for one in waiting))
    waits = [
        f"{one.lane}: {shortened(one.why, _REASON_CHARS)}, since {clock_time(one.since, now)}, tried again at {clock_time(one.until, now)}"
        for one in await signs.waits(account)
        if one.lane in lanes
    ]
    idle = "no process is running that carries it on: any host's server does, and so does `autobg-mcp work`"
    return [*([] if await signs.is_worked(account) else [idle]), *waits[:_MOST_REASONS]]


def _next(found: list[JobStanding]) -> str:
    if any(one.job.state == "open" for one in found):
        return "getJobs again when it should be done; stopJob sends no more"
    if any(one.photos.get("unknown") for one in found):
        return "listBatches tells what is known of those of unknown outcome"
    return "listBatches, then reviewBatch for each" if found else ""
