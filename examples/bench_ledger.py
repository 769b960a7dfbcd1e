"""What the ledger costs: python examples/bench_ledger.py [--entries 1000000] [--folder on-the-disk-to-measure].

Every figure is a median and its multiple of one write that is flushed to the same disk.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles

import anyio
from interleaved import Row

from autobg_mcp.money.audit import AuditLog
from autobg_mcp.money.ledger import Intent, PictureState, SqliteLedger

CALLS = 200
PER_BATCH = 20
LINES = 30_000
DAY_S = 86_400.0
LEASE_S = 180.0
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


class Report:
    """Keeps medians, and says how many flushed writes each is worth."""

    def __init__(self, flushed_ms: float, say: Callable[[str], None] = print) -> None:
        self._flushed_ms = flushed_ms
        self.say = say
        self.medians_ms: dict[str, float] = {}

    async def measure(self, name: str, call: Callable[[int], Awaitable[object]], calls: int = CALLS) -> None:
        taken_ms = []
        for number in range(calls):
            start = time.perf_counter()
            await call(number)
            taken_ms.append((time.perf_counter() - start) * 1e3)
        self.show(name, taken_ms)

    def show(self, name: str, taken_ms: list[float]) -> None:
        middle, last = median(taken_ms), quantiles(taken_ms, n=100)[-1]
        self.medians_ms[name] = middle
        self.say(
            f"{name:44} {middle:9.3f} ms  p99 {last:9.3f} ms  x flushed write {middle / self._flushed_ms:8.2f}"
        )


def flushed_ms(folder: Path) -> float:
    taken = []
    file = os.open(folder / "flushed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(CALLS):
        start = time.perf_counter()
        os.write(file, b"x" * 4096)
        os.fsync(file)
        taken.append((time.perf_counter() - start) * 1e3)
    os.close(file)
    return median(taken)


def fill(folder: Path, count: int) -> None:
    """Older entries of other pictures and vehicles, as many a day as the API takes (ten a minute)."""
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as db, db:
        values = {
            "account": f"'{FRONT.account}'",
            "host": "'bench'",
            "tool": f"'{FRONT.tool}'",
            "vehicle": f"'car' || (n / {PER_BATCH})",
            "template": "'77'",
            "file_name": "printf('IMG_%07d.jpg', n)",
            "pictures": "1",
            "fingerprint": "printf('%064d', n)",
            "source": f"printf('/cars/%d/IMG_%07d.jpg', n / {PER_BATCH}, n)",
            "at": f"{time.time()} - 6 * ({count} - n)",
            "window_from": f"{time.time()} - 6 * ({count} - n)",
            "state": "'accepted'",
            "batch_id": f"'old' || (n / {PER_BATCH})",
            "owner": "'1-bench'",
            "lease_until": "0",
        }
        db.execute(
            f"INSERT INTO entries ({', '.join(values)}) WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 "
            f"FROM k LIMIT {count}) SELECT {', '.join(values.values())} FROM k"
        )
        db.execute(
            "INSERT INTO pictures SELECT account, batch_id, id, file_name, 1, 0 FROM entries WHERE owner = '1-bench'"
        )
        db.execute(
            "INSERT INTO batches SELECT account, batch_id, vehicle, template, min(at), max(at), count(*), max(id), "
            "lower(batch_id || char(10) || vehicle || char(10) || group_concat(file_name, char(10))) "
            "FROM entries WHERE owner = '1-bench' GROUP BY account, batch_id"
        )


async def submit(ledger: SqliteLedger, number: int) -> None:
    claim = await ledger.claim(
        replace(FRONT, fingerprint=f"new {number}"), lease_s=LEASE_S, duplicate_window_s=DAY_S
    )
    assert claim.entry
    await ledger.sent(claim.entry.id, lease_s=LEASE_S)
    await ledger.settle(claim.entry.id, "accepted", batch_id="1004")


def search_forever(folder: Path) -> None:
    async def search() -> None:
        ledger = SqliteLedger(folder)
        while True:
            await ledger.batches(FRONT.account, text="nothing has this name")

    anyio.run(search)


async def claims_beside_a_search(ledger: SqliteLedger, folder: Path, report: Report) -> None:
    searcher = get_context("spawn").Process(target=search_forever, args=(folder,), daemon=True)
    searcher.start()
    await anyio.sleep(1)
    await report.measure(
        "claim beside a process that searches",
        lambda number: ledger.claim(
            replace(FRONT, fingerprint=f"beside {number}"), lease_s=LEASE_S, duplicate_window_s=DAY_S
        ),
    )
    searcher.terminate()
    searcher.join()


async def measure(folder: Path, entries: int, report: Report) -> None:
    ledger = SqliteLedger(folder)
    await report.measure("claim + sent + settle, new ledger", lambda number: submit(ledger, number))
    await ledger.aclose()
    fill(folder, entries)
    report.say(f"— {entries:,} entries —")
    account, pictures = FRONT.account, [PictureState(str(n), "x.jpg", True, False) for n in range(PER_BATCH)]
    repeats = [replace(FRONT, fingerprint=f"{entries - n:064}") for n in range(1, 101)]
    await report.measure("claim + sent + settle", lambda number: submit(ledger, CALLS + number))
    await report.measure(
        "claim under a new key",
        lambda number: ledger.claim(
            replace(FRONT, account=str(number)), lease_s=LEASE_S, duplicate_window_s=DAY_S
        ),
    )
    await report.measure(
        "100 repeats found", lambda _: ledger.duplicates(repeats, duplicate_window_s=10 * DAY_S), 20
    )
    await report.measure("listBatches", lambda _: ledger.batches(account))
    await report.measure(
        "listBatches, a name that none has", lambda _: ledger.batches(account, text="none"), 5
    )
    await report.measure("a picture looked up", lambda number: ledger.picture(account, str(entries - number)))
    await report.measure("credits of a day", lambda _: ledger.spent(account, time.time() - DAY_S), 20)
    await report.measure("a status written down", lambda _: ledger.record_status(account, "1", pictures))
    newest = await ledger.calm(account)
    await report.measure(
        "a balance that is the same", lambda _: ledger.record_credits(account, 9, asked_after=newest)
    )
    await claims_beside_a_search(ledger, folder, report)
    await ledger.aclose()


def rows(quick: bool) -> Iterator[Row]:
    """The lines of the whole table."""
    entries = 50_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        report = Report(flushed_ms(Path(name)), say=lambda _: None)
        anyio.run(measure, Path(name), entries, report)
    goals = {"listBatches": "10 ms", "a picture looked up": "1 ms", "claim under a new key": "8 ms"}
    goals["claim beside a process that searches"] = "20 ms"
    for what, goal in goals.items():
        yield Row(f"ledger of {entries:,} entries: {what}", f"{report.medians_ms[what]:.2f} ms", goal)
    with tempfile.TemporaryDirectory() as name:
        yield Row(f"audit lines kept of {LINES:,}", f"{kept(Path(name)):,}", "all, or a word")


def kept(folder: Path) -> int:
    """How many lines an audit log still has after far more than one file holds."""
    log = AuditLog(folder)
    for number in range(LINES):
        log.write({"tool": FRONT.tool, "number": number, "message": "x" * 1000})
    return sum(len(path.read_bytes().splitlines()) for path in folder.glob("audit*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        anyio.run(measure, Path(name), options.entries, Report(flushed_ms(Path(name))))


if __name__ == "__main__":
    main()
