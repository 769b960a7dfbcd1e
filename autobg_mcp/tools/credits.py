"""Questions about money: what is left, what was used, how long it lasts, each figure with its source."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import anyio.to_thread
from pydantic import Field, JsonValue

from autobg_mcp.clock import local_day
from autobg_mcp.errors import AutobgError, ThrottledError
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.account import GetUserCreditDetails, GetUserUsage, UsageReport, is_closing
from autobg_mcp.tools.answer_fields import Number
from autobg_mcp.tools.days import span
from autobg_mcp.tools.fields import LARGEST_ID, NO_BOOLEAN

_WEEK_DAYS = 7
_FROM_API = "API usage"
_USED = re.compile(
    r"(total[ _]?)?(credits?[ _]?|amount[ _]?)?(used|usage|spent)([ _]?credits?)?", re.IGNORECASE
)
_CREDITS = re.compile(r"credits?", re.IGNORECASE)
_TOTAL = re.compile(r"total", re.IGNORECASE)

Period = Literal["Today", "Last 7 days", "This month"]
_PERIODS: tuple[Period, ...] = ("Today", "Last 7 days", "This month")


class Used(Part):
    """Credits used in one period."""

    period: str
    credits: Number
    source: str


class CreditSummary(Result):
    """The state of the account's credits."""

    left: Number
    used: list[Used]
    perDay: Number | None = None
    daysLeft: Number | None = None
    leftAfter: Number | None = None
    notes: list[str]


class GetCreditSummary(Tool[CreditSummary]):
    """Sum up credits: left, used today, in 7 days and this month, per day, days left, and left after more pictures.

    Says where each figure comes from. Free.
    """

    tool = "getCreditSummary"
    title = "Credits in short"
    effect = "reads"
    toolset = "workflow"

    pictures: Annotated[
        int | None, Field(ge=1, le=LARGEST_ID, description="Pictures planned."), NO_BOOLEAN
    ] = None

    async def run(self, context: Context) -> CreditSummary:
        """Ask the balance and the usage; where the API's usage cannot be understood, the ledger answers."""
        left = (await GetUserCreditDetails().run(context)).current_credits
        used = [await _used(period, context) for period in _PERIODS]
        per_day = used[1].credits / _WEEK_DAYS
        notes = [
            "left is the API's balance now; perDay and daysLeft follow from the 7 days above.",
            "One credit a picture is inferred, not documented.",
        ]
        unknown = len(await context.ledger.unknown(context.account.id))
        if unknown and any(figure.source != _FROM_API for figure in used):
            notes.append(
                f"Up to {unknown} submissions of unknown outcome are counted as used: see listBatches."
            )
        if not per_day:
            notes.append("Nothing was used in 7 days, so no pace can be told.")
        if self.pictures and self.pictures > left:
            notes.append(f"{self.pictures} pictures need {self.pictures - left} credits more than are left.")
        return CreditSummary(
            left=left,
            used=used,
            perDay=round(per_day, 2),
            daysLeft=max(0, int(left / per_day)) if per_day and math.isfinite(left) else None,
            leftAfter=None if self.pictures is None else left - self.pictures,
            notes=notes,
        )


async def _used(period: Period, context: Context) -> Used:
    try:
        report = await GetUserUsage(reportOption=period).run(context)
        used = await anyio.to_thread.run_sync(credits_in, report)
        why = "the API's usage answer was not understood"
    except ThrottledError:
        raise
    except AutobgError as error:
        used, why = None, f"the API's usage failed: {error}"
    if used is not None:
        return Used(period=period, credits=used, source=_FROM_API)
    now = context.clock.wall_s()
    first = f"{local_day(now):01-%m-%Y}"
    since = span(first if period == "This month" else period, now)[0]
    spent = await context.ledger.spent(context.account.id, since)
    return Used(period=period, credits=spent, source=f"submissions from this machine only; {why}")


def credits_in(report: UsageReport) -> float | None:
    """The credits that a usage answer of unknown form tells of; None where that is not beyond doubt."""
    if report.sums is not None:
        return _named(report.sums, _USED, _CREDITS)
    return _total(report.data if report.whole is None else report.whole)


def _total(data: JsonValue) -> float | None:
    """A figure that says it is of use, else the sum over rows, which a total beside them has to confirm."""
    if isinstance(data, list):
        figures = [
            _named(row, _USED, _CREDITS)
            for row in data
            if isinstance(row, dict) and not is_closing(row.values())
        ]
        known = [figure for figure in figures if figure is not None]
        return sum(known) if known and len(known) == len(figures) else None
    if not isinstance(data, dict):
        return None
    used = _named(data, _USED)
    if used is not None:
        return used
    lists = [value for value in data.values() if isinstance(value, list) and value]
    inner = next((one for one in map(_total, data.values()) if one is not None), None)
    if inner is not None:
        return inner if _named(data, _TOTAL) in (None, inner) else None
    alone = not lists and sum(_number(value) is not None for value in data.values()) == 1
    return _named(data, _TOTAL, _CREDITS) if alone else None


def _named(values: Mapping[str, JsonValue], *names: re.Pattern[str]) -> float | None:
    """The figure under the first of `names` that is there."""
    figures = (
        _number(value) for name in names for key, value in values.items() if name.fullmatch(key.strip())
    )
    return next((figure for figure in figures if figure is not None), None)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d+)?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < math.inf else None
