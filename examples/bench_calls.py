"""What a call costs that asks and changes nothing, beside servers and libraries that keep nothing on disk."""

import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import anyio
import httpx
from anyio.streams.text import TextReceiveStream
from bench_peers import KEY, PATH, TOOL, UNLIMITED
from interleaved import Row, Taken, milliseconds, ratio, timed_calls
from mcp import Client, StdioServerParameters

from autobg_mcp.throttle import Limit, open_throttle

PEERS = Path(__file__).with_name("bench_peers.py")
HOUR = Limit(calls=UNLIMITED, window_s=3600)
SLOTS = 3_000

Contender = Callable[[], Awaitable[object]]


def rows(quick: bool) -> Iterator[Row]:
    """The table's lines."""
    taken = anyio.run(measure, 60 if quick else 300)
    peers = {"FastMCP.from_openapi": "1.30", "the bare SDK": "", "plain httpx": ""}
    peers |= {f"plain httpx behind {library}": "" for library in ("aiolimiter", "pyrate-limiter")}
    for name, goal in peers.items():
        measured = f"{ratio(taken, 'ours', name):.2f}" if name in taken else "not installed: the extra bench"
        yield Row(f"read call, times {name}", measured, goal)
    full = ratio(taken, f"ours, {SLOTS} slots", "ours")
    yield Row(f"the same with {SLOTS:,} slots in the window, times without", f"{full:.2f}", "1.10")
    yield Row("… in all", f"{milliseconds(taken, 'ours')}")


async def measure(rounds: int) -> Taken:
    """Seconds of one call through each contender."""
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(sandbox())
        contenders: dict[str, Contender] = {"plain httpx": plain(stack, address)}
        for slots in (0, SLOTS):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            name = f"ours, {slots} slots" if slots else "ours"
            contenders[name] = await tool(
                stack, [sys.executable, "-m", "autobg_mcp"], settings(folder, address)
            )
            await contenders[name]()
            await fill(folder, slots)
        peers = {"the bare SDK": "call"} | (
            {"FastMCP.from_openapi": "openapi"} if find_spec("fastmcp") else {}
        )
        for name, kind in peers.items():
            contenders[name] = await tool(
                stack, [sys.executable, str(PEERS), kind, address], {"FASTMCP_LOG_LEVEL": "ERROR"}
            )
        contenders |= limited(contenders["plain httpx"])
        return await timed_calls(contenders, rounds)


def settings(folder: Path, address: str) -> dict[str, str]:
    return {
        "AUTOBG_API_KEY": KEY,
        "AUTOBG_BASE_URL": address,
        "AUTOBG_STATE_DIR": str(folder),
        "AUTOBG_RATE_LIMITS": f"*={HOUR.calls}/{HOUR.window_s:g}s",
    }


async def fill(folder: Path, slots: int) -> None:
    """Take slots of the one budget that a call was made of, as calls do, an hour before they run out."""
    throttle = open_throttle("sqlite:", state_dir=folder)
    (budget,) = await throttle.budgets("")
    for _ in range(slots):
        async with throttle.slot(budget.bucket, HOUR, max_wait_s=0) as slot:
            slot.sent()
            await slot.answered()
    await throttle.aclose()


@asynccontextmanager
async def sandbox() -> AsyncGenerator[str]:
    """The address of the fake API in a process of its own, which ends with the block."""
    command = [sys.executable, str(PEERS), "sandbox"]
    async with await anyio.open_process(command, stdin=None, stderr=None) as process:
        assert process.stdout
        yield (await TextReceiveStream(process.stdout).receive()).strip()
        process.terminate()


async def tool(stack: AsyncExitStack, command: list[str], environment: dict[str, str]) -> Contender:
    """A call of the tool on a server in a process of its own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")} | environment
    server = StdioServerParameters(command=command[0], args=command[1:], env=own)
    host = await stack.enter_async_context(Client(server))

    async def call() -> None:
        answer = await host.call_tool(TOOL, {})
        assert not answer.is_error, answer

    return call


def plain(stack: AsyncExitStack, address: str) -> Contender:
    http = httpx.AsyncClient(base_url=address, headers={"Authorization": KEY})
    stack.push_async_callback(http.aclose)
    return partial(http.post, PATH)


def limited(call: Contender) -> dict[str, Contender]:
    """Plain httpx behind libraries that keep a limit in memory, where they are installed."""
    contenders: dict[str, Contender] = {}
    if find_spec("aiolimiter"):
        aio = import_module("aiolimiter").AsyncLimiter(UNLIMITED, HOUR.window_s)

        async def behind_aiolimiter() -> None:
            async with aio:
                await call()

        contenders["plain httpx behind aiolimiter"] = behind_aiolimiter
    if find_spec("pyrate_limiter"):
        library = import_module("pyrate_limiter")
        pyrate = library.Limiter(library.Rate(UNLIMITED, int(HOUR.window_s * 1000)))

        async def behind_pyrate() -> None:
            await pyrate.try_acquire_async(TOOL)
            await call()

        contenders["plain httpx behind pyrate-limiter"] = behind_pyrate
    return contenders
