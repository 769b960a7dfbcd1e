"""What an answer of unknown form says of used credits: a figure where that is beyond doubt, else nothing, and never 0 for it.

It may also name batches, which no other answer lists.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import JsonValue

from autobg_mcp.files.spreadsheet import Row

# The vendor's own usage history has one row a batch: batchId, batchName, date, creditsDeducted (seen in its app). The
# other words are what people call the same.
_TAKEN = "(?:used|usage|spent|deducted|deductions?|consumed|consumption|charged|debited)"
_USED = re.compile(
    rf"(?:total|(?:sum|no|number|total)of)?(?:(?:credits?)?{_TAKEN}(?:credits?)?|amount(?:used|usage|spent))(?:total)?"
)
_CREDITS = re.compile("credits?")
_TOTAL = re.compile("total")
_PLAIN_NAME = re.compile(r"[A-Za-z\s_.:#()-]{1,60}")  # a sign of a currency makes it money, not credits
_NO_LETTER = re.compile(r"[^a-z]")
_BATCH = re.compile("(?:batch|folder)(?:id|no|nr|number)?|id")
_VEHICLE = re.compile(
    "(?:batch|folder|vehicle|car)(?:name|title)|(?:number|license|licence|num)plate|vehicle(?:id)?|name"
)
_A_BATCH_ID = re.compile("[1-9][0-9]{0,17}")
_DEEPEST = 4


def is_closing(cells: Iterable[object]) -> bool:
    """Whether a row is the closing total of the others."""
    return any(
        str(cell).strip().rstrip(":").lower() in {"total", "totals", "grand total", "sum"} for cell in cells
    )


def sums_of(columns: list[str], rows: list[Row]) -> dict[str, float]:
    """The sum of each column that holds a number in every row that reaches it, but of ids; a closing row of totals is left out."""
    counted = [row for row in rows if not is_closing(row)]
    sums: dict[str, float] = {}
    for place, name in enumerate(columns):
        cells = [row[place] for row in counted if place < len(row) and row[place] not in (None, "")]
        numbers = [cell for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
        if numbers and len(numbers) == len(cells) and not _BATCH.fullmatch(_NO_LETTER.sub("", name.lower())):
            sums[name] = sum(numbers)
    return sums


def batches_in_table(columns: list[str], rows: list[Row]) -> dict[str, str]:
    """The vehicles that the rows of a table name batches after, by batch; a batch that is named twice otherwise is left out."""
    return _named(dict(zip(columns, row, strict=False)) for row in rows)


def batches_in_json(data: JsonValue) -> dict[str, str]:
    """The same of lists of objects, wherever they stand."""
    return _named(_rows_in(data))


def _named(rows: Iterable[Mapping[str, JsonValue]]) -> dict[str, str]:
    vehicles, differ = dict[str, str](), set[str]()
    for row in rows:
        batch_id, vehicle = _only(row, _BATCH), _only(row, _VEHICLE)
        is_named = _A_BATCH_ID.fullmatch(batch_id) and vehicle
        if is_named and vehicles.setdefault(batch_id, vehicle) != vehicle:
            differ.add(batch_id)
    return {batch_id: vehicle for batch_id, vehicle in vehicles.items() if batch_id not in differ}


def _rows_in(data: JsonValue, depth: int = 0) -> Iterator[dict[str, JsonValue]]:
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    for one in inner:
        if isinstance(data, list) and isinstance(one, dict):
            yield one
        if depth < _DEEPEST:
            yield from _rows_in(one, depth + 1)


def _only(row: Mapping[str, JsonValue], name: re.Pattern[str]) -> str:
    """The one text or whole number under names of a kind; empty where there is none, or several that differ."""
    values = {
        str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
        for key, value in row.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and _PLAIN_NAME.fullmatch(key)
        and name.fullmatch(_NO_LETTER.sub("", key.lower()))
    }
    return values.pop() if len(values) == 1 else ""


def credits_in_table(columns: list[str], rows: list[Row]) -> float | None:
    """The credits that a whole table tells of; one with a column for them and no row tells of none."""
    sums = sums_of(columns, rows)
    has_rows = any(not is_closing(row) for row in rows)
    totals = [cell for row in rows for cell in row if isinstance(cell, int | float)]
    if not has_rows and not any(totals):
        sums = dict.fromkeys(columns, 0.0)
    return _of_row(sums)


def credits_in_json(data: JsonValue) -> float | None:
    """A figure that says it is of use, else the sum over rows, which a total beside them has to confirm."""
    if isinstance(data, list):
        rows = [row for row in data if isinstance(row, dict) and not is_closing(row.values())]
        figures = [_of_row(row) for row in rows]
        known = [figure for figure in figures if figure is not None]
        return sum(known) if known and len(known) == len(figures) else None
    if not isinstance(data, dict):
        return None
    if used := _figures(data, _USED):
        return _agreed(used)
    inner = next((one for one in map(credits_in_json, data.values()) if one is not None), None)
    totals = _figures(data, _TOTAL)
    if inner is not None:
        return inner if all(total in (None, inner) for total in totals) else None
    lists = any(isinstance(value, list) and value for value in data.values())
    alone = not lists and sum(_number(value) is not None for value in data.values()) == 1
    return _agreed(totals or _figures(data, _CREDITS)) if alone else None


def _of_row(row: Mapping[str, JsonValue] | Mapping[str, float]) -> float | None:
    """The figure of a row, under a name of use before one of credits alone."""
    return _agreed(_figures(row, _USED) or _figures(row, _CREDITS))


def _figures(
    values: Mapping[str, JsonValue] | Mapping[str, float], name: re.Pattern[str]
) -> list[float | None]:
    """What stands under names of a kind; None for what is no figure."""
    return [
        _number(value)
        for key, value in values.items()
        if not isinstance(value, list | dict)
        and _PLAIN_NAME.fullmatch(key)
        and name.fullmatch(_NO_LETTER.sub("", key.lower()))
    ]


def _agreed(figures: list[float | None]) -> float | None:
    """The one figure that all agree on; None where there is none."""
    return figures[0] if figures and len(set(figures)) == 1 else None


def _number(value: JsonValue) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,12}(\.\d+)?", value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < math.inf else None
