"""The throttle on a real Redis server, with real processes; skipped where redis-server is not installed."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from throttle_clock import TurnedClock
from throttle_recorder import finish, recording, start

from autobg_mcp.errors import ConfigurationError, StateError, ThrottledError
from autobg_mcp.throttle import Limit, Throttle, open_throttle
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.redis import RedisStore

SERVER = shutil.which("redis-server")
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        SERVER is None, reason="redis-server is not installed, so nothing was tested on Redis"
    ),
]
BUCKET = "account:reportImages"
LIMIT = Limit(3, 60)


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


def test_a_server_clock_set_forward_frees_nothing(empty: str) -> None:
    clock = TurnedClock()
    store = RedisStore(empty, clock=clock)

    def closed_for_s(bucket: Bucket | None, now_us: int, shift_us: int = 0) -> tuple[Bucket, float]:
        bucket = bucket or Bucket(LIMIT, seen_us=now_us, closed_us=now_us + 60_000_000)
        bucket.shift(shift_us)
        return bucket, (bucket.closed_us - now_us) / 1e6

    store.transact(BUCKET, closed_for_s)
    clock.now_s -= 3600  # as if the server's clock had been set an hour forward:
    store.transact(BUCKET, lambda bucket, now_us: closed_for_s(bucket, now_us, -3_600_000_000))
    clock.now_s -= 3600
    left_s, _ = store.transact(BUCKET, closed_for_s)
    store.close()
    assert left_s == pytest.approx(60, abs=1)


def test_a_write_between_reading_and_writing_is_noticed_and_the_step_made_again(empty: str) -> None:
    ours, theirs = RedisStore(empty), RedisStore(empty)
    seen: list[int] = []

    def move(bucket: Bucket | None, now_us: int) -> tuple[Bucket, None]:
        bucket = bucket or Bucket(LIMIT)
        seen.append(bucket.tickets)
        if len(seen) == 1:
            theirs.transact(BUCKET, lambda *_: (Bucket(LIMIT, tickets=7), None))
        bucket.tickets += 1
        return bucket, None

    ours.transact(BUCKET, move)
    tickets = ours.read("")[0][BUCKET].tickets
    ours.close()
    theirs.close()
    assert (seen, tickets) == ([0, 7], 8)


def test_what_a_process_remembers_of_a_bucket_is_void_once_the_server_has_lost_it(empty: str) -> None:
    ours, theirs = RedisStore(empty), RedisStore(empty)

    def draw(store: RedisStore, tickets: int) -> int:
        def move(bucket: Bucket | None, _: int) -> tuple[Bucket, int]:
            bucket = bucket or Bucket(LIMIT)
            bucket.tickets += tickets
            return bucket, bucket.tickets

        return store.transact(BUCKET, move)[0]

    for _ in range(3):
        draw(ours, 1)
    theirs._connect().flushall()
    for _ in range(3):
        draw(theirs, 10)
    tickets = draw(ours, 1)
    ours.close()
    theirs.close()
    assert tickets == 31


async def test_a_server_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    throttle = open_throttle("redis://user:hunter2@127.0.0.1:1/0", state_dir=tmp_path)
    with pytest.raises(StateError, match=r"127\.0\.0\.1:1 cannot be used") as error:
        await use_up(throttle)
    assert "hunter2" not in str(error.value)


async def test_a_server_that_is_away_leaves_a_local_share_if_the_operator_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = open_throttle(
        "redis://127.0.0.1:1/0", state_dir=tmp_path, on_store_failure="local", machines=3
    )
    async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        assert slot.left == 0
    with pytest.raises(ThrottledError):
        await use_up(throttle)
    [budget] = await throttle.budgets("")
    await throttle.aclose()
    assert "1/3 of the allowance" in budget.rule
    assert "1/3 of every allowance" in caplog.text


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="host:port"):
        open_throttle("redis://host:port/0", state_dir=tmp_path)
