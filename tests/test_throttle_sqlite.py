"""The state file: who may read it, and what happens when it cannot be used."""

import os
import sqlite3
import stat
import sys
from pathlib import Path

import anyio
import pytest
from throttle_clock import AtOnce, TurnedClock

from autobg_mcp.errors import ConfigurationError, StateError, ThrottledError
from autobg_mcp.throttle import Limit, Throttle, open_throttle
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.sqlite import SqliteStore

pytestmark = pytest.mark.anyio
LIMIT = Limit(2, 60)
BUCKET = "account:reportImages"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "throttle.sqlite3"


def on(file: Path, clock: TurnedClock) -> Throttle:
    return SharedThrottle(SqliteStore(file, clock=clock, pause=lambda _: None), clock=clock, worker=AtOnce())


async def take(throttle: Throttle) -> None:
    async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        await slot.answered()


async def take_all(throttle: Throttle) -> None:
    for _ in range(LIMIT.calls):
        await take(throttle)


async def test_only_the_owner_may_read_the_file_and_its_folder(file: Path, clock: TurnedClock) -> None:
    await take(on(file, clock))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (file.parent, *file.parent.iterdir())}
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}


async def test_what_was_used_is_remembered_by_the_next_process(file: Path, clock: TurnedClock) -> None:
    first = on(file, clock)
    await take_all(first)
    await first.aclose()
    with pytest.raises(ThrottledError):
        await take(on(file, clock))


async def test_a_refusal_is_remembered_by_the_next_process(file: Path, clock: TurnedClock) -> None:
    async with on(file, clock).slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        await slot.answered(refused=True)
    [budget] = await on(file, clock).budgets("account")
    assert "1 of 2 calls since the API answered 429" in budget.rule


async def test_a_clock_that_starts_anew_with_the_machine_neither_frees_nor_freezes(
    file: Path, clock: TurnedClock
) -> None:
    await take_all(on(file, clock))
    clock.now_s = 3.0
    with pytest.raises(ThrottledError) as refusal:
        await take(on(file, clock))
    assert refusal.value.retry_after_s == pytest.approx(60.25)


async def test_a_deleted_file_is_made_again(file: Path, clock: TurnedClock) -> None:
    throttle = on(file, clock)
    await take(throttle)
    for path in file.parent.iterdir():
        path.unlink()
    await take(throttle)
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM bucket").fetchone() == (1,)
    db.close()


@pytest.fixture
def damaged(file: Path) -> Path:
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 100)
    return file


async def test_a_damaged_file_is_named_with_what_to_do(damaged: Path, clock: TurnedClock) -> None:
    with pytest.raises(StateError, match=r"sqlite3 is damaged .* delete the file .* wait a minute"):
        await take(on(damaged, clock))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE bucket SET closed_us = 9e18",
        "UPDATE bucket SET closed_us = 9000000000000000000",
        "UPDATE bucket SET since_us = 'text'",
        "UPDATE bucket SET halved = NULL",
        "UPDATE bucket SET window_us = 0",
        "UPDATE bucket SET used = -1",
        "UPDATE slot SET stamp_us = 8e18",
        "UPDATE slot SET stamp_us = 'text'",
        "INSERT INTO waiter VALUES ('account:reportImages', 1, x'00', 0)",
        "INSERT INTO waiter VALUES ('account:reportImages', 1, 'someone', 9e18)",
    ],
)
async def test_a_value_that_no_step_has_written_is_named_with_what_to_do(
    file: Path, clock: TurnedClock, damage: str
) -> None:
    await take_all(on(file, clock))
    with sqlite3.connect(file) as db:
        db.execute(damage)
    db.close()
    with pytest.raises(StateError, match=f"{file} is damaged .* delete the file"):
        await take(on(file, clock))


async def test_a_file_of_another_version_is_left_alone(file: Path, clock: TurnedClock) -> None:
    await take(on(file, clock))
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(StateError, match="has schema 7"):
        await take(on(file, clock))


async def test_a_file_that_stays_locked_is_named(file: Path, clock: TurnedClock) -> None:
    await take(on(file, clock))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StateError, match=f"{file} stays locked"):
        await take(on(file, clock))
    other.close()


@pytest.fixture
async def read_only(file: Path, clock: TurnedClock) -> Path:
    await take(on(file, clock))
    await anyio.Path(file).chmod(0o400)
    return file


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
async def test_a_file_that_cannot_be_written_is_named(read_only: Path, clock: TurnedClock) -> None:
    with pytest.raises(StateError, match="sqlite3 cannot be"):
        await take(on(read_only, clock))


async def test_a_read_only_database_is_named(file: Path, clock: TurnedClock) -> None:
    throttle = on(file, clock)
    await take(throttle)
    store = throttle._store  # type: ignore[attr-defined]
    store._db.execute("PRAGMA query_only = 1")
    with pytest.raises(StateError, match=f"{file} cannot be written"):
        await take(throttle)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, clock: TurnedClock) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StateError, match="sqlite3 cannot be opened"):
        await take(on(tmp_path / "state" / "throttle.sqlite3", clock))


async def test_an_answer_that_cannot_be_written_down_fails_no_call(file: Path, clock: TurnedClock) -> None:
    throttle = on(file, clock)
    async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        throttle._store._db.execute("PRAGMA query_only = 1")  # type: ignore[attr-defined]
        await slot.answered()


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
    throttle = open_throttle("memory:", state_dir=tmp_path / "state")
    await take(throttle)
    await throttle.aclose()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a test's own folder


def test_opening_touches_no_disk(tmp_path: Path) -> None:
    open_throttle("sqlite:", state_dir=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []
