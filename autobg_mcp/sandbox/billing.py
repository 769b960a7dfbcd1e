"""What the two account endpoints answer: the balance, and what was used."""

import csv
from datetime import date, datetime, timedelta
from io import StringIO
from typing import TypeAlias

from starlette.responses import PlainTextResponse, Response

from autobg_mcp.sandbox.reading import Refused
from autobg_mcp.sandbox.visit import Visit, ok
from autobg_mcp.sandbox.workbook import XLSX_TYPE, workbook

UsageRow: TypeAlias = tuple[str | int, ...]
USAGE_COLUMNS = {"batch": ("batchId", "batchName", "date", "creditsDeducted"), "day": ("date", "credits")}
"""Those of a batch are the usage history's in the vendor's own app."""


async def usage(visit: Visit) -> Response:
    """Answer the credits spent in a range of days, in the form and by the rows that the options choose."""
    options, (start, end) = visit.world.options, _range(visit)
    columns, rows = USAGE_COLUMNS[options.usage_rows], _usage_rows(visit, start, end)
    total = sum(int(row[-1]) for row in rows)
    if options.usage_form == "json":
        return ok({"total": total, "rows": [dict(zip(columns, row, strict=True)) for row in rows]})
    table: list[UsageRow] = [columns, *rows, ("Total", *[""] * (len(columns) - 2), total)]
    if options.usage_form == "xlsx":
        return Response(workbook(table), media_type=XLSX_TYPE)
    text = StringIO()
    csv.writer(text).writerows(table)
    return PlainTextResponse(text.getvalue(), media_type="text/csv")


def _usage_rows(visit: Visit, start: date, end: date) -> list[UsageRow]:
    """What was charged on each day, in all or to each batch."""
    if visit.world.options.usage_rows == "day":
        spent = sorted(visit.account.spent.items())
        return [(f"{day:%d-%m-%Y}", count) for day, count in spent if start <= day <= end]
    return [
        (batch.batch_id, batch.number_plate, f"{day:%d-%m-%Y}", count)
        for batch in visit.account.batches.values()
        for day, count in sorted(batch.charged.items())
        if start <= day <= end
    ]


async def credit_details(visit: Visit) -> Response:
    """Answer the credits left and the credits there were."""
    return ok({"current_credits": visit.account.credits_left, "total_credits": visit.account.credits})


def _range(visit: Visit) -> tuple[date, date]:
    given = {name: str(value) for name, value in visit.asked.values.items() if value}
    today = visit.world.today()
    first = today.replace(day=1)
    options = {
        "Today": (today, today),
        "Yesterday": (today - timedelta(1), today - timedelta(1)),
        "Last 7 days": (today - timedelta(6), today),
        "Last 30 days": (today - timedelta(29), today),
        "This month": (first, today),
        "Last Month": ((first - timedelta(1)).replace(day=1), first - timedelta(1)),
    }
    if given.keys() == {"reportOption"} and given["reportOption"] in options:
        return options[given["reportOption"]]
    if given.keys() != {"startDate", "endDate"}:
        raise Refused("Send either a known reportOption or startDate and endDate")
    return _day("startDate", given["startDate"]), _day("endDate", given["endDate"])


def _day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%d-%m-%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise Refused(f"{name} must look like 30-06-2025") from error
