"""When a job is done: from the requests that are still to be made and the pace that the limits allow."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from autobg_mcp.jobs.job import Wait
from autobg_mcp.text import clock_time, shortened, time_ahead
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools import class_of

_TAKES_S: Final = 2.0
"""What the answer to the last request takes, roughly."""

_REASON_CHARS: Final = 80

_NO_PROCESS: Final = (
    "no process is running that carries it on: any host's server does, unless AUTOBG_BACKGROUND=off, and so does "
    "`autobg-mcp work --once`"
)


@dataclass(frozen=True)
class Standstill:
    """What keeps jobs of an account from going on, as it was at one moment.

    Attributes:
        waits: Why work stands still, the longest wait first.
        no_process: That no process carries jobs on, and which one would, in words; None where one does.
    """

    waits: Sequence[Wait]
    no_process: str | None

    def of(self, lanes: Container[str]) -> list[Wait]:
        """The waits of some lanes."""
        return [one for one in self.waits if one.lane in lanes]


async def standstill(context: Context) -> Standstill:
    """What keeps the account's jobs from going on now; an answer of several jobs reads it once.

    They are carried on in this process, where it lasts and may send by itself, or in another that has shown itself lately.
    """
    signs, account = context.jobs.signs, context.account.id
    is_here = context.call.lasts and not context.settings.forbids_background()
    is_somewhere = is_here or await signs.is_worked(account)
    return Standstill(await signs.waits(account), None if is_somewhere else _NO_PROCESS)


async def done_by(job_id: str, context: Context, still: Standstill | None = None) -> str | None:
    """When everything of a job is sent, in words: the clock's time and minutes. Tools go beside each other.

    None where it stands still, so that nobody can tell: no process carries it on, or a tool of it waits for something. Where
    the job ends before all of it is sent, that is told instead.

    Args:
        job_id: The job.
        context: The call's.
        still: What keeps jobs from going on; None reads it.
    """
    requests = await context.jobs.book.requests_until(context.account.id, job_id)
    still = still or await standstill(context)
    if still.no_process or still.of(requests):
        return None
    now, seconds = context.clock.wall_s(), sending_s(requests, context)
    ends_at = await context.jobs.book.ends_at(job_id)
    if ends_at is not None and now + seconds > ends_at:  # `AUTOBG_JOB_HOURS`
        return f"after its end at {clock_time(ends_at, now)}"
    return time_ahead(seconds, now)


def why_it_waits(wait: Wait, now: float) -> str:
    """Why work stands still, since when, and when it is tried again."""
    why = shortened(wait.why, _REASON_CHARS)
    since, until = clock_time(wait.since, now), clock_time(wait.until, now)
    return f"{wait.lane}: {why}, since {since}, tried again at {until}"


def sending_s(requests: Mapping[str, int], context: Context) -> float:
    """Seconds until so many requests of each tool are made: tools have limits of their own and go beside each other."""
    return max((takes_s(count, _limit(tool, context)) for tool, count in requests.items()), default=0.0)


def takes_s(requests: int, limit: Limit) -> float:
    """Seconds that so many requests take one pace apart, the answer to the last included."""
    return requests * limit.window_s / limit.calls + _TAKES_S


def minutes(seconds: float) -> str:
    """A time in words: `40 min`, at least `1 min`."""
    return f"{max(1, round(seconds / 60)):,} min"


def _limit(tool: str, context: Context) -> Limit:
    return context.sender.limit(tool, cast("type[Endpoint[Result]]", class_of(tool)).rate)
