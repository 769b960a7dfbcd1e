"""The throttle on a real Redis server, with real processes; skipped where redis-server is not installed."""

import asyncio
import shutil
import socket
import subprocess
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from throttle_clock import TurnedClock
from throttle_recorder import finish, recording, start

from autobg_mcp.errors import ConfigurationError, StateError, ThrottledError
from autobg_mcp.throttle import Limit, Throttle, open_throttle
from autobg_mcp.throttle.redis import RedisStore, _keys
from autobg_mcp.throttle.wishes import Ask, Granted, Queued, TooFar, Wishes

SERVER = shutil.which("redis-server")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        SERVER is None, reason="redis-server is not installed, so nothing was tested on Redis"
    ),
]
BUCKET = "account:reportImages"
LIMIT = Limit(3, 60)
PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(SERVER), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(5)


@pytest.fixture
def empty(address: str) -> str:
    """The address of a server that keeps nothing."""
    store = RedisStore(address)
    store._connect().flushall()
    store.close()
    return address


async def use_up(throttle: Throttle) -> None:
    for _ in range(LIMIT.calls):
        async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
            slot.sent()
            await slot.answered()


@pytest.mark.long
async def test_two_connected_processes_stay_within_the_limit_and_keep_their_order(
    empty: str, tmp_path: Path
) -> None:
    async with recording(Limit(10, 0.5)) as recorder:
        processes = []
        for index in range(2):
            arguments = (empty, tmp_path, recorder.port, "10/0.5s", 25, f"p{index}")
            processes.append(await start("throttle_process.py", *arguments))
            await asyncio.sleep(0.25)
        await asyncio.gather(*(finish(process, 30) for process in processes))
    assert all(arrival.taken for arrival in recorder.arrivals)
    assert len({arrival.name for arrival in recorder.arrivals}) == 50
    assert recorder.overtakes(0.2) == 0


async def test_machines_share_one_budget(empty: str, tmp_path: Path) -> None:
    first, second = (open_throttle(empty, state_dir=tmp_path / name) for name in "ab")
    await use_up(first)
    with pytest.raises(ThrottledError) as refusal:
        await use_up(second)
    assert refusal.value.retry_after_s == pytest.approx(60.25, abs=1)
    await first.aclose()
    await second.aclose()


async def test_budgets_are_read_from_the_server(empty: str, tmp_path: Path) -> None:
    throttle = open_throttle(empty.replace("redis", "valkey"), state_dir=tmp_path)
    await use_up(throttle)
    [budget] = await throttle.budgets("account")
    assert (budget.bucket, budget.used, budget.left) == (BUCKET, 3, 0)
    await throttle.aclose()


ONE = Wishes("a process", LIMIT, 10_000_000, [Ask(1)])


def test_a_server_clock_set_forward_frees_nothing(empty: str) -> None:
    clock, hour_us = TurnedClock(), 3_600_000_000
    store = RedisStore(empty, clock=clock)
    for _ in range(LIMIT.calls):
        store.step(BUCKET, ONE)
    clock.now_s -= 3600  # as if the server's clock had been set an hour forward:
    key, slots, _ = _keys(BUCKET)
    store._connect().hincrby(key, "seen_us", -hour_us)
    for slot in store._connect().zrange(slots, 0, -1):
        store._connect().zincrby(slots, -hour_us, str(slot))
    outcomes = [store.step(BUCKET, ONE)[0].replies[0] for _ in range(2)]
    store.close()
    assert [type(reply) for reply in outcomes] == [TooFar, TooFar]


def test_a_write_between_reading_and_writing_is_noticed_and_the_step_made_again(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = RedisStore(empty), RedisStore(empty)
    others: list[object] = []

    def load(*arguments: Any) -> Any:
        loaded = RedisStore._load(ours, *arguments)
        others.extend([] if others else theirs.step(BUCKET, ONE)[0].replies)
        return loaded

    monkeypatch.setattr(ours, "_load", load)
    [reply] = ours.step(BUCKET, ONE)[0].replies
    ours.close()
    theirs.close()
    assert isinstance(reply, Granted)
    assert reply.left == 1


def asking(owner: str, *asks: Ask) -> Wishes:
    return Wishes(owner, LIMIT, 10_000_000, asks)


def test_a_person_on_one_machine_passes_the_background_of_another(empty: str) -> None:
    stores = [RedisStore(empty), RedisStore(empty)]
    stores[0].step(BUCKET, asking("job", *[Ask(1)] * LIMIT.calls))
    [job] = stores[0].step(BUCKET, asking("job", Ask(10**9, background=True)))[0].replies
    [person] = stores[1].step(BUCKET, asking("person", Ask(10**9)))[0].replies
    [passed] = stores[0].step(BUCKET, asking("job", Ask(10**9, job.place, background=True)))[0].replies
    for store in stores:
        store.close()
    assert [reply.position for reply in (job, person, passed) if isinstance(reply, Queued)] == [1, 1, 2]


def test_machines_keep_the_pace_of_the_background_together(empty: str) -> None:
    stores = [RedisStore(empty), RedisStore(empty)]
    replies = [
        store.step(BUCKET, asking(owner, Ask(10**9, background=True)))[0].replies[0]
        for store, owner in zip(stores, ("one", "two"), strict=True)
    ]
    for store in stores:
        store.close()
    assert isinstance(replies[0], Granted)
    assert isinstance(replies[1], Queued)
    assert replies[1].left_us == pytest.approx(60_250_000 / 3, abs=1_000_000)


def test_what_an_older_version_wrote_still_counts(empty: str) -> None:
    store = RedisStore(empty)
    store.step(BUCKET, asking("job", *[Ask(1)] * LIMIT.calls))
    store.step(BUCKET, asking("older", Ask(10**9)))
    store._connect().hdel(_keys(BUCKET)[0], "paced_us")
    [reply] = store.step(BUCKET, asking("job", Ask(10**9, background=True)))[0].replies
    store.close()
    assert isinstance(reply, Queued)
    assert reply.position == 2


@pytest.mark.parametrize("value", ["9e18", "nan", "9000000000000000000", "text", ""])
async def test_a_value_that_no_step_has_written_is_named_with_what_to_do(
    empty: str, tmp_path: Path, value: str
) -> None:
    throttle = open_throttle(empty, state_dir=tmp_path)
    await use_up(throttle)
    with redis.Redis.from_url(empty) as client:
        client.hset(_keys(BUCKET)[0], "closed_us", value)
    with pytest.raises(StateError, match=r"is damaged .* Delete those keys and wait a minute"):
        await use_up(throttle)
    await throttle.aclose()


async def test_keys_that_hold_something_else_are_named_with_what_to_do(empty: str, tmp_path: Path) -> None:
    throttle = open_throttle(empty, state_dir=tmp_path)
    await use_up(throttle)
    with redis.Redis.from_url(empty) as client:
        client.delete(_keys(BUCKET)[1])
        client.set(_keys(BUCKET)[1], "text")
    with pytest.raises(StateError, match=r"is damaged .* Delete those keys and wait a minute"):
        await use_up(throttle)
    await throttle.aclose()


async def test_a_server_that_refuses_is_not_told_to_be_started(empty: str, tmp_path: Path) -> None:
    throttle = open_throttle(empty, state_dir=tmp_path)
    with redis.Redis.from_url(empty) as client:
        client.config_set("maxmemory", 1)
        with pytest.raises(StateError, match=r"cannot be used \(OutOfMemoryError\)\. Mend it"):
            await use_up(throttle)
        client.config_set("maxmemory", 0)
    await throttle.aclose()


async def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    throttle = open_throttle(f"redis://user:{PASSWORD}@127.0.0.1:1/0", state_dir=tmp_path)
    with pytest.raises(
        StateError, match=r"127\.0\.0\.1:1 cannot be used .* Start it, or set AUTOBG_THROTTLE"
    ) as error:
        await use_up(throttle)
    await throttle.aclose()
    assert PASSWORD not in "".join(traceback.format_exception(error.value)) + repr(vars(throttle._store))  # type: ignore[attr-defined]


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    address = f"redis://user:{PASSWORD}@host:port/0"
    with pytest.raises(ConfigurationError, match="host:port") as error:
        open_throttle(address, state_dir=tmp_path)
    assert PASSWORD not in "".join(traceback.format_exception(error.value))


def test_an_option_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        open_throttle("redis://127.0.0.1:1/0?no_such_option=1", state_dir=tmp_path)
