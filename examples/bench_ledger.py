"""What the ledger costs per submission: python examples/bench_ledger.py [folder on the disk to measure]."""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles

from autobg_mcp.money.ledger import Intent, Ledger

CALLS = 500
ENTRIES = 100_000
DAY_S = 86_400.0
FRONT = Intent(
    account="a" * 64,
    host="bench",
    tool="uploadImagesWithTemplate",
    vehicle="BMW-1",
    template="77",
    file_name="front.jpg",
    pictures=1,
    fingerprint="f" * 64,
    source="/cars/front.jpg",
)


def report(name: str, call: Callable[[int], object]) -> None:
    taken_ms = []
    for number in range(CALLS):
        start = time.perf_counter()
        call(number)
        taken_ms.append((time.perf_counter() - start) * 1e3)
    print(f"{name:58} median {median(taken_ms):6.3f} ms   p99 {quantiles(taken_ms, n=100)[-1]:7.3f} ms")


def submit(ledger: Ledger, number: int) -> None:
    entry = ledger.claim(replace(FRONT, fingerprint=f"{number:064}"), duplicate_window_s=DAY_S).entry
    assert entry
    ledger.sent(entry.id)
    ledger.settle(entry.id, "accepted", batch_id="1004")


def fill(folder: Path) -> None:
    """Older entries of other pictures and vehicles, as many a day as the API takes (ten a minute)."""
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as db, db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(entries)")][1:]
        changed = {
            "fingerprint": "'old' || n",
            "vehicle": "'car' || (n / 20)",
            "batch_id": "n / 20",
            "at": "at - 6 * n",
        }
        values = ", ".join(changed.get(name, name) for name in columns)
        db.execute(
            f"INSERT INTO entries ({', '.join(columns)}) WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 "
            f"FROM k LIMIT {ENTRIES}) SELECT {values} FROM (SELECT * FROM entries ORDER BY id DESC LIMIT 1), k"
        )


def flush(file: int, _: int) -> None:
    os.write(file, b"x" * 4096)
    os.fsync(file)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        folder = Path(name)
        file = os.open(folder / "flushed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        report("for comparison: 4 KiB written and flushed", lambda number: flush(file, number))
        os.close(file)
        with closing(Ledger(folder)) as ledger:
            report("claim + sent + settle, new ledger", lambda number: submit(ledger, number))
            fill(folder)
            report(
                f"claim + sent + settle, {ENTRIES:,} entries", lambda number: submit(ledger, CALLS + number)
            )
            report(
                f"duplicate found, {ENTRIES:,} entries",
                lambda _: ledger.claim(FRONT, duplicate_window_s=DAY_S),
            )
            report(
                f"credits of a day, {ENTRIES:,} entries",
                lambda _: ledger.spent(FRONT.account, time.time() - DAY_S),
            )
            report(
                "look at a batch that is fresh",
                lambda _: ledger.status_lease("a", "1", fresh_s=60, lease_s=10),
            )


if __name__ == "__main__":
    main()
