"""A manifest: a CSV, JSON or XLSX file that says which photos are of which vehicle. It is bounded before it is unfolded."""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.cells import Named, named
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.headings import Headings
from autobg_mcp.files.kinds import is_picture, kind_of
from autobg_mcp.files.spreadsheet import Bounds, ExtraMissingError, Table, is_zip, separated, workbook_in
from autobg_mcp.text import quoted

MOST_BYTES = 8 * 2**20
"""The most bytes of a manifest."""

BOUNDS = Bounds(rows=20_001, columns=200, cells=600_000, chars=8_000_000)
"""20,000 rows and their headings."""

_MOST_VALUES = 200_000
_FIRST_ROWS = 20
"""Rows in which the headings are looked for: titles may stand above them."""

_COLUMNS = "a column for the vehicle (vehicle, plate, VIN, stock no.) and one for photos, folders or links"
_NEXT = "Ask the user for a sheet with these columns, or name the vehicles in `vehicles`."


class ManifestRow(NamedTuple):
    """One row that was read; its number as the sheet shows it, from 1, of JSON that of the item."""

    number: int
    named: Named


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Attributes:
        path: The file.
        rows: What was read.
        unread: Why a row was not read, by its number.
        left_alone: Headings of columns that say nothing of vehicles, photos or templates.
    """

    path: Path
    rows: list[ManifestRow] = field(default_factory=list)
    unread: dict[int, str] = field(default_factory=dict)
    left_alone: tuple[str, ...] = ()


def read_manifest(fence: Fence, name: str) -> Manifest:
    """Read the manifest that a name stands for.

    Raises:
        FileRefusedError: It lies outside, is not there, is none, or holds more than is read.
    """
    path, *more = fence.find([name]).paths
    if more:
        raise FileRefusedError(f"{quoted(name)} stands for {1 + len(more)} files; name one manifest.")
    with fence.open(path) as file:
        try:
            content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise FileRefusedError(f"{quoted(path.name)} cannot be read: {error.strerror}.") from error
    if len(content) > MOST_BYTES:
        raise FileRefusedError(f"{quoted(path.name)} has more than the {MOST_BYTES:,} bytes that are read.")
    try:
        return _read(path, content)
    except ExtraMissingError:
        raise FileRefusedError(
            f"{quoted(path.name)} is a workbook, which only the extra xlsx reads.",
            next_step="Ask the user to save it as CSV, or the operator to install autobg-mcp[xlsx].",
        ) from None
    except ValueError as error:
        raise FileRefusedError(f"{quoted(path.name)} is no manifest: {error}.", next_step=_NEXT) from None


def _read(path: Path, content: bytes) -> Manifest:
    if is_zip(content):
        return _of_table(path, workbook_in(content, BOUNDS))
    if is_picture(content) or kind_of(content) in ("application/pdf", "application/vnd.ms-excel"):
        raise ValueError("a picture, a PDF or an old workbook; CSV, JSON and XLSX are read")
    text = _decoded(content)
    if text.lstrip()[:1] in ("{", "["):
        return _of_items(path, _items(text))
    return _of_table(path, _separated(text))


def _decoded(content: bytes) -> str:
    """The text of a file in one of the encodings that spreadsheets write.

    Raises:
        ValueError: It is no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in content[:2000]:
        encodings = ["utf-16-be" if content[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError("no text; CSV, JSON and XLSX are read")


def _separated(text: str) -> Table:
    """The rows of separated text, by the separator that gives headings."""
    first, _, rest = text.partition("\n")
    said = first.strip().lower().removeprefix("sep=") if first.lower().startswith("sep=") else ""
    text, first_number = (rest, 2) if said else (text, 1)
    marks = [said] if len(said) == 1 else sorted(",;\t", key=text[:4000].count, reverse=True)
    delimiter = next((mark for mark in marks if _headed(text, mark)), marks[0])
    table = separated(text, delimiter, BOUNDS, str.strip)
    return Table(table.rows, table.whole, [number + first_number - 1 for number in table.numbers])


def _headed(text: str, delimiter: str) -> bool:
    try:
        rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _FIRST_ROWS))
    except csv.Error:
        return False
    return any(map(Headings.of, rows))


def _of_table(path: Path, table: Table) -> Manifest:
    if not table.whole:
        raise ValueError(f"more than {BOUNDS.rows - 1:,} rows, or too much in them")
    for at, row in enumerate(table.rows[:_FIRST_ROWS]):
        if headings := Headings.of(row):
            rest = zip(table.numbers[at + 1 :], table.rows[at + 1 :], strict=True)
            return _filled(path, headings, rest)
    raise ValueError(f"it lacks headings: {_COLUMNS}")


def _items(text: str) -> list[JsonValue]:
    """The items of a JSON list, or of the list under `vehicles`.

    Raises:
        ValueError: It is no such JSON, or more than is read.
    """
    if sum(map(text.count, "[{,")) > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES:,} values")
    try:
        read: JsonValue = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"JSON that is broken or nested too deep ({type(error).__name__})") from None
    items = read.get("vehicles") if isinstance(read, dict) else read
    if not isinstance(items, list):
        raise ValueError("JSON without a list of vehicles")  # noqa: TRY004  # what is read is wrong, not the call
    return items


def _of_items(path: Path, items: list[JsonValue]) -> Manifest:
    names = list(dict.fromkeys(name for item in items if isinstance(item, dict) for name in item))
    if len(names) > BOUNDS.columns or len(items) >= BOUNDS.rows:
        raise ValueError(f"more than {BOUNDS.columns} names or {BOUNDS.rows - 1:,} vehicles")
    headings = Headings.of(names)
    if headings is None:
        raise ValueError(f"its items lack {_COLUMNS}")
    return _filled(path, headings, enumerate(_rows(items, names), 1))


def _rows(items: Sequence[JsonValue], names: Sequence[str]) -> Iterator[Sequence[JsonValue]]:
    for item in items:
        yield [item.get(name) for name in names] if isinstance(item, dict) else [item]


def _filled(path: Path, headings: Headings, rows: Iterator[tuple[int, Sequence[JsonValue]]]) -> Manifest:
    manifest = Manifest(path, left_alone=headings.left_alone)
    for number, cells in rows:
        try:
            manifest.rows.append(ManifestRow(number, named(cells, headings)))
        except ValueError as error:
            manifest.unread[number] = str(error)
    return manifest
