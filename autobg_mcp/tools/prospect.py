"""The answer of a plan: totals, credits, time and what is odd, in a few lines for any number of vehicles."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from pydantic import Field

from autobg_mcp.errors import AutobgError
from autobg_mcp.jobs.job import VehicleState
from autobg_mcp.text import by_state, counted, quoted, shortened, some
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.outlook import Outlook
from autobg_mcp.tools.routes import Forecast
from autobg_mcp.tools.sources import ID_CHARS
from autobg_mcp.tools.vehicle_states import VehicleStanding

_MOST_LISTED: Final = 15
"""So many vehicles have a line each; of more only those that are not plain."""
_MOST_UNPLAIN: Final = 8
_MOST_NAMED: Final = 6
_MOST_LINES: Final = 6
_LONGEST_LINE_CHARS: Final = 160


OFF: Final = "AUTOBG_BACKGROUND=off: nothing is sent but by a call"
INSTEAD: Final = (
    "Upload vehicle by vehicle, or ask the person who runs this server to set AUTOBG_BACKGROUND=on"
)
"""What to do where a plan cannot be started."""


class VehiclesPlanned(Result):
    """What would be sent, by vehicle, and the `plan` that starts it; or the `job` that sends it.

    `notSent` says why single photos are left out.
    """

    plan: str | None = None
    job: str | None = None
    doneBy: str | None = None
    summary: list[str]
    vehicles: list[str] = Field(default_factory=list)
    odd: list[str] = Field(default_factory=list)
    notSent: list[str] = Field(default_factory=list)
    before: str = Field(default="", exclude=True)
    """What has to be done before it can be started; empty for nothing."""
    steps: list[str] = Field(default_factory=list, exclude=True)
    """What to do beside."""

    def next_step(self) -> str:
        """Start it, or what has to be done before, or with what was sent before; once started, see how far it is."""
        if self.job:
            return "; ".join([f"getJobs job={self.job}", *self.steps])
        if self.plan:
            start = f"processVehicles plan={self.plan} sends exactly this"
            return "; ".join([f"{self.before}; then {start}" if self.before else start, *self.steps])
        return "; ".join(self.steps)


def prospect(
    standings: Sequence[VehicleStanding],
    outlook: Outlook,
    forecast: Forecast,
    *,
    how: str,
    odd: Sequence[str],
    refused: Sequence[str],
    others: int,
    obstacle: AutobgError | None,
) -> VehiclesPlanned:
    """The answer.

    Args:
        standings: How far each vehicle is.
        outlook: What free looks have told.
        forecast: How long it takes.
        how: How the photos are processed, in words.
        odd: What is odd, a line each.
        refused: Photos that are not sent, a line each.
        others: Files beside that are no pictures.
        obstacle: What would stop it now; None for nothing.
    """
    to_send = sum(one.to_send for one in standings)
    credit = f"up to {counted(to_send, 'credit')}. {outlook.balance_after(to_send)}"
    return VehiclesPlanned(
        summary=[
            _by_state(standings),
            _photos(standings, len(refused), others),
            how,
            *([credit] if to_send else ["nothing is left to send"]),
            *forecast.told(short=outlook.is_short),
            *outlook.notes,
        ],
        vehicles=list(_listed(standings)),
        odd=bounded(odd),
        notSent=bounded(refused),
        before=outlook.first_step(obstacle) if to_send else "",
        steps=_steps(standings),
    )


def _by_state(standings: Sequence[VehicleStanding]) -> str:
    counts = Counter(one.state for one in standings)
    told = by_state({state: counts[state] for state in get_args(VehicleState)})
    return f"{counted(len(standings), 'vehicle')}: {told}"


def _photos(standings: Sequence[VehicleStanding], refused: int, others: int) -> str:
    to_send, paid = sum(one.to_send for one in standings), sum(one.paid for one in standings)
    doubtful, twins = sum(one.doubtful for one in standings), sum(one.twins for one in standings)
    again, queued = sum(one.refused for one in standings), sum(one.queued for one in standings)
    told = [
        f"{to_send:,} to send",
        *([f"{again:,} of them refused by the API before"] if again else []),
        f"{paid:,} paid before",
        *([f"{doubtful:,} of unknown outcome, see listBatches"] if doubtful else []),
        *([f"{queued:,} queued, see getJobs"] if queued else []),
        *([f"{twins:,} the same as another of them"] if twins else []),
    ]
    beside = f"; {refused:,} not to be sent, see notSent" if refused else ""
    beside += f"; {counted(others, 'other file')}: no picture" if others else ""
    return f"{counted(to_send + paid + doubtful + queued + twins, 'photo')}: {', '.join(told)}{beside}"


def _listed(standings: Sequence[VehicleStanding]) -> Iterator[str]:
    """A line for each of a few vehicles; of many for those that are not plain, and the first names of each state."""
    if len(standings) <= _MOST_LISTED:
        yield from map(_line, standings)
        return
    unplain = [one for one in standings if not one.is_plain]
    yield from map(_line, unplain[:_MOST_UNPLAIN])
    plain = [one for one in standings if one.is_plain] + unplain[_MOST_UNPLAIN:]
    for state in get_args(VehicleState):
        names = [quoted(one.vehicle, ID_CHARS) for one in plain if one.state == state]
        if names and state != "done":
            yield f"{state}: {some(names, _MOST_NAMED)}"


def _line(one: VehicleStanding) -> str:
    facts = {
        f"{one.to_send} to send": one.to_send,
        f"{one.refused} of them refused by the API before": one.refused,
        f"{one.paid} paid before": one.paid,
        f"{one.doubtful} of unknown outcome": one.doubtful,
        f"{one.queued} queued": one.queued,
        f"{one.twins} the same as another": one.twins,
        f"{one.failed} failed": one.failed,
        f"batch {', '.join(one.batch_ids[:3])}": one.batch_ids,
    }
    told = [fact for fact, holds in facts.items() if holds]
    return f"{quoted(one.vehicle, ID_CHARS)}: {', '.join([one.state, *told])}"


def bounded(lines: Iterable[str]) -> list[str]:
    """The first lines, each shortened, and how many more there are."""
    told = list(dict.fromkeys(shortened(line, _LONGEST_LINE_CHARS) for line in lines))
    more = len(told) - _MOST_LINES
    return [*told[:_MOST_LINES], *([f"and {more:,} more"] if more > 0 else [])]


def _steps(standings: Sequence[VehicleStanding]) -> list[str]:
    """What to do with the first vehicle that was sent before and is not done."""
    tools = {"in work": "waitForBatch", "to review": "reviewBatch"}
    found = {one.state: one.batch_ids[-1] for one in reversed(standings) if one.batch_ids}
    jobs = ["getJobs tells how far jobs are"] if any(one.queued for one in standings) else []
    return [
        *jobs,
        *(f"{tool} batchID={found[state]}" for state, tool in tools.items() if state in found),
    ]
