"""Any sequence of submissions, faults, restarts and looks: no picture is paid twice unless somebody asks for it."""

import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import anyio
from conftest import KEY, Clock
from documented import structured
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from mcp.types import CallToolResult
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.client import Client
from autobg_mcp.sandbox import FAILURE_KINDS, FailureKind, SandboxOptions, World, build_sandbox
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import MemoryThrottle

EVERY = (1, 2, 3)


class Submit(NamedTuple):
    """Submit pictures by number; a request of it meets a failure, after so many that do not."""

    pictures: tuple[int, ...]
    vehicle: str
    again: bool
    failure: FailureKind | None
    after: int


class Look(NamedTuple):
    """Ask for the status of every batch there is."""


class Restart(NamedTuple):
    """End the server and start another one on the same folder."""

    mode: Literal["auto", "legacy"]


Step = Submit | Look | Restart

submissions = st.builds(
    Submit,
    st.lists(st.sampled_from(EVERY), min_size=1, unique=True).map(tuple),
    st.sampled_from("VW"),
    st.sampled_from([False, False, False, True]),
    st.none() | st.sampled_from(FAILURE_KINDS),
    st.integers(0, 2),
)
steps = st.lists(
    submissions | submissions | st.builds(Look) | st.builds(Restart, st.sampled_from(["auto", "legacy"])),
    min_size=2,
    max_size=12,
)


class Life:
    """A sandbox, a folder and the server that is connected now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = Clock()
        options = SandboxOptions(turnaround_s=0, limits={"/images/uploadWithoutTemplateCC": 10_000})
        self._app = build_sandbox(options, clock=self._clock, sleep=self._clock.sleep)
        self.world: World = self._app.state.world
        self.left: JsonValue = []
        self.asked_again: Counter[tuple[str, str]] = Counter()
        for number in EVERY:
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")

    def host(self, mode: str) -> McpClient:
        places = {"base_url": "http://localhost/public/api/v1", "image_dirs": (self._folder,)}
        chosen = Settings.load(
            api_key=KEY, rate_limits="*=10000/60s", state_dir=self._folder / "state", **places
        )
        clock = self._clock
        throttle = MemoryThrottle(clock=clock)
        client = partial(Client, chosen, app=self._app, throttle=throttle, clock=clock)
        return McpClient(build_server(chosen, client), mode=mode, raise_exceptions=True)

    async def live(self, lived: list[Step]) -> None:
        async with AsyncExitStack() as stack:
            host = await stack.enter_async_context(self.host("auto"))
            for step in lived:
                if isinstance(step, Restart):
                    await stack.aclose()
                    host = await stack.enter_async_context(self.host(step.mode))
                elif isinstance(step, Look):
                    for batch in self._batches():
                        await host.call_tool("getImageStatus", {"batchID": batch})
                else:
                    await self._submit(host, step)
            last = await self._submit(host, Submit(EVERY, "V", False, None, 0))
        if not last.is_error:  # else the outcome of every one is unknown
            self.left = structured(last)["notSubmitted"]

    async def _submit(self, host: McpClient, step: Submit) -> CallToolResult:
        names = [f"{number}.png" for number in step.pictures]
        if step.again:
            self.asked_again.update((step.vehicle, name) for name in names)

        async def spoil(progress: float, total: float | None, message: str | None) -> None:
            if step.failure and f"photo {step.after + 1} of" in str(message):
                self.world.fail_next("/uploadWithoutTemplateCC", step.failure, delay_s=1)

        arguments: dict[str, JsonValue] = {
            "images": [str(self._folder / name) for name in names],
            "numberPlate": step.vehicle,
            "numPlateProcessor": 1,
            "processType": "ai",
            "allowDuplicate": step.again,
        }
        result = await host.call_tool("uploadImagesWithoutTemplate", arguments, progress_callback=spoil)
        self.world.failures.clear()
        return result

    def paid(self) -> Counter[tuple[str, str]]:
        """How often the sandbox took a credit for a picture of a vehicle."""
        return Counter(
            (batch.number_plate, picture.name)
            for account in self.world.accounts.values()
            for batch in account.batches.values()
            for picture in batch.pictures
        )

    def _batches(self) -> list[str]:
        return [str(batch_id) for account in self.world.accounts.values() for batch_id in account.batches]

    def entries(self) -> Mapping[str, Counter[tuple[str, str]]]:
        """Vehicle and name of every submission in the ledger, by what is known of it."""
        known: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        with closing(sqlite3.connect(self._folder / "state" / "ledger.sqlite3")) as db:
            for state, vehicle, name in db.execute("SELECT state, vehicle, file_name FROM entries"):
                known[state][vehicle, name] += 1
        return known


@settings(max_examples=15, deadline=None)
@given(steps)
def test_no_sequence_pays_twice_forgets_or_makes_up_a_submission(lived: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        anyio.run(life.live, lived)
        paid, known = life.paid(), life.entries()
    assert all(times <= 1 + life.asked_again[picture] for picture, times in paid.items())
    assert known["accepted"] <= paid <= known["accepted"] + known["unknown"]
    assert not known["intended"]
    assert life.left == []
