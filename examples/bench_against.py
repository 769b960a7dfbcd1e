"""What an agent gets here, beside tools generated from a description of the API: python examples/bench_against.py.

`FastMCP.from_openapi` makes tools of `autobg_openapi.py`; both servers speak stdio, and one sandbox on loopback stands in for
the API. Its minute is shortened to some seconds. The agents of `against_agents.py` do the same with both, as far as each
allows; tokens are what they write and read (o200k), and a picture counts as 1,500.
"""

import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import anyio
import httpx
from anyio.streams.text import TextReceiveStream
from bench_start import list_tools
from interleaved import timed, timed_calls
from mcp import Client, StdioServerParameters
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from against_agents import PHOTOS, REPORTS, BenchAgent, GeneratedAgent, OursAgent
from tokens import tokens

PEERS = Path(__file__).with_name("bench_peers.py")
PREFIX = "/public/api/v1"
WINDOW_S = 6
MOST_S = 300
SLOW = ("reportImages", "uploadImagesWithoutTemplate")

Told = tuple[str, float]
"""How something measured is told, and the figure that its ratio is made of; 0 makes none."""


@dataclass(frozen=True)
class Contender:
    """A server as a host starts it, and the agent that has it. Each has an account of its own at the sandbox."""

    name: str
    command: Sequence[str]
    settings: dict[str, str]
    key: str
    agent: type[BenchAgent]

    def environment(self) -> dict[str, str]:
        """Its own settings beside everything that is not ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")}
        return kept | self.settings

    @asynccontextmanager
    async def hosted(self, photos: Path) -> AsyncGenerator[BenchAgent]:
        """An agent that is connected to it."""
        command, *arguments = self.command
        server = StdioServerParameters(command=command, args=arguments, env=self.environment())
        async with Client(server) as host:
            yield self.agent(host, photos, WINDOW_S)


@dataclass(frozen=True)
class Field:
    """Where both are measured: the sandbox's address, and a folder of photos."""

    address: str
    photos: Path

    async def arrived(self, key: str) -> int:
        """How many pictures the API took of an account: one costs one credit."""
        async with httpx.AsyncClient(headers={"Authorization": key}) as http:
            told = (await http.post(f"{self.address}/user/getUserCreditDetails")).json()["data"]
            return int(told["total_credits"] - told["current_credits"])

    async def refused(self) -> int:
        """How many calls the API refused for their rate."""
        async with httpx.AsyncClient() as http:
            state = await http.get(f"{self.address.removesuffix(PREFIX)}/_sandbox/state")
            return int(state.json()["refused_429"])


async def main() -> None:
    if not find_spec("fastmcp"):
        sys.exit("Not installed: pip install '.[bench]'")
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name, anyio.fail_after(MOST_S):
        async with sandbox() as address:
            field = Field(address, drawn(Path(name) / "photos"))
            ours, theirs = both = contenders(field, Path(name))
            speed = await speeds(both, field)
            one, other = [speed[contender.name] | await measured(contender, field) for contender in both]
    print(f"| what | {ours.name} | {theirs.name} | ratio |\n| --- | --- | --- | --- |")
    for what, (told, figure) in one.items():
        beside, against = other[what]
        ratio = f"{figure / against:.2f}" if figure and against else ""
        print(f"| {what} | {told} | {beside} | {ratio} |")
    print(f"\nThe sandbox's minute lasted {WINDOW_S} s. {time.monotonic() - begun_s:.0f} s in all.")


def contenders(field: Field, folder: Path) -> tuple[Contender, Contender]:
    settings = {
        "AUTOBG_API_KEY": "ours",
        "AUTOBG_BASE_URL": field.address,
        "AUTOBG_IMAGE_DIRS": str(field.photos),
        "AUTOBG_OUTPUT_DIR": str(folder / "results"),
        "AUTOBG_STATE_DIR": str(folder / "state"),
        "AUTOBG_RATE_LIMITS": ",".join(f"{tool}=10/{WINDOW_S}s" for tool in SLOW),
    }
    theirs = [sys.executable, str(PEERS), "described", field.address]
    quiet = {"FASTMCP_LOG_LEVEL": "CRITICAL"}
    return (
        Contender("autobg-mcp", [sys.executable, "-m", "autobg_mcp"], settings, "ours", OursAgent),
        Contender("FastMCP.from_openapi", theirs, quiet, "sandbox-key", GeneratedAgent),
    )


async def speeds(both: Sequence[Contender], field: Field) -> dict[str, dict[str, Told]]:
    """How long a host waits for the list of tools, and for a call that asks and changes nothing."""
    starting = {one.name: partial(list_tools, list(one.command), one.environment()) for one in both}
    started = timed(starting, rounds=5)
    async with both[0].hosted(field.photos) as ours, both[1].hosted(field.photos) as theirs:
        asking: dict[str, Callable[[], Awaitable[object]]] = {
            both[0].name: ours.credits,
            both[1].name: theirs.credits,
        }
        asked = await timed_calls(asking, rounds=15)
    told = {"start to tools/list": started, "one free call": asked}
    return {
        one.name: {what: _milliseconds(median(taken[one.name])) for what, taken in told.items()}
        for one in both
    }


def _milliseconds(seconds: float) -> Told:
    return f"{seconds * 1e3:,.0f} ms" if seconds > 0.1 else f"{seconds * 1e3:.1f} ms", seconds


async def measured(one: Contender, field: Field) -> dict[str, Told]:
    """What an agent does with it, and what that takes."""
    async with one.hosted(field.photos) as agent:
        listing = tokens((await agent.host.list_tools()).model_dump_json(by_alias=True, exclude_none=True))
        told: dict[str, Told] = {"tokens of the listing": (f"{listing:,}", listing)}
        told[f"{PHOTOS} linked photos, sent and done"] = await _counted(agent, agent.linked)
        before = await field.refused()
        told[f"{REPORTS} reports at 10 a minute"] = await _counted(agent, agent.report)
        told["… calls refused meanwhile"] = (str(await field.refused() - before), 0)
        looked = await _counted(agent, agent.look)
        told["one result"] = (f"{'seen' if agent.pictures else 'not seen'}: {looked[0]}", looked[1])
        await agent.unknown_batch()
        told["`status: false`"] = ("an error" if agent.heard_error else "a success", 0)
        for what, send in (
            ("one photo by its path", agent.one_by_path),
            (f"a folder of {PHOTOS}", agent.folder),
        ):
            arrived = await field.arrived(one.key)
            text, _ = await _counted(agent, send)
            told[what] = (f"{await field.arrived(one.key) - arrived} taken: {text}", 0)
        return told


async def _counted(agent: BenchAgent, act: Callable[[], Awaitable[None]]) -> Told:
    agent.forget()
    await act()
    return agent.counted(), agent.tokens


def drawn(folder: Path) -> Path:
    """A folder with so many photos, no two alike."""
    folder.mkdir()
    for number in range(PHOTOS):
        Image.new("RGB", (320, 200), (number * 6, 90, 200 - number)).save(folder / f"{number:02}.jpg")
    return folder


@asynccontextmanager
async def sandbox() -> AsyncGenerator[str]:
    """The address of the fake API in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0", "--turnaround", "0"]
    command += ["--window", str(WINDOW_S), "--credits", "1000"]
    async with await anyio.open_process(command, stdin=None, stderr=None) as process:
        assert process.stdout
        found = re.search(r"AUTOBG_BASE_URL=(\S+)", await TextReceiveStream(process.stdout).receive())
        assert found
        yield found[1]
        process.terminate()


if __name__ == "__main__":
    anyio.run(main)
