"""Real processes on one ledger: races, and SIGKILL at any moment."""

import os
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest
from ledger_cases import FRONT, Blocking, by_hand

from autobg_mcp.clock import SystemClock
from autobg_mcp.money.ledger import Entry
from autobg_mcp.money.ledger.ledger_file import FILE_NAME

pytestmark = pytest.mark.long


class ClockAhead(SystemClock):
    """The machine's time, so many seconds later."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s

    def wall_s(self) -> float:
        return super().wall_s() + self._ahead_s


SPAWN = get_context("spawn")
FOREVER_S = 1e9
YEAR_S = 365 * 86_400.0


def claim_all(folder: Path, numbers: range, daily_limit: int | None) -> list[int]:
    """The numbers that this process got an entry for, asked in an order of its own."""
    with closing(Blocking(folder)) as ledger:
        return [
            number
            for number in random.sample(numbers, len(numbers))
            if ledger.claim(
                replace(FRONT, fingerprint=str(number)), duplicate_window_s=FOREVER_S, daily_limit=daily_limit
            ).entry
        ]


def claim_at_once(folder: Path, numbers: tuple[range, range], daily_limit: int | None) -> list[list[int]]:
    both_run = SPAWN.Barrier(2)
    with SPAWN.Pool(2, initializer=both_run.wait) as pool:
        return pool.starmap(claim_all, [(folder, chosen, daily_limit) for chosen in numbers], chunksize=1)


def test_of_two_processes_with_the_same_picture_one_submits(tmp_path: Path) -> None:
    one, another = claim_at_once(tmp_path, (range(200), range(200)), None)
    assert sorted(one + another) == list(range(200))


def test_processes_together_stay_within_the_daily_limit(tmp_path: Path) -> None:
    one, another = claim_at_once(tmp_path, (range(100), range(100, 200)), 30)
    assert len(one + another) == 30


def submit_until_killed(folder: Path, clock_ahead_s: float) -> None:
    """Submit picture after picture to an API that is a file with a line for each one paid."""
    api = os.open(folder / "api", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    ledger = Blocking(folder, clock=ClockAhead(clock_ahead_s))
    for number in count(max(0, len((folder / "api").read_text().split()) - 3)):
        submission = replace(FRONT, fingerprint=str(number))
        if entry := ledger.claim(submission, duplicate_window_s=YEAR_S).entry:
            ledger.sent(entry.id)
            time.sleep(0.001)  # the request travels
            os.write(api, f"{number}\n".encode())
            time.sleep(0.002)  # the answer travels
            ledger.settle(entry.id, "accepted", batch_id=f"batch-{number}")


def wait_for_payments(folder: Path, count: int) -> None:
    """Let a process come so far, however slow the machine is."""
    for _ in range(500):
        if len((folder / "api").read_text().split()) >= count:
            return
        time.sleep(0.01)


def kill_again_and_again(folder: Path, kills: int, seed: int) -> None:
    """Start, kill and restart a submitting process; forked here, where no thread runs."""
    chance = random.Random(seed)
    (folder / "api").touch()
    for round_number in range(kills):
        victim = os.fork()
        if victim == 0:
            try:
                submit_until_killed(folder, round_number * 1_000.0)
            finally:
                os._exit(1)
        time.sleep(chance.uniform(0, 0.02 if round_number == 0 else 0.12))
        if round_number % 2:
            wait_for_payments(folder, 4 * round_number)
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(f"the submitting process of round {round_number} failed by itself")


def entries_after_all_died(folder: Path) -> list[Entry]:
    with closing(Blocking(folder, clock=ClockAhead(YEAR_S / 2))) as ledger:
        return [ledger.get(entry_id) for (entry_id,) in by_hand(folder, "SELECT id FROM entries ORDER BY id")]


@pytest.fixture(scope="module", params=range(5))
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ledger was written by eight processes, all of them killed."""
    folder = tmp_path_factory.mktemp("killed")
    nursery = SPAWN.Process(target=kill_again_and_again, args=(folder, 8, request.param))
    nursery.start()
    nursery.join(30)
    assert nursery.exitcode == 0
    return folder


def test_killed_processes_pay_for_no_picture_twice(killed: Path) -> None:
    paid = (killed / "api").read_text().split()
    assert len(paid) == len(set(paid)) > 8


def test_killed_processes_leave_every_payment_accepted_or_unknown(killed: Path) -> None:
    standing = [entry for entry in entries_after_all_died(killed) if entry.state != "refused"]
    assert {entry.state for entry in standing} <= {"accepted", "unknown"}
    assert set((killed / "api").read_text().split()) <= {entry.fingerprint for entry in standing}


def test_killed_processes_leave_no_acceptance_that_was_not_paid(killed: Path) -> None:
    accepted = [entry for entry in entries_after_all_died(killed) if entry.state == "accepted"]
    assert {entry.fingerprint for entry in accepted} <= set((killed / "api").read_text().split())
    assert all(entry.batch_id == f"batch-{entry.fingerprint}" for entry in accepted)


def test_killed_processes_leave_a_whole_file(killed: Path) -> None:
    with closing(sqlite3.connect(killed / FILE_NAME)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
