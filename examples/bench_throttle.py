"""What the throttle costs, how fair it is, and how often servers refuse it, beside what else there is.

    python examples/bench_throttle.py

Takes about a minute and needs no network. Redis is measured if `redis-server` is installed; pyrate-limiter, limits and
aiolimiter run with their own code if they are installed, else their published algorithm is modelled and marked so.
"""

import asyncio
import json
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

from autobg_mcp.clock import SYSTEM
from autobg_mcp.throttle import Limit, Throttle, open_throttle

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from throttle_servers import (
    Client,
    FixedWindow,
    Gcra,
    Server,
    SlidingCounter,
    SlidingLog,
    ThrottleClient,
    TokenBucket,
    jitter,
    simulate,
)

LIMIT = Limit(10, 60)
ALONE = Limit(10_000, 3600)
MANY = 3000
SENDS = 10_000
PROCESSES, WAITERS = 8, 50
POLL_S = 0.05
VISIT_S = 67.0


def main() -> None:
    print(
        f"1. One call alone: taking a slot and answering it, {ALONE}; beside it what else there is, in memory"
    )
    print(f"   {'':16}{'median':>10}{'p99':>10}{'with 3,000 slots in the window':>33}")
    with stores() as addresses:
        for address in addresses:
            name, costs = address.partition(":")[0], asyncio.run(alone(address))
            print("   {:16}{:>7.0f} µs{:>7.0f} µs{:>26.2f} x".format(name, *costs), flush=True)
        for name, peer in peers().items():
            print("   {:16}{:>7.0f} µs{:>7.0f} µs".format(name, *peer_alone(peer)))
        print(f"\n2. {PROCESSES} processes x {WAITERS} waiters")
        print(f"   {'store':16}{'of the limit':>14}{'overtaken':>11}{'CPU while all wait':>20}")
        for address in addresses[1:]:
            name = address.partition(":")[0]
            print("   {:16}{:>12.1f} %{:>11}{:>12.1f} % of a core".format(name, *crowd(address)), flush=True)
    print(
        f"\n3. Refusals per {SENDS:,} calls / share of the limit used, {LIMIT}, simulated network of 0.1 to 4 s"
    )
    print(f"   {'':27}" + "".join(f"{name:>17}" for name in servers()))
    for name, client in clients().items():
        cells = (cell(client(), server) for server in servers().values())
        print(f"   {name:27}" + "".join(f"{each:>17}" for each in cells), flush=True)
    print(f"\n4. {LIMIT}: always another call, and a person's call every {VISIT_S:g} s, with a sliding log")
    print(f"   {'always another call of':27}{'refusals / used':>17}{'longest wait of a person':>27}")
    for name, background in (("the background", True), ("people", False)):
        print("   {:27}{:>17}{:>25.1f} s".format(name, *beside(background=background)), flush=True)


def beside(*, background: bool) -> tuple[str, float]:
    """Refusals and share of the limit, and the longest wait in seconds of a call that somebody waits for."""
    visits_s = [VISIT_S * turn for turn in range(SENDS)]
    client = ThrottleClient(LIMIT, background=background, visits=visits_s)
    return cell(client, SlidingLog(LIMIT.calls, LIMIT.window_s)), max(client.waits_s)


@contextmanager
def stores() -> Iterator[list[str]]:
    program = shutil.which("redis-server")
    if program is None or find_spec("redis") is None:
        print("   (Redis is not measured: redis-server or the redis package is not installed)")
        yield ["memory:", "sqlite:"]
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield ["memory:", "sqlite:", f"redis://127.0.0.1:{port}/0"]
    finally:
        server.terminate()
        server.wait(5)


async def alone(address: str) -> tuple[float, float, float]:
    """Median and 99th percentile in microseconds, and how many times the median is with thousands of slots taken."""
    with tempfile.TemporaryDirectory() as folder:
        throttle = open_throttle(address, state_dir=Path(folder))
        await taken_us(throttle, "full", MANY, at_once=100)
        empty_us, full_us = list[float](), list[float]()
        for turn in range(20):
            empty_us += await taken_us(throttle, f"alone:{turn}", 100)
            full_us += await taken_us(throttle, "full", 100)
        await throttle.aclose()
    median_us = statistics.median(empty_us)
    return median_us, statistics.quantiles(empty_us, n=100)[98], statistics.median(full_us) / median_us


async def taken_us(throttle: Throttle, bucket: str, calls: int, at_once: int = 1) -> list[float]:
    """How long each call took to take its slot and to say that it was answered, in microseconds."""

    async def call() -> float:
        began = time.perf_counter()
        async with throttle.slot(bucket, ALONE, max_wait_s=0) as slot:
            slot.sent()
            await slot.answered()
        return (time.perf_counter() - began) * 1e6

    return [
        took
        for _ in range(calls // at_once)
        for took in await asyncio.gather(*(call() for _ in range(at_once)))
    ]


def peer_alone(peer: "Peer") -> tuple[float, float]:
    """Median and 99th percentile in microseconds of asking another library for a slot."""
    took_us = []
    for turn in range(2000):
        began = time.perf_counter()
        peer.wait_s(LIMIT.window_s * turn)
        took_us.append((time.perf_counter() - began) * 1e6)
    return statistics.median(took_us), statistics.quantiles(took_us, n=100)[98]


def crowd(address: str) -> tuple[float, int, float]:
    """Share of the limit in percent, the most places anybody was overtaken by, and percent of a core while waiting."""
    limit = Limit(100, 4)
    calls = [call for calls, _ in race(address, "served", limit) for call in calls]
    granted = sorted(given for _, given in calls)
    share = (len(granted) - 1) / (granted[-1] - granted[0] + limit.window_s) / (limit.calls / limit.window_s)
    overtaken = max(
        sum(asked + 0.05 < later and sooner < given - 0.05 for later, sooner in calls)
        for asked, given in calls
    )
    idle = race(address, "waiting", Limit(1, 600))
    return 100 * share, overtaken, 100 * sum(cpu for _, cpu in idle)


def race(address: str, what: str, limit: Limit) -> list[tuple[list[tuple[float, float]], float]]:
    """Starts the processes and collects what each says: (asked, granted) of its calls, and its share of a core."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            __file__,
            "--worker",
            what,
            address,
            folder,
            str(limit.calls),
            str(limit.window_s),
        ]
        workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
        return [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]


async def worker(what: str, address: str, folder: str, calls: str, window_s: str) -> None:
    throttle, limit = open_throttle(address, state_dir=Path(folder)), Limit(int(calls), float(window_s))

    async def call(turn: int) -> tuple[float, float]:
        await asyncio.sleep(turn * 0.04)
        asked_s = SYSTEM.monotonic_s()
        async with throttle.slot(f"crowd:{what}", limit, max_wait_s=1e6) as slot:
            granted_s = SYSTEM.monotonic_s()
            slot.sent()
            await asyncio.sleep(0.002)
            await slot.answered()
        return asked_s, granted_s

    tasks = [asyncio.create_task(call(turn)) for turn in range(WAITERS)]
    share = 0.0
    if what == "waiting":
        await asyncio.sleep(4)
        before, began = cpu_s(), time.monotonic()
        await asyncio.sleep(10)
        share = (cpu_s() - before) / (time.monotonic() - began)
        for task in tasks:
            task.cancel()
    done = [task for task in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(task, tuple)]
    await throttle.aclose()
    print(json.dumps([done, share]))


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def servers() -> dict[str, Server]:
    n, window_s = LIMIT.calls, LIMIT.window_s
    return {
        "fixed window": FixedWindow(n, window_s, 17),
        "sliding log": SlidingLog(n, window_s),
        "sliding counter": SlidingCounter(n, window_s, 17),
        "token bucket": TokenBucket(n, window_s),
        "GCRA, burst 2": Gcra(n, window_s, 2),
        "GCRA, burst 1": Gcra(n, window_s, 1),
    }


def cell(client: Client, server: Server) -> str:
    tally = simulate(client, server, latencies=jitter(7), until_s=1e9, sends=SENDS)
    return f"{tally.refused} / {100 * tally.used(LIMIT):.0f} %"


def clients() -> dict[str, Callable[[], Client]]:
    modelled = {"pyrate-limiter": SendLog, "limits": SendLog, "aiolimiter": Leaky}
    installed = {"pyrate-limiter": Pyrate, "limits": Limits, "aiolimiter": Aio}
    found: dict[str, Callable[[], Client]] = {"autobg_mcp.throttle": lambda: ThrottleClient(LIMIT)}
    for name, model in modelled.items():
        is_here = find_spec(name.replace("-", "_")) is not None
        found[name if is_here else f"{name} (modelled)"] = installed[name] if is_here else model
    return found


def peers() -> dict[str, "Peer"]:
    """The libraries that are installed."""
    return {
        name: peer
        for name, client in clients().items()
        if isinstance(peer := client(), Peer) and "(" not in name
    }


class Peer:
    """A limiter that is asked whether a call may go out now, and never hears what came of it."""

    sent = 0
    taken = False

    def wait_s(self, now_s: float) -> float:
        """Takes a slot and answers 0, or answers in how many seconds to ask again."""
        raise NotImplementedError

    def opens_s(self, now_s: float) -> float:
        wait_s = 0.0 if self.taken else self.wait_s(now_s)
        self.taken = wait_s == 0
        return now_s + wait_s

    def send(self, now_s: float) -> int:  # noqa: ARG002 - the slot was taken when it opened
        self.taken = False
        self.sent += 1
        return self.sent

    def answered(self, number: int, now_s: float, *, refused: bool) -> None: ...


class SendLog(Peer):
    """A sliding log of the moments of sending."""

    def __init__(self) -> None:
        self.log: list[float] = []

    def wait_s(self, now_s: float) -> float:
        if len(self.log) == LIMIT.calls and now_s < self.log[0] + LIMIT.window_s:
            return self.log[0] + LIMIT.window_s - now_s + 0.05
        self.log = [*self.log, now_s][-LIMIT.calls :]
        return 0.0


class Leaky(Peer):
    """A bucket that holds the whole limit and drains evenly."""

    level, last_s = 0.0, 0.0

    def wait_s(self, now_s: float) -> float:
        rate = LIMIT.calls / LIMIT.window_s
        self.level, self.last_s = max(0.0, self.level - (now_s - self.last_s) * rate), now_s
        if self.level + 1 > LIMIT.calls:
            return (self.level + 1 - LIMIT.calls) / rate + 1e-6
        self.level += 1
        return 0.0


class Pyrate(Peer):
    """pyrate-limiter's bucket, told the time with every call, with its limiter's 50 ms on top of every wait."""

    def __init__(self) -> None:
        self.library = import_module("pyrate_limiter")
        self.bucket = self.library.InMemoryBucket(
            [self.library.Rate(LIMIT.calls, int(LIMIT.window_s * 1000))]
        )

    def wait_s(self, now_s: float) -> float:
        now_ms = int(now_s * 1000)
        self.bucket.leak(now_ms)
        decision = self.bucket.put_decision(self.library.RateItem("call", now_ms))
        return 0.0 if decision.allowed else (decision.retry_after_ms or 0) / 1000 + 0.05


class Limits(Peer):
    """The moving window of limits in memory, asked again when it says, with the clock of its module turned."""

    now_s = 0.0

    def __init__(self) -> None:
        memory = import_module("limits.storage.memory")
        memory.time = SimpleNamespace(time=lambda: self.now_s)  # type: ignore[attr-defined]
        self.window = import_module("limits.strategies").MovingWindowRateLimiter(memory.MemoryStorage())
        self.rate = import_module("limits").parse(f"{LIMIT.calls} per {LIMIT.window_s:.0f} second")

    def wait_s(self, now_s: float) -> float:
        self.now_s = now_s + 1e6
        if self.window.hit(self.rate):
            return 0.0
        again_s: float = self.window.get_window_stats(self.rate).reset_time - self.now_s
        return max(POLL_S, again_s)


class Aio(Peer):
    """aiolimiter in a loop whose time is turned, asked again one gap after its last yes, then four times a second."""

    taken_s = 0.0

    def __init__(self) -> None:
        self.loop = TurnedLoop()
        self.limiter = import_module("aiolimiter").AsyncLimiter(LIMIT.calls, LIMIT.window_s)
        self.loop.run_until_complete(self.take(0.0))

    async def take(self, now_s: float) -> float:
        self.loop.now_s = now_s
        if now_s and not self.limiter.has_capacity():
            return max(0.25, self.taken_s + LIMIT.window_s / LIMIT.calls - now_s)
        if now_s:
            await self.limiter.acquire()
            self.taken_s = now_s
        return 0.0

    def wait_s(self, now_s: float) -> float:
        return self.loop.run_until_complete(self.take(now_s + 1e-3))


class TurnedLoop(asyncio.SelectorEventLoop):
    now_s = 0.0

    def time(self) -> float:
        return self.now_s


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(worker(*sys.argv[2:]))
    else:
        main()
