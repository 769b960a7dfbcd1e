"""Fixtures: a sandbox on a clock that tests turn, settings for it, and an MCP client connected to a server on it."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from documented import ALL_TOOLSETS
from host_files import Person
from ledger_cases import Blocking
from mcp import Client as McpClient
from mcp.client.extension import ClientExtension
from mcp.client.session import ElicitationFnT, LoggingFnT
from PIL import Image
from sandbox_visitor import Visitor
from starlette.applications import Starlette
from starlette.types import ASGIApp

from autobg_mcp.client import Client
from autobg_mcp.clock import SYSTEM
from autobg_mcp.sandbox import SandboxOptions, World, build_sandbox
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import MemoryThrottle

KEY = "test-key-0123456789"
MEMORY = Path("/dev/shm")
MOST_TURNS = 25  # of the event loop: more than any chain of ready callbacks needs

Connect = Callable[..., AbstractAsyncContextManager[McpClient]]
"""Connects an MCP client to a server on the sandbox: `connect(mode="auto", **settings)`.

`api` is what stands there instead of the sandbox, `person` answers what the host is asked, `hear` takes what the server logs,
and `extensions` are those that the host declares.
"""


class Clock:
    """Seconds that pass when a test says so, or from sleeper to sleeper once nobody has anything left to do."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._ahead_s = time.time() - self.now_s + 60  # later than any file that a test has drawn
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._deadlines: list[tuple[float, int, anyio.CancelScope]] = []
        self._order = count()
        self._turning: asyncio.Task[None] | None = None
        self._waiting_for_real = 0

    def __call__(self) -> float:
        return self.now_s

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s + self._ahead_s

    def set_back(self, seconds: float) -> None:
        """Let an operator set the wall's clock back."""
        self._ahead_s -= seconds

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        heappush(self._sleepers, (self.now_s + max(0.0, seconds), next(self._order), woken))
        if self._turning is None or self._turning.done() or self._turning.get_loop() is not loop:
            self._turning = loop.create_task(self._turn())
        await woken

    async def really_sleep(self, seconds: float) -> None:
        """Let real time pass, in which nobody turns the clock."""
        with self.standing():
            await asyncio.sleep(seconds)

    @contextmanager
    def standing(self) -> Iterator[None]:
        """A while in which somebody waits for the real world, and nobody turns the clock."""
        self._waiting_for_real += 1
        try:
            yield
        finally:
            self._waiting_for_real -= 1

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Time passes for sleepers alone: a deadline is met on the way to one, and nobody waits for it."""
        with anyio.CancelScope() as scope:
            entry = (self.now_s + max(0.0, seconds), next(self._order), scope)
            self._deadlines.append(entry)
            try:
                yield
            finally:
                self._deadlines.remove(entry)
        if scope.cancelled_caught:
            raise TimeoutError

    async def _turn(self) -> None:
        while self._sleepers:
            await self._everybody_rests()
            moment_s, _, woken = self._sleepers[0]
            due = [one for one in self._deadlines if one[0] <= moment_s and not one[2].cancel_called]
            if woken.done():
                heappop(self._sleepers)
            elif due:
                self.now_s = max(self.now_s, min(due)[0])
                min(due)[2].cancel()
            else:
                heappop(self._sleepers)
                self.now_s = max(self.now_s, moment_s)
                woken.set_result(None)

    async def _everybody_rests(self) -> None:
        threads = anyio.to_thread.current_default_thread_limiter()
        rested = 0
        while rested < MOST_TURNS:
            is_busy = bool(threads.borrowed_tokens or self._waiting_for_real)
            await asyncio.sleep(0.0005 if is_busy else 0)
            rested = 0 if is_busy else rested + 1


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are processors: tests also wait for disks and processes."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests' folders in memory where the system offers that: the ledger waits for its disk at every entry.

    What tests write is their user's alone, as a key file has to be.
    """
    os.umask(0o077)
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and config.option.basetemp is None:
        config.option.basetemp = str(MEMORY / f"autobg-mcp-tests-{os.getpid()}")


def pytest_unconfigure(config: pytest.Config) -> None:
    if str(config.option.basetemp).endswith(f"-{os.getpid()}"):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    """Parametrise or override to change the sandbox of a test. Its usage names no batch, so that what is unknown stays so."""
    return SandboxOptions(turnaround_s=2.0, usage_rows="day")


@pytest.fixture
def sandbox(sandbox_options: SandboxOptions, clock: Clock) -> Starlette:
    return build_sandbox(sandbox_options, clock=clock, sleep=clock.sleep)


@pytest.fixture
def world(sandbox: Starlette) -> World:
    state: World = sandbox.state.world
    return state


@pytest.fixture
def visitor() -> Visitor:
    """Who asks a sandbox of their own without this package's client."""
    return Visitor()


@pytest.fixture
def photos(drawn: Path, tmp_path: Path) -> Path:
    """A folder with three small photos, a background, a logo and a plate, inside the fence."""
    return Path(shutil.copytree(drawn, tmp_path / "photos"))


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos, drawn once."""
    folder = tmp_path_factory.mktemp("drawn") / "photos"
    (folder / "cars").mkdir(parents=True)
    for number, colour in enumerate(("red", "green", "blue"), 1):
        Image.new("RGB", (320, 200), colour).save(folder / "cars" / f"car-{number}.jpg")
    Image.new("RGB", (400, 300), "white").save(folder / "background.jpg")
    Image.new("RGBA", (80, 40), (250, 120, 0, 255)).save(folder / "logo.png")
    Image.new("RGB", (104, 22), "yellow").save(folder / "plate.png")
    return folder


@pytest.fixture
def connect(sandbox: Starlette, photos: Path, clock: Clock, tmp_path: Path) -> Connect:
    return connecting(sandbox, photos, clock, tmp_path)


def connecting(sandbox: ASGIApp, photos: Path, clock: Clock, folder: Path) -> Connect:
    """What connects to servers that keep results and state in a folder."""

    @asynccontextmanager
    async def connected(
        mode: str = "auto",
        *,
        api: ASGIApp = sandbox,
        person: ElicitationFnT | None = None,
        hear: LoggingFnT | None = None,
        extensions: Sequence[ClientExtension] = (),
        **changes: object,
    ) -> AsyncGenerator[McpClient]:
        defaults = {
            "api_key": KEY,
            "base_url": "http://localhost/public/api/v1",
            "image_dirs": (photos,),
            "output_dir": folder / "results",
            "state_dir": folder / "state",
            "background": False,  # a test sees what its own call does, unless it wants more
        }
        settings = Settings.load(**(defaults | changes))
        throttle = MemoryThrottle(clock=clock)
        server = build_server(
            settings, lambda: Client(settings, app=api, throttle=throttle, clock=clock), clock
        )
        async with McpClient(
            server,
            mode=mode,
            raise_exceptions=True,
            elicitation_callback=person,
            logging_callback=hear,
            extensions=extensions,
        ) as client:
            yield client

    return connected


@asynccontextmanager
async def opened(
    app: ASGIApp | None, clock: Clock, folder: Path, **changes: object
) -> AsyncGenerator[Client]:
    """A client for Python on a turned clock; without an application it uses the network, where time is real."""
    time_of_all = SYSTEM if app is None else clock
    settings = Settings.load(
        **{"api_key": KEY, "base_url": "http://localhost/public/api/v1", "state_dir": folder / "state"}
        | {"background": False}
        | changes
    )
    throttle = MemoryThrottle(clock=time_of_all)
    async with Client(settings, app=app, throttle=throttle, clock=time_of_all) as client:
        yield client


@pytest.fixture
async def client(connect: Connect) -> AsyncGenerator[McpClient]:
    async with connect() as connected:
        yield connected


@pytest.fixture
async def host(connect: Connect) -> AsyncGenerator[McpClient]:
    """A client of a server that offers every tool and sends to any template."""
    async with connect(toolsets=ALL_TOOLSETS, check_templates=False) as connected:
        yield connected


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Blocking]:
    with closing(Blocking(tmp_path, clock=clock)) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path, clock: Clock) -> Iterator[Blocking]:
    """The ledger as another process sees it."""
    with closing(Blocking(tmp_path, clock=clock)) as opened:
        yield opened


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Person:
    """Somebody with a home and a project's folder, at the command line."""
    for name in [*os.environ]:
        if name.startswith("AUTOBG_") or name in {
            "XDG_CONFIG_HOME",
            "CODEX_HOME",
            "CLAUDE_CONFIG_DIR",
            "COPILOT_HOME",
        }:
            monkeypatch.delenv(name)
    someone = Person(tmp_path, capsys)
    monkeypatch.setenv("HOME", str(someone.home))
    monkeypatch.setenv("USERPROFILE", str(someone.home))
    monkeypatch.setenv("AUTOBG_STATE_DIR", str(someone.state))
    monkeypatch.chdir(someone.cwd)
    return someone


@pytest.fixture
def car(photos: Path) -> Path:
    """One photo."""
    return photos / "cars" / "car-1.jpg"
