"""Reads the first sheet of a spreadsheet, or a CSV table, as rows of text and numbers."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

Cell = str | float | int | None
Row = list[Cell]

_MAX_PART_BYTES = 32 * 2**20
MAX_ROWS = 10_000
"""Rows beyond these are not read."""
_MAX_COLUMNS = 200
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def rows_of(content: bytes) -> list[Row]:
    """Rows of an .xlsx file or of comma-, semicolon- or tab-separated text; at most 10,000 rows of 200 columns.

    Raises:
        ValueError: It is neither, is damaged, or unpacks to more than 32 MB.
    """
    if content[:4] == b"PK\x03\x04":
        try:
            return _workbook(content)
        except (
            KeyError,
            ET.ParseError,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            EOFError,
        ) as error:
            raise ValueError(f"a damaged spreadsheet ({type(error).__name__})") from None
    return _table(content)


def _workbook(content: bytes) -> list[Row]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        texts = (
            _shared_texts(_part(archive, "xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
        )
        sheets = sorted(name for name in names if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name))
        sheet = _part(archive, sheets[0] if sheets else "xl/worksheets/sheet1.xml")
    rows = [_row(row, texts) for _, row in zip(range(MAX_ROWS), sheet.iter(f"{_MAIN}row"), strict=False)]
    return [row for row in rows if any(cell not in (None, "") for cell in row)]


def _part(archive: zipfile.ZipFile, name: str) -> ET.Element:
    with archive.open(name) as part:
        content = part.read(_MAX_PART_BYTES + 1)
    if len(content) > _MAX_PART_BYTES:
        raise ValueError("a spreadsheet that unpacks to more than 32 MB")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ValueError("a spreadsheet with entities of its own")  # they can unfold without bound
    return ET.fromstring(content)  # noqa: S314  # size is bounded and entities are refused above


def _shared_texts(root: ET.Element) -> list[str]:
    return ["".join(text.text or "" for text in item.iter(f"{_MAIN}t")) for item in root.iter(f"{_MAIN}si")]


def _row(row: ET.Element, texts: list[str]) -> Row:
    cells: Row = []
    for cell in row.iter(f"{_MAIN}c"):
        column = _column(cell.get("r", ""), len(cells))
        if column >= _MAX_COLUMNS:
            break
        cells += [None] * (column - len(cells))
        cells.append(_value(cell, texts))
    return cells


def _column(reference: str, following: int) -> int:
    """The place of `C7` in its row, from 0; a cell without a reference follows the one before."""
    letters = re.match(r"[A-Z]{1,3}", reference)
    if letters is None:
        return following
    place = 0
    for letter in letters[0]:
        place = place * 26 + ord(letter) - 64
    return max(place - 1, following)


def _value(cell: ET.Element, texts: list[str]) -> Cell:
    kind, value = cell.get("t", "n"), cell.findtext(f"{_MAIN}v")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    if value is None:
        return None
    if kind == "s":
        return texts[int(value)] if value.isdecimal() and int(value) < len(texts) else None
    return number_or_text(value) if kind == "n" else value


def _table(content: bytes) -> list[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("neither a spreadsheet nor text") from None
    if "\x00" in text or text.lstrip()[:1] in ("<", "{", "["):
        raise ValueError("neither a spreadsheet nor a table")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    return [
        [number_or_text(cell) for cell in row]
        for row in _bounded(csv.reader(io.StringIO(text), delimiter=delimiter))
    ]


def _bounded(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        for _, row in zip(range(MAX_ROWS), rows, strict=False):
            if any(row):
                yield row[:_MAX_COLUMNS]
    except csv.Error as error:
        raise ValueError(f"a damaged table ({error})") from None


def number_or_text(text: str) -> Cell:
    """The number that a cell's text spells, else the text."""
    stripped = text.strip()
    if re.fullmatch(r"-?\d{1,15}", stripped):
        return int(stripped)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", stripped):
        return float(stripped)
    return stripped
