"""Account: credits that are left and credits that were used."""

from contextlib import suppress
from typing import Annotated, Literal, Self

import anyio.to_thread
from pydantic import Field, JsonValue, SkipValidation, model_validator

from autobg_mcp.api.exchange import Answer, Request, described, unexpected
from autobg_mcp.clock import local_day
from autobg_mcp.errors import StateError
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.spreadsheet import ExtraMissingError, table_in
from autobg_mcp.money.facts import BalanceTold
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST_INFERRED, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.answer_fields import Number, Pruned, pruned
from autobg_mcp.tools.days import Day, day, days
from autobg_mcp.tools.usage import credits_in_json, credits_in_table, sums_of

_ROWS_SHOWN = 40
_UNREAD, _NOT_UNDERSTOOD = "spreadsheet, not read", "not understood"
_LARGE_BYTES = 20_000
_FEWEST_COLUMNS = 2  # one column is a text, not a table


ReportOption = Literal[
    "Today",
    "Yesterday",
    "This week",
    "Last week",
    "Last 7 days",
    "Last 30 days",
    "This month",
    "Last Month",
]
"""The preset ranges of getUserUsage."""


class Credits(Result):
    """The balance, now and in all: one credit is likely one picture."""

    current_credits: Number
    total_credits: Number | None = None


class UsageReport(Result):
    """Credits used in a range of days, as far as the answer can be understood.

    `credits` is their number, None where that is not beyond doubt; `form` is json, spreadsheet or not understood; `file` is where a table is saved, `rows` its first rows, `sums` the sum of each numeric column over all rows, `data` a
    JSON answer as it came.
    """

    period: str
    form: str
    credits: Number | None = None
    file: str | None = None
    rowCount: int | None = None
    rows: list[dict[str, JsonValue]] | None = None
    sums: dict[str, float] | None = None
    data: Pruned | None = None
    whole: SkipValidation[JsonValue] = Field(default=None, exclude=True)
    """`data` unshortened, for callers in Python."""

    def next_step(self) -> str:
        """A workbook may need a reader."""
        if self.form != _UNREAD:
            return ""
        return "open the file, or ask the operator to install autobg-mcp[xlsx], with which it is read and summed up"


class GetUserCreditDetails(Endpoint[Credits]):
    """Tell how many credits are left and how many there were in all. Free. 100 calls/min assumed."""

    tool = "getUserCreditDetails"
    title = "Credits left"
    effect = "reads"
    toolset = "enterprise"
    path = "/user/getUserCreditDetails"
    encoding = "none"
    rate = FAST_INFERRED

    async def run(self, context: Context) -> Credits:
        """Ask, and keep the balance where no submission was under way meanwhile: it would count that one or not."""
        asked_after: int | None = None
        with suppress(StateError):  # a ledger that fails hides no balance
            asked_after = await context.ledger.calm(context.account.id)
        result = await super().run(context)
        await context.remember(BalanceTold(result.current_credits, asked_after))
        return result


class GetUserUsage(Endpoint[UsageReport]):
    """Report credits used in a range: either reportOption, or startDate with endDate.

    A table is saved and summed up. Free. 100 calls/min assumed; the answer's form is undocumented.
    """

    tool = "getUserUsage"
    title = "Credits used"
    effect = "reads"
    toolset = "enterprise"
    path = "/user/getUsage"
    rate = FAST_INFERRED
    max_answer_bytes = 8 * 2**20

    reportOption: Annotated[
        ReportOption | None,
        Field(description="A preset range."),
    ] = None
    """Those of the API, and weeks, which are asked for by their days."""
    startDate: Annotated[Day | None, Field(description="First day, dd-mm-yyyy.")] = None
    endDate: Annotated[Day | None, Field(description="Last day, dd-mm-yyyy.")] = None

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        if (self.startDate is None) != (self.endDate is None):
            raise ValueError("startDate and endDate go together")
        if (self.reportOption is None) == (self.startDate is None):
            raise ValueError("give exactly one of reportOption or startDate with endDate")
        if self.startDate and self.endDate and day(self.startDate) > day(self.endDate):
            raise ValueError("startDate lies after endDate")
        return self

    async def run(self, context: Context) -> UsageReport:
        """Ask; a week, which the API does not know, by its days."""
        if self.reportOption is None or not self.reportOption.endswith("week"):
            return await super().run(context)
        today = local_day(context.clock.wall_s())
        first, last = days(self.reportOption, today)
        return await GetUserUsage(startDate=f"{first:%d-%m-%Y}", endDate=f"{last or today:%d-%m-%Y}").run(
            context
        )

    def wire(self) -> dict[str, JsonValue]:
        """The documented example sends what is not used as empty text."""
        return {
            "reportOption": self.reportOption or "",
            "startDate": self.startDate or "",
            "endDate": self.endDate or "",
        }

    async def parse(self, request: Request, answer: Answer, context: Context) -> UsageReport:
        """The answer's form is undocumented: JSON, with or without an envelope, and tables are understood.

        Raises:
            UnexpectedAnswerError: It is empty, a web page or broken JSON.
        """
        period = self.reportOption or f"{self.startDate} to {self.endDate}"
        try:
            body = answer.json()
        except ValueError:
            if answer.start() in (b"", b"<", b"{", b"["):
                raise unexpected(request, described(answer)) from None
            return await _saved(period, answer.content, context)
        data = body["data"] if isinstance(body, dict) and "data" in body else body
        if isinstance(data, str):
            content = await anyio.to_thread.run_sync(decoded, data)
            return await _saved(period, content or data.encode(), context)
        large = len(answer.content) > _LARGE_BYTES
        file = await _file(period, answer.content, context) if large else None
        return await anyio.to_thread.run_sync(_passed_on, period, file, data)


async def _file(period: str, content: bytes, context: Context) -> str:
    saved = await context.save(content, folder="usage", stem=f"usage {period}")
    return saved.path


def _passed_on(period: str, file: str | None, data: JsonValue) -> UsageReport:
    return UsageReport(
        period=period, form="json", file=file, credits=credits_in_json(data), data=pruned(data), whole=data
    )


async def _saved(period: str, content: bytes, context: Context) -> UsageReport:
    file = await _file(period, content, context)
    return await anyio.to_thread.run_sync(_summed_up, period, file, content)


def _summed_up(period: str, file: str, content: bytes) -> UsageReport:
    """What a table tells, as far as it can be read."""
    try:
        table = table_in(content)
    except ExtraMissingError:
        return UsageReport(period=period, form=_UNREAD, file=file)
    except ValueError:
        return UsageReport(period=period, form=_NOT_UNDERSTOOD, file=file)
    header, *rows = table.rows or [[]]
    if len(header) < _FEWEST_COLUMNS:
        return UsageReport(period=period, form=_NOT_UNDERSTOOD, file=file)
    columns = [
        f"column {number}" if name in (None, "") else cleaned(str(name), 60)
        for number, name in enumerate(header, 1)
    ]
    return UsageReport(
        period=period,
        form="spreadsheet",
        file=file,
        credits=credits_in_table(columns, rows) if table.whole else None,
        rowCount=len(rows),
        rows=[dict(zip(columns, map(pruned, row), strict=False)) for row in rows[:_ROWS_SHOWN]],
        sums=sums_of(columns, rows) if table.whole else None,
    )
