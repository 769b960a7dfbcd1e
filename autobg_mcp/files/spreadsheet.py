"""Reads the first sheet of a spreadsheet, or a CSV table, as rows of text and numbers."""

import csv
import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files import xlsx
from autobg_mcp.files.archive import files_in

Row = list[xlsx.Cell]

MAX_ROWS = 10_000
"""Rows beyond these are not read."""

_MAX_COLUMNS = 200
_MAX_CELLS = 200_000
_MAX_CHARS = 4_000_000
_MAX_TABLE_BYTES = 8 * 2**20
_MAX_WORKBOOK_BYTES = 32 * 2**20
_MAX_PARTS = 500
_XML_GROWTH = 1000  # deflate's most: XML of many equal cells comes close to it
_PROBE_BYTES = 65_536
_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Table:
    """Rows that hold anything, and whether these are all."""

    rows: list[Row] = field(default_factory=list)
    whole: bool = True


class ExtraMissingError(ValueError):
    """A workbook that only the extra `xlsx` can read."""


def table_in(content: bytes) -> Table:
    """Rows of an .xlsx file or of comma-, semicolon- or tab-separated text.

    Read are at most 10,000 rows of 200 columns, and 200,000 cells or 4,000,000 characters in all.

    Raises:
        ExtraMissingError: It is a workbook, and the extra that reads it is not installed.
        ValueError: It is neither, is damaged, or unpacks to more than 32 MB.
    """
    return _workbook(content) if content[:4] == b"PK\x03\x04" else _table(content)


def _workbook(content: bytes) -> Table:
    reader = importlib.util.find_spec("python_calamine")
    if reader is None or reader.origin is None:
        raise ExtraMissingError("a spreadsheet that only the extra xlsx reads")
    bounds = map(str, (MAX_ROWS, _MAX_COLUMNS, _MAX_CELLS, _MAX_CHARS))
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a file of ours
            [sys.executable, "-I", xlsx.__file__, str(Path(reader.origin).parent.parent), *bounds],
            input=_repacked(content),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ValueError(f"a spreadsheet that cannot be read ({type(error).__name__})") from None
    whole, rows = json.loads(done.stdout)
    return Table(rows, whole)


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
    lines = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    rows: list[Row] = []
    cells = 0
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            cells += min(len(row), _MAX_COLUMNS)
            if len(rows) == MAX_ROWS or cells > _MAX_CELLS:
                return Table(rows, whole=False)
            if any(row):
                rows.append([number_or_text(cell) for cell in row[:_MAX_COLUMNS]])
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"a damaged table, or no text ({type(error).__name__})") from None
    return Table(rows)


def number_or_text(text: str) -> xlsx.Cell:
    """The number that a cell's text spells, else the text."""
    stripped = text.strip()
    if re.fullmatch(r"-?\d{1,15}", stripped):
        return int(stripped)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", stripped):
        return float(stripped)
    return stripped
