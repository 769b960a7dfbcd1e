"""Questions about money: what is left, what was used, how long it lasts, each figure with its source."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Final, Literal, NamedTuple, Self, get_args

import anyio
from pydantic import Field

from autobg_mcp.clock import day_start_s, local_day
from autobg_mcp.errors import AutobgError
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part, Result, Tool
from autobg_mcp.tools.account import GetUserCreditDetails, GetUserUsage
from autobg_mcp.tools.answer_fields import Number
from autobg_mcp.tools.days import span
from autobg_mcp.tools.fields import LARGEST_ID, NO_BOOLEAN

_WEEK_DAYS: Final = 7
_SHARES_DAYS: Final = 30
_MOST_SHARES: Final = 10
_LONGEST_PACE_DAYS: Final = 3650
"""Beyond ten years a pace tells nothing."""

_FROM_API = "API usage"

Period = Literal["Today", "Last 7 days", "This month", "Last Month"]
"""As the API spells them."""


class Used(Part):
    """Credits used in one period; None where nobody knows."""

    period: str
    credits: Number | None
    source: str


class Share(Part):
    """Credits that went to one vehicle, one template, or all that are not named."""

    name: str
    credits: int


class DailyLimit(Part):
    """`AUTOBG_DAILY_CREDIT_LIMIT`: what submissions from this machine have taken of it today, what jobs count on, and the rest."""

    limit: int
    used: int
    left: int
    forJobs: int | None = None

    @classmethod
    async def now(cls, context: Context) -> Self | None:
        """The limit today; None where none is set."""
        limit = context.settings.daily_credit_limit
        if limit is None:
            return None
        used = await context.ledger.spent(context.account.id, day_start_s(_today(context)))
        jobs = 0 if context.call.background else await context.jobs.book.queued(context.account.id)
        aside = min(jobs, max(0, limit - used))
        return cls(limit=limit, used=used, left=max(0, limit - used - aside), forJobs=aside or None)


class CreditSummary(Result):
    """The state of the account's credits."""

    left: Number
    used: list[Used]
    perDay: Number | None = None
    daysLeft: Number | None = None
    emptyOn: str | None = None
    leftAfter: Number | None = None
    dailyLimit: DailyLimit | None = None
    byVehicle: list[Share]
    byTemplate: list[Share]
    notes: list[str]


class GetCreditSummary(Tool[CreditSummary]):
    """Sum up credits: left, used by period, vehicle and template, daily limit, pace, when they end, left after more pictures.

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
        """Ask the balance and the usage; where the API's usage cannot be understood or did not come, the ledger answers."""
        left, used = await _asked(context)
        limit, pace = await DailyLimit.now(context), _pace(used, _today(context))
        days_left = None if pace is None else max(0, int(left / pace.per_day))
        notes = [_pace_told(pace, used), *await _doubts(used, context), *self._lacking(left, limit)]
        return CreditSummary(
            left=left,
            used=used,
            perDay=None if pace is None else round(pace.per_day, 2),
            daysLeft=days_left,
            emptyOn=_day_after(days_left, context) if left > 0 else None,
            leftAfter=None if self.pictures is None else left - self.pictures,
            dailyLimit=limit,
            byVehicle=await _by_vehicle(context),
            byTemplate=await _by_template(context),
            notes=notes,
        )

    def _lacking(self, left: float, limit: DailyLimit | None) -> list[str]:
        """What stands against the pictures that are planned."""
        if not self.pictures:
            return []
        lacking = []
        if self.pictures > left:
            lacking.append(
                f"{self.pictures} pictures need {self.pictures - left} credits more than are left."
            )
        if limit and self.pictures > limit.left:
            lacking.append(f"AUTOBG_DAILY_CREDIT_LIMIT leaves {limit.left} pictures today.")
        return lacking


class _Pace(NamedTuple):
    per_day: float
    period: str


def _pace(used: list[Used], today: date) -> _Pace | None:
    """Credits a day, of the last period in which some were used; None where none is known."""
    by_period = {one.period: one.credits for one in used}
    for period, days in (("Last 7 days", _WEEK_DAYS), ("This month", today.day)):
        if credit := by_period[period]:
            return _Pace(credit / days, period)
    return None


def _pace_told(pace: _Pace | None, used: list[Used]) -> str:
    if pace is not None:
        return (
            f"left is the API's balance now; perDay, daysLeft and emptyOn go on from “{pace.period}” above."
        )
    unknown = any(one.credits is None for one in used[:3])
    nothing = "No use is known" if unknown else "Nothing was used"
    return f"{nothing} in 7 days, so no pace can be told."


async def _doubts(used: list[Used], context: Context) -> list[str]:
    """What the figures leave open."""
    doubts = [
        "One credit a picture is inferred, not documented.",
        f"byVehicle and byTemplate: submissions from this machine, {_SHARES_DAYS} days.",
    ]
    unknown = len(await context.ledger.unknown(context.account.id))
    if unknown and any(figure.source != _FROM_API for figure in used):
        doubts.append(f"Up to {unknown} submissions of unknown outcome are counted as used: see listBatches.")
    return doubts


def _day_after(days: int | None, context: Context) -> str | None:
    if days is None or days > _LONGEST_PACE_DAYS:
        return None
    return (_today(context) + timedelta(days=days)).isoformat()


async def _by_vehicle(context: Context) -> list[Share]:
    spent = await context.ledger.credits_by(context.account.id, "vehicle", since=_shares_since(context))
    return _shares(spent, {})


async def _by_template(context: Context) -> list[Share]:
    spent = await context.ledger.credits_by(context.account.id, "template", since=_shares_since(context))
    names = await context.ledger.template_names(context.account.id, filter(None, [*spent][:_MOST_SHARES]))
    return _shares(spent, names)


def _shares(spent: Mapping[str | None, int], names: Mapping[str, str]) -> list[Share]:
    """The largest, and all others as one."""
    told = [
        Share(name=_named(key, names.get(key or "")), credits=credit)
        for key, credit in [*spent.items()][:_MOST_SHARES]
    ]
    others = [*spent.values()][_MOST_SHARES:]
    return [*told, Share(name=f"{len(others)} others", credits=sum(others))] if others else told


def _named(key: str | None, name: str | None) -> str:
    if key is None:
        return "no template"
    return cleaned(f"{key} ({name})" if name else key, 60)


async def _asked(context: Context) -> tuple[float, list[Used]]:
    """The balance and the usage of each period; all at once, since a slow API leaves no time for one after another.

    Raises:
        AutobgError: There is no balance.
    """
    used: dict[Period, Used] = {}

    async def ask(period: Period) -> None:
        used[period] = await _used(period, context)

    async with anyio.create_task_group() as group:
        for period in get_args(Period):
            group.start_soon(ask, period)
        left = (await GetUserCreditDetails().run(context)).current_credits
    return left, [used[period] for period in get_args(Period)]


async def _used(period: Period, context: Context) -> Used:
    try:
        used = (await GetUserUsage(reportOption=period).run(context)).credits
        why = "the API's usage answer was not understood"
    except AutobgError as error:
        used, why = None, f"the API's usage failed: {error}"
    if used is not None:
        return Used(period=period, credits=used, source=_FROM_API)
    since, until = span(period, context.clock.wall_s())
    if spent := await context.ledger.spent(context.account.id, since, until):
        return Used(period=period, credits=spent, source=f"submissions from this machine only; {why}")
    return Used(
        period=period, credits=None, source=f"unknown, nothing was submitted from this machine; {why}"
    )


def _today(context: Context) -> date:
    return local_day(context.clock.wall_s())


def _shares_since(context: Context) -> float:
    return day_start_s(_today(context) - timedelta(days=_SHARES_DAYS - 1))
