"""The throttle on its state file: what is remembered, what damage is refused, and what an answer does not wait for."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from throttle_clock import AtOnce, Later, TurnedClock

from autobg_mcp.errors import ConfigurationError, StateError, ThrottledError
from autobg_mcp.throttle import Limit, Throttle, open_throttle
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.sqlite import _MIGRATIONS, SqliteStore
from autobg_mcp.throttle.wishes import Ask, Wishes

pytestmark = pytest.mark.anyio
LIMIT = Limit(2, 60)
BUCKET = "account:reportImages"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "throttle.sqlite3"


@pytest.fixture
async def process(file: Path, clock: TurnedClock) -> AsyncIterator[Callable[[], Throttle]]:
    """Makes throttles on the file, which the test's end closes."""
    async with AsyncExitStack() as stack:

        def made() -> Throttle:
            throttle = SharedThrottle(SqliteStore(file, clock=clock), clock=clock, worker=AtOnce())
            stack.push_async_callback(throttle.aclose)
            return throttle

        yield made


async def take(throttle: Throttle) -> None:
    async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        await slot.answered()


async def take_all(throttle: Throttle) -> None:
    for _ in range(LIMIT.calls):
        await take(throttle)


def written(file: Path, statement: str) -> int:
    """Writes into the file as somebody else; how many rows."""
    with sqlite3.connect(file) as db:
        rows = db.execute(statement).rowcount
    db.close()
    return rows


async def test_what_was_used_is_remembered_by_the_next_process(process: Callable[[], Throttle]) -> None:
    first = process()
    await take_all(first)
    await first.aclose()
    with pytest.raises(ThrottledError):
        await take(process())


async def test_a_refusal_is_remembered_by_the_next_process(process: Callable[[], Throttle]) -> None:
    async with process().slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        await slot.answered(refused=True)
    [budget] = await process().budgets("account")
    assert "1 of 2 calls since the API answered 429" in budget.rule


async def test_a_clock_that_starts_anew_with_the_machine_neither_frees_nor_freezes(
    process: Callable[[], Throttle], clock: TurnedClock
) -> None:
    await take_all(process())
    waits_s = []
    for now_s in (3.0, 33.0):
        clock.now_s = now_s
        with pytest.raises(ThrottledError) as refusal:
            await take(process())
        waits_s.append(refusal.value.retry_after_s)
    assert waits_s == pytest.approx([60.25, 30.25])


async def test_a_deleted_file_is_made_again(process: Callable[[], Throttle], file: Path) -> None:
    throttle = process()
    await take(throttle)
    for path in file.parent.iterdir():
        path.unlink()
    await take(throttle)
    await throttle.aclose()
    assert written(file, "DELETE FROM slot") == 1


@pytest.fixture
def first_release(file: Path) -> None:
    """A file as version 0.1.0 left it."""
    file.parent.mkdir(mode=0o700)
    written(file, "CREATE TABLE bucket (name TEXT PRIMARY KEY, seen_us INTEGER, state TEXT) WITHOUT ROWID")
    written(file, "PRAGMA user_version = 1")
    file.chmod(0o600)


async def test_a_file_of_the_first_release_is_taken_over(
    first_release: None, process: Callable[[], Throttle]
) -> None:
    await take(process())


@pytest.fixture
def without_classes(file: Path, clock: TurnedClock) -> None:
    """A file from before there were classes, with a slot that counts and a process that waits."""
    file.parent.mkdir(mode=0o700)
    now_us = round(clock.now_s * 1_000_000)
    for step in _MIGRATIONS[:2]:
        for statement in step:
            written(file, statement)
    written(file, f"INSERT INTO bucket VALUES ('{BUCKET}', 2, 60000000, 1, 2, {now_us}, 0, 0, 0, 0, 0)")
    written(file, f"INSERT INTO slot VALUES ('{BUCKET}', 1, {now_us})")
    written(file, f"INSERT INTO waiter VALUES ('{BUCKET}', 2, 'another', {now_us + 6_000_000})")
    written(file, "PRAGMA user_version = 2")
    file.chmod(0o600)


async def test_slots_and_waiters_from_before_there_were_classes_still_count(
    without_classes: None, process: Callable[[], Throttle]
) -> None:
    [budget] = await process().budgets("")
    assert (budget.used, budget.waiting, budget.waiting_background) == (1, 1, 0)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE bucket SET closed_us = 9e18",
        "UPDATE bucket SET closed_us = 9000000000000000000",
        "UPDATE bucket SET since_us = 'text'",
        "UPDATE bucket SET halved = NULL",
        "UPDATE bucket SET halved = -1",
        "UPDATE bucket SET ahead_us = -9007199254740993",
        "UPDATE bucket SET latency_us = -1",
        "UPDATE bucket SET window_us = 0",
        "UPDATE bucket SET window_us = 86400000001",
        "UPDATE bucket SET used = -1",
        "UPDATE slot SET stamp_us = 8e18",
        "UPDATE slot SET stamp_us = 'text'",
        "UPDATE bucket SET paced_us = 'text'",
        "INSERT INTO waiter VALUES ('account:reportImages', 1, x'00', 0, 0)",
        "INSERT INTO waiter VALUES ('account:reportImages', 1, 'someone', 9e18, 0)",
        "INSERT INTO waiter VALUES ('account:reportImages', 1, 'someone', 0, 'text')",
    ],
)
async def test_a_value_that_no_step_has_written_is_named_with_what_to_do(
    process: Callable[[], Throttle], file: Path, damage: str
) -> None:
    throttle = process()
    await take_all(throttle)
    await throttle.aclose()
    written(file, damage)
    with pytest.raises(StateError, match=f"{file} is damaged .* move it away .* wait a minute"):
        await take(throttle)


async def test_the_name_of_a_budget_that_is_no_text_is_told_as_damage(
    process: Callable[[], Throttle], file: Path
) -> None:
    throttle = process()
    await take(throttle)
    await throttle.aclose()
    written(file, "UPDATE bucket SET name = x'ff'")
    with pytest.raises(StateError, match=f"{file} is damaged"):
        await throttle.budgets("account:")


async def test_an_answer_is_not_waited_for(file: Path, clock: TurnedClock) -> None:
    worker = Later()
    throttle = SharedThrottle(SqliteStore(file, clock=clock), clock=clock, worker=worker)
    async with AsyncExitStack() as stack:
        slot = await worker.does(stack.enter_async_context(throttle.slot(BUCKET, LIMIT, max_wait_s=0)))
        slot.sent()
        await slot.answered()
        assert worker.work == []
    await worker.does(throttle.aclose())


async def test_an_answer_is_written_before_the_file_is_closed(file: Path, clock: TurnedClock) -> None:
    worker = Later()
    throttle = SharedThrottle(SqliteStore(file, clock=clock), clock=clock, worker=worker)
    async with AsyncExitStack() as stack:
        slot = await worker.does(stack.enter_async_context(throttle.slot(BUCKET, LIMIT, max_wait_s=0)))
        slot.sent()
        clock.now_s += 3
        await slot.answered()
    closing = asyncio.ensure_future(throttle.aclose())
    await clock.settle()
    worker.work.pop(0)()
    assert written(file, f"DELETE FROM slot WHERE stamp_us = {round(clock.now_s * 1_000_000)}") == 1
    await worker.does(asyncio.wait_for(closing, 5))


async def test_a_refusal_is_written_before_answered_returns(file: Path, clock: TurnedClock) -> None:
    worker = Later()
    throttle = SharedThrottle(SqliteStore(file, clock=clock), clock=clock, worker=worker)
    async with AsyncExitStack() as stack:
        slot = await worker.does(stack.enter_async_context(throttle.slot(BUCKET, LIMIT, max_wait_s=0)))
        slot.sent()
        await worker.does(slot.answered(refused=True))
    assert written(file, "UPDATE bucket SET halved = 1 WHERE closed_us > 0") == 1
    await worker.does(throttle.aclose())


async def test_closing_writes_the_answers_that_are_left(
    process: Callable[[], Throttle], file: Path, clock: TurnedClock
) -> None:
    throttle = process()
    await take_all(throttle)
    await throttle.aclose()
    assert written(file, f"DELETE FROM slot WHERE stamp_us <= {clock.now_s * 1_000_000}") == LIMIT.calls


async def test_an_answer_counts_from_its_arrival_however_late_it_is_written(
    process: Callable[[], Throttle], clock: TurnedClock
) -> None:
    first = process()
    await take_all(first)
    await clock.pass_to(clock.now_s + 30)
    with pytest.raises(ThrottledError) as refusal:
        await take(process())
    assert refusal.value.retry_after_s == pytest.approx(30.25)


async def test_an_answer_that_could_not_be_written_is_written_with_the_next_step(
    file: Path, clock: TurnedClock
) -> None:
    store = SqliteStore(file, clock=clock)
    throttle = SharedThrottle(store, clock=clock, worker=AtOnce())
    await take(throttle)
    for query_only in (1, 0):
        with store._file.reading() as db:
            db.execute(f"PRAGMA query_only = {query_only}")
        await clock.pass_to(clock.now_s + 5)
    await take(throttle)
    await throttle.aclose()
    assert written(file, "DELETE FROM slot WHERE stamp_us = 1000000000") == 1


def cost(file: Path, clock: TurnedClock, slots: int) -> int:
    """Instructions of SQLite's machine for one call, beside so many slots in the window."""
    store, limit = SqliteStore(file, clock=clock), Limit(10_000, 60)
    if slots:
        store.step(BUCKET, Wishes("others", limit, 10_000_000, [Ask(1) for _ in range(slots)]))
    counted: list[int] = []
    with store._file.reading() as db:
        db.set_progress_handler(lambda: counted.append(1), 1)
    store.step(BUCKET, Wishes("me", limit, 10_000_000, [Ask(1)]))
    store.close()
    return len(counted)


def test_a_call_costs_the_same_with_3000_slots_in_the_window(tmp_path: Path, clock: TurnedClock) -> None:
    few, many = (cost(tmp_path / f"{slots}.sqlite3", clock, slots) for slots in (3, 3000))
    assert many <= 1.1 * few


def test_an_address_that_names_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="address names no store") as error:
        open_throttle("mysql://me:hunter2@host", state_dir=tmp_path)
    assert "hunter2" not in str(error.value)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "autobg_mcp.throttle.redis", raising=False)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'autobg-mcp\[redis\]'"):
        open_throttle("redis://localhost/0", state_dir=tmp_path)


async def test_a_throttle_in_memory_needs_no_folder(tmp_path: Path) -> None:
    await take(open_throttle("memory:", state_dir=tmp_path / "state"))
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a test's own folder


def test_opening_touches_no_disk(tmp_path: Path) -> None:
    open_throttle("sqlite:", state_dir=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []
