"""Prints the first sheet of a workbook as JSON: run as a process of its own, which may end without harm.

python-calamine takes memory for every cell between the first and the last, so 600 bytes of workbook can ask for 500 GB, and
Rust ends the process that does not get them. Nothing of this package is imported here: it would only make the start slower.

Usage: python -I xlsx.py FOLDER_OF_PYTHON_CALAMINE ROWS COLUMNS CELLS CHARACTERS < WORKBOOK
"""

import io
import json
import math
import sys
from contextlib import suppress
from datetime import date, datetime, time, timedelta

MAX_MEMORY_BYTES = 512 * 2**20
MAX_CPU_S = 10
_MOST_EXACT = 2**53

Cell = str | float | int | bool | None
Value = int | float | str | bool | time | date | datetime | timedelta


def main(folder: str, max_rows: int, max_columns: int, max_cells: int, max_chars: int) -> None:
    """Read standard input and print whether this is the whole first sheet, its rows that hold anything, and their numbers."""
    _limit()
    sys.path.append(folder)
    from python_calamine import CalamineWorkbook  # noqa: PLC0415  # its folder is known only now

    rows: list[list[Cell]] = []
    numbers: list[int] = []
    cells, chars, whole = 0, 0, True
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())).get_sheet_by_index(0)
    for number, values in enumerate(sheet.iter_rows(), 1):
        row = [_cell(value) for value in values[:max_columns]]
        cells += len(row)
        chars += sum(len(cell) for cell in row if isinstance(cell, str))
        is_long = len(rows) == max_rows or number > 2 * max_rows  # rows that hold nothing take their time too
        if is_long or cells > max_cells or chars > max_chars:
            whole = False
            break
        if any(cell is not None for cell in row):
            rows.append(row)
            numbers.append(number)
    json.dump([whole, rows, numbers], sys.stdout)


def _limit() -> None:
    """Bound this process where the system can."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415  # POSIX only

        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def _cell(value: Value) -> Cell:
    """A cell as JSON; dates, times and durations become text, an empty cell and an error None."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _MOST_EXACT:
            return int(value)
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int | str):
        return value.strip() or None if isinstance(value, str) else value
    return str(value) if isinstance(value, timedelta) else value.isoformat()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
