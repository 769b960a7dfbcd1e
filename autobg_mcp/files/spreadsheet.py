"""Reads the first sheet of a spreadsheet, or a CSV table, as rows of text and numbers."""

import csv
import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files import xlsx
from autobg_mcp.files.archive import files_in

Row = list[xlsx.Cell]


@dataclass(frozen=True)
class Bounds:
    """How much of a table is read.

    Attributes:
        rows: Rows that hold anything.
        columns: Cells of one row.
        cells: Cells in all.
        chars: Characters in all texts of a workbook.
    """

    rows: int = 10_000
    columns: int = 200
    cells: int = 200_000
    chars: int = 4_000_000


USUAL = Bounds()
"""What the API answers with."""

_MAX_TABLE_BYTES = 8 * 2**20
_MAX_WORKBOOK_BYTES = 32 * 2**20
_MAX_PARTS = 500
_XML_GROWTH = 1000  # deflate's most: XML of many equal cells comes close to it
_PROBE_BYTES = 65_536
_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Table:
    """Rows that hold anything, whether these are all, and the number of each in the sheet, from 1."""

    rows: list[Row] = field(default_factory=list)
    whole: bool = True
    numbers: list[int] = field(default_factory=list)


class ExtraMissingError(ValueError):
    """A workbook that only the extra `xlsx` can read."""


def table_in(content: bytes) -> Table:
    """Rows of an .xlsx file or of comma-, semicolon- or tab-separated text, as far as the usual bounds go.

    Raises:
        ExtraMissingError: It is a workbook, and the extra that reads it is not installed.
        ValueError: It is neither, is damaged, or unpacks to more than 32 MB.
    """
    return workbook_in(content, USUAL) if is_zip(content) else _table(content)


def is_zip(content: bytes) -> bool:
    """Whether it begins as a workbook does."""
    return content[:4] == b"PK\x03\x04"


def workbook_in(content: bytes, bounds: Bounds) -> Table:
    """Rows of the first sheet of an .xlsx file.

    Raises:
        ExtraMissingError: The extra that reads it is not installed.
        ValueError: It is damaged, or unpacks to more than 32 MB.
    """
    reader = importlib.util.find_spec("python_calamine")
    if reader is None or reader.origin is None:
        raise ExtraMissingError("a spreadsheet that only the extra xlsx reads")
    most = map(str, (bounds.rows, bounds.columns, bounds.cells, bounds.chars))
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a file of ours
            [sys.executable, "-I", xlsx.__file__, str(Path(reader.origin).parent.parent), *most],
            input=_repacked(content),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ValueError(f"a spreadsheet that cannot be read ({type(error).__name__})") from None
    whole, rows, numbers = json.loads(done.stdout)
    return Table(rows, whole, numbers)


def _repacked(content: bytes) -> bytes:
    """The parts of a workbook as they were unpacked here, so that nothing else is read in another way there."""
    file = io.BytesIO()
    parts = files_in(
        content,
        max_entries=_MAX_PARTS,
        max_entry_bytes=_MAX_WORKBOOK_BYTES,
        max_bytes=_MAX_WORKBOOK_BYTES,
        max_growth=_XML_GROWTH,
    )
    try:
        with zipfile.ZipFile(file, "w") as archive:
            for name, part in parts:
                if name.endswith((".xml", ".rels")) and name not in archive.NameToInfo:
                    archive.writestr(name, part)
    except FileRefusedError as error:
        raise ValueError(f"a damaged spreadsheet ({error})") from None
    return file.getvalue()


def _table(content: bytes) -> Table:
    head = content[:_PROBE_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if len(content) > _MAX_TABLE_BYTES or b"\0" in content or head[:1] in (b"<", b"{", b"["):
        raise ValueError("neither a spreadsheet nor a table")
    first_line = head.partition(b"\n")[0]
    delimiter = max(",;\t", key=lambda mark: first_line.count(mark.encode()))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("a damaged table, or no text (UnicodeDecodeError)") from None
    return separated(text, delimiter, USUAL, number_or_text)


def separated(text: str, delimiter: str, bounds: Bounds, cell: Callable[[str], xlsx.Cell]) -> Table:
    """Rows of separated text, each cell as `cell` reads it.

    Raises:
        ValueError: It is damaged.
    """
    rows: list[Row] = []
    numbers: list[int] = []
    cells = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            cells += min(len(row), bounds.columns)
            if len(rows) == bounds.rows or cells > bounds.cells:
                return Table(rows, False, numbers)
            if any(row):
                rows.append([cell(one) for one in row[: bounds.columns]])
                numbers.append(number)
    except csv.Error as error:
        raise ValueError(f"a damaged table, or no text ({type(error).__name__})") from None
    return Table(rows, True, numbers)


def number_or_text(text: str) -> xlsx.Cell:
    """The number that a cell's text spells, else the text."""
    stripped = text.strip()
    if re.fullmatch(r"-?\d{1,15}", stripped):
        return int(stripped)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", stripped):
        return float(stripped)
    return stripped
