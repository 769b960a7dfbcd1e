"""A counting server on loopback, and processes that call it."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from throttle_servers import FixedWindow, Server, SlidingLog

from autobg_mcp.clock import SYSTEM
from autobg_mcp.throttle import Limit

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Arrival:
    """A call the server saw.

    Attributes:
        name: Who made it.
        asked_s: When the caller asked for a slot.
        came_s: When the server saw it.
        taken: Whether both a sliding log and fixed windows had room for it.
    """

    name: str
    asked_s: float
    came_s: float
    taken: bool


class Recorder:
    """Answers every line after a random moment, and writes down whether it came too early."""

    def __init__(self, limit: Limit, slowest_s: float) -> None:
        self.arrivals: list[Arrival] = []
        self.port = 0
        self._slowest_s = slowest_s
        windows = [FixedWindow(limit.calls, limit.window_s, phase * limit.window_s / 4) for phase in range(4)]
        self._counters: list[Server] = [SlidingLog(limit.calls, limit.window_s), *windows]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await reader.readline()).decode().split()
        if len(line) == 2:
            now_s = SYSTEM.monotonic_s()
            verdicts = [counter.takes(now_s) for counter in self._counters]
            self.arrivals.append(Arrival(line[0], float(line[1]), now_s, all(verdicts)))
            await asyncio.sleep(random.uniform(0, self._slowest_s))
            writer.write(b"ok\n")
        writer.close()

    def overtakes(self, tolerance_s: float, by: str = "", of: str = "") -> int:
        """How many calls came after one that had asked later, both by more than the tolerance.

        Args:
            tolerance_s: Seconds.
            by: How the names of those begin that overtake.
            of: How the names of those begin that are overtaken.
        """
        return sum(
            early.asked_s + tolerance_s < late.asked_s and early.came_s > late.came_s + tolerance_s
            for early in self.arrivals
            for late in self.arrivals
            if early.name.startswith(of) and late.name.startswith(by)
        )

    def passed(self, tolerance_s: float, by: str, of: str) -> int:
        """How many calls came while one of the others waited, by more than the tolerance at both ends."""
        return sum(
            early.asked_s + tolerance_s < late.came_s < early.came_s - tolerance_s
            for early in self.arrivals
            for late in self.arrivals
            if early.name.startswith(of) and late.name.startswith(by)
        )


@asynccontextmanager
async def recording(limit: Limit, slowest_s: float = 0.05) -> AsyncIterator[Recorder]:
    recorder = Recorder(limit, slowest_s)
    server = await asyncio.start_server(recorder.answer, "127.0.0.1", 0, backlog=1000)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()


async def start(script: str, *arguments: object) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / script), *map(str, arguments), stderr=PIPE, cwd=HERE.parent
    )


async def finish(process: Process, seconds: float) -> None:
    """Waits for a process; one that takes too long or fails fails the test with what it said."""
    try:
        _, said = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, said.decode()
