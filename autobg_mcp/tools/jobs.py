"""Questions about jobs, and their end: how far they are, why they wait, and that no more is sent."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.jobs.job import JobStanding, PhotoState
from autobg_mcp.jobs.queue import RESULTS
from autobg_mcp.text import by_state, clock_time, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.forecast import Standstill, done_by, standstill, why_it_waits

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
    """One job: vehicles and photos by state, how fast it goes, when it is done, and why photos were refused."""

    job: str
    state: str
    vehicles: str
    photos: str
    perMinute: float | None = None
    doneBy: str | None = None
    refused: list[str] | None = None
    failed: int = Field(default=0, exclude=True)
    """Photos that were refused, given up, or sent without anybody knowing what came of it."""
    is_open: bool = Field(exclude=True)
    """Whether something of it is still to be done."""


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
    """A job that sends nothing any more, and what came of the photos that it had sent."""

    job: str
    state: str
    notSent: int
    accepted: int
    unknown: int | None = None
    batchIDs: list[str]
    note: str | None = None
    unsent_by: str = Field(exclude=True)
    """The tool that sends what was not sent."""

    def next_step(self) -> str:
        """What was sent can be waited for, what was not be sent after all."""
        wait = [f"waitForBatch batchID={self.batchIDs[-1]}"] if self.batchIDs else []
        again = [f"{self.unsent_by} as before sends what was not sent"] if self.notSent else []
        return "; ".join([*wait, *again])


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
        shown, still = found[:MOST_JOBS], await standstill(context)
        reports = [await _report(one, context, still, reasons=self.job is not None) for one in shown]
        note = "more: name one with job" if len(found) > MOST_JOBS else None
        waits = _waits(shown, still, context.clock.wall_s())
        return JobReports(
            jobs=reports,
            waits=waits,
            note=note if found else "there are no jobs",
            steps="; ".join(_next(shown, waits=bool(waits), reasons=self.job is not None)),
        )


class StopJob(Tool[StoppedJob]):
    """Stop a job: what is not sent yet is not sent; what was sent goes on at the API and stays paid."""

    tool = "stopJob"
    title = "Stop a job"
    effect = "changes"
    toolset = "workflow"
    idempotent = True
    audited_fields = ("job", "notSent", "accepted")

    job: JobID

    async def run(self, context: Context) -> StoppedJob:
        """End it; a photo that is on the wire is finished.

        Raises:
            ArgumentsRefusedError: There is no such job.
        """
        before = await _standing(self.job, context)
        goes_on = before.photos.get("queued") and await done_by(self.job, context)
        await context.jobs.book.stop(context.account.id, self.job)
        await context.jobs.queue.withdraw(self.job)
        ended = await _standing(self.job, context)
        batches = await context.jobs.book.batches(self.job, limit=_MOST_BATCHES)
        is_calm = not goes_on and await context.ledger.calm(context.account.id) is not None
        return StoppedJob(
            job=self.job,
            state=ended.job.state,
            notSent=ended.photos.get("stopped", 0) + ended.photos.get("queued", 0),
            accepted=ended.photos.get("accepted", 0),
            unknown=ended.photos.get("unknown"),
            batchIDs=batches,
            unsent_by=ended.job.made_by,
            note="; ".join(_stopped(before, ended.batches - len(batches), is_calm=is_calm)) or None,
        )


async def _standing(job_id: str, context: Context) -> JobStanding:
    found = await context.jobs.book.standing(context.account.id, job_id)
    if found is None:
        raise ArgumentsRefusedError(
            f"job: there is no job {quoted(job_id, 40)}.", next_step="Call getJobs for the jobs there are."
        )
    return found


async def _report(standing: JobStanding, context: Context, still: Standstill, *, reasons: bool) -> JobReport:
    job, is_open, now = standing.job, standing.job.state == "open", context.clock.wall_s()
    is_unsent = is_open and standing.photos.get("queued")
    refusals = list(standing.refusals.items())[:_MOST_REASONS] if reasons else []
    return JobReport(
        job=job.id,
        state=f"{job.state}, begun at {clock_time(job.created_at, now)} by {job.made_by}",
        vehicles=by_state(standing.vehicles),
        photos=by_state(standing.photos),
        perMinute=standing.per_minute if is_open else None,
        doneBy=await done_by(job.id, context, still) if is_unsent else None,
        failed=_failed(standing),
        is_open=is_open,
        refused=[f"{count}: {quoted(reason, _REASON_CHARS)}" for reason, count in refusals] or None,
    )


def _failed(standing: JobStanding) -> int:
    """Photos that nobody wanted to stay behind: what a person stopped is none."""
    states: list[PhotoState] = ["refused", "unknown"]
    if standing.job.state == "expired":
        states.append("stopped")
    return sum(standing.photos.get(state, 0) for state in states)


def _waits(found: Sequence[JobStanding], still: Standstill, now: float) -> list[str]:
    """Why open jobs stand still; empty where they go on at the pace of their limits."""
    waiting = [one for one in found if one.job.state == "open"]
    if not waiting:
        return []
    lanes = {RESULTS}.union(*(one.tools for one in waiting))
    waits = [why_it_waits(one, now) for one in still.of(lanes)]
    return [*filter(None, [still.no_process]), *waits[:_MOST_REASONS]]


def _stopped(before: JobStanding, more_batches: int, *, is_calm: bool) -> Iterator[str]:
    """What a person does not expect of a job that was stopped; `is_calm` where nothing is under way, or was a moment ago."""
    if before.job.state == "open" and not is_calm:  # the book hears of what was sent a moment later
        yield f"what was sent in the last seconds may still be accepted: getJobs job={before.job.id} tells in a moment"
    if before.job.state == "open" and before.job.download:
        yield "results that are not saved yet are not saved any more: downloadProcessedImages with a batchID saves them"
    if more_batches > 0:
        yield f"{more_batches} more batches: listBatches"


def _next(found: Sequence[JobStanding], *, waits: bool, reasons: bool) -> Iterator[str]:
    """Look again when there is more to see, at what was refused, or at the results."""
    still = [one for one in found if one.job.state == "open"]
    if any(one.photos.get("queued") for one in still):
        when = "once what it waits for is over: tell the user" if waits else "when it should be done"
        yield f"getJobs again {when}; stopJob sends no more"
    elif still:
        yield "getJobs again in a few minutes: all is sent, results are looked for"
    if not reasons and (lacking := next((one.job.id for one in found if one.photos.get("refused")), None)):
        yield f"getJobs job={lacking} says why photos were refused"
    if any(one.photos.get("unknown") for one in found):
        yield "listBatches tells what is known of those of unknown outcome"
    elif found and not any(one.photos.get("queued") for one in still):
        yield "listBatches, then reviewBatch for each that is done"
