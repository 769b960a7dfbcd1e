"""Questions about money: what is left, what was used, how long it lasts, each figure with its source."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from autobg_mcp.context import Context
from autobg_mcp.endpoints.account import GetUserCreditDetails, GetUserUsage, UsageReport
from autobg_mcp.endpoints.fields import Number
from autobg_mcp.errors import AutobgError, ThrottledError
from autobg_mcp.tool import Part, Result, Tool
from autobg_mcp.workflows.batches import span

_WEEK_DAYS = 7
_NAMES = tuple(
    re.compile(name, re.IGNORECASE)
    for name in (
        r"(total[ _]?)?(credits?[ _]?|amount[ _]?)?(used|usage|spent)([ _]?credits?)?",
        r"total",
        r"credits?",
    )
)
"""What a figure of used credits may be called, the clearest first; `total_credits` is what the account ever had."""

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

    pictures: Annotated[int | None, Field(ge=1, description="Pictures planned.")] = None

    async def run(self, context: Context) -> CreditSummary:
        """Ask the balance and the usage; where the API's usage cannot be understood, the ledger answers."""
        left = (await GetUserCreditDetails().run(context)).current_credits
        used = [await _used(period, context) for period in _PERIODS]
        per_day = round(used[1].credits / _WEEK_DAYS, 2)
        notes = ["One credit a picture is inferred, not documented."]
        unknown = len(await context.consult(context.ledger.unknown, context.account))
        if unknown:
            notes.append(f"{unknown} submissions have an unknown outcome and count as used: see listBatches.")
        if not per_day:
            notes.append("Nothing was used in 7 days, so no pace can be told.")
        if self.pictures and self.pictures > left:
            notes.append(f"{self.pictures} pictures need {self.pictures - left} credits more than are left.")
        return CreditSummary(
            left=left,
            used=used,
            perDay=per_day,
            daysLeft=int(left / per_day) if per_day and math.isfinite(left) else None,
            leftAfter=None if self.pictures is None else left - self.pictures,
            notes=notes,
        )


async def _used(period: Period, context: Context) -> Used:
    try:
        report = await GetUserUsage(reportOption=period).run(context)
        used, why = credits_in(report), "the API's usage answer was not understood"
    except ThrottledError:
        raise
    except AutobgError as error:
        used, why = None, f"the API's usage failed: {error}"
    if used is not None:
        return Used(period=period, credits=used, source="API usage")
    since = span(f"{datetime.now().astimezone():01-%m-%Y}" if period == "This month" else period)[0]
    spent = await context.consult(context.ledger.spent, context.account, since)
    return Used(period=period, credits=spent, source=f"submissions from this machine only; {why}")


def credits_in(report: UsageReport) -> float | None:
    """The credits that a usage answer of unknown form tells of; None where it is not understood."""
    return _total(report.data) if report.sums is None else _named(report.sums)


def _total(data: JsonValue) -> float | None:
    """A number under a telling name, else the sum of one over a list of rows."""
    if isinstance(data, dict):
        inner = [_total(value) for value in data.values() if isinstance(value, list | dict)]
        return next((figure for figure in [_named(data), *inner] if figure is not None), None)
    if isinstance(data, list):
        figures = [_total(row) for row in data if not _sums_up(row)]
        known = [figure for figure in figures if figure is not None]
        return sum(known) if known and len(known) == len(figures) else None
    return None


def _sums_up(row: JsonValue) -> bool:
    """Whether a row is the closing total of the others."""
    return isinstance(row, dict) and any(
        isinstance(value, str) and value.strip().lower().startswith("total") for value in row.values()
    )


def _named(values: Mapping[str, JsonValue]) -> float | None:
    figures = (
        _number(value) for name in _NAMES for key, value in values.items() if name.fullmatch(key.strip())
    )
    return next((figure for figure in figures if figure is not None), None)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d+)?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < math.inf else None
