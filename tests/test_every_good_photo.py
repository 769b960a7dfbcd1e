"""Any mix of refusals, lost answers, throttling and repeats: each good photo is sent exactly once, and each stop has its reason."""

import json
import tempfile
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
from conftest import KEY, Clock
from documented import text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from mcp.types import CallToolResult
from PIL import Image
from pydantic import JsonValue
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send
from uploading import PATH, TOOL

from autobg_mcp.client import Client
from autobg_mcp.sandbox import FailureKind, SandboxOptions, World, build_sandbox
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import MemoryThrottle

Meets = Literal["nothing", "refusal", "429", "401", "drop_before", "drop_after", "500", "html", "truncated"]
"""What one request for a photo meets, whatever photo it carries."""

LOST = {"drop_before", "drop_after", "500", "html", "truncated"}


@dataclass
class Api:
    """The sandbox behind an API that refuses every photo whose name begins with `bad`, in one of two forms."""

    world: World
    sandbox: object
    meets: deque[Meets]
    in_entry: bool
    doubtful: set[str] = field(default_factory=set)
    """Photos that met a failure after which nobody can know."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") != PATH:
            await self.sandbox(scope, receive, send)  # type: ignore[operator]
            return
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        message = {"type": "http.request", "body": body, "more_body": False}
        name = body.partition(b'filename="')[2].partition(b'"')[0].decode()
        meets = self.meets.popleft() if self.meets else "nothing"
        if name.startswith("bad"):
            await self._refuse(scope, receive, send, in_entry=self.in_entry)
        elif meets == "refusal":
            await self._refuse(scope, receive, send, in_entry=False)
        else:
            await self._pass_on(name, meets, message, scope, send)

    async def _pass_on(self, name: str, meets: Meets, message: Message, scope: Scope, send: Send) -> None:
        if meets in LOST:
            self.doubtful.add(name)
        if meets != "nothing":
            kind: FailureKind = meets  # type: ignore[assignment]
            self.world.fail_next("/uploadWithoutTemplateCC", kind, delay_s=1)

        async def replay() -> Message:
            return message

        await self.sandbox(scope, replay, send)  # type: ignore[operator]

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, *, in_entry: bool) -> None:
        entry: JsonValue = {"fileName": "x", "error": True, "errorMsg": "The picture was not understood"}
        answer: dict[str, JsonValue] = {"status": False, "message": "Something is wrong with it"}
        if in_entry:
            answer = {"status": True, "message": "", "data": {"batchID": 7, "images": [entry]}}
        await JSONResponse(answer)(scope, receive, send)


@dataclass
class Story:
    """A folder of photos, of which some are bad, and what its requests meet."""

    good: int
    bad: int
    meets: list[Meets]
    in_entry: bool
    paid: Counter[str] = field(default_factory=Counter)
    doubtful: set[str] = field(default_factory=set)
    answers: list[CallToolResult] = field(default_factory=list)

    async def play(self, folder: Path) -> None:
        """Make the same call minute by minute, more often than requests meet something."""
        clock = Clock()
        sandbox = build_sandbox(SandboxOptions(turnaround_s=0), clock=clock, sleep=clock.sleep)
        api = Api(sandbox.state.world, sandbox, deque(self.meets), self.in_entry)
        arguments = self._draw(folder)
        async with self._host(folder, api, clock) as host:
            for _ in range(len(self.meets) + 4):
                self.answers.append(await host.call_tool(TOOL, arguments))
                clock.now_s += 61
        pictures = [
            one
            for who in api.world.accounts.values()
            for batch in who.batches.values()
            for one in batch.pictures
        ]
        self.paid, self.doubtful = Counter(one.name for one in pictures), api.doubtful

    def _draw(self, folder: Path) -> dict[str, JsonValue]:
        names = [f"good-{number}.png" for number in range(self.good)]
        names += [f"bad-{number}.png" for number in range(self.bad)]
        for number, name in enumerate(names):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / name)
        images: list[JsonValue] = [str(folder / "*.png")]
        return {"images": images, "numberPlate": "V", "numPlateProcessor": 1, "processType": "ai"}

    def _host(self, folder: Path, api: Api, clock: Clock) -> McpClient:
        chosen = Settings.load(
            api_key=KEY,
            base_url="http://localhost/public/api/v1",
            image_dirs=(folder,),
            state_dir=folder / "state",
            background=False,
        )
        client = partial(Client, chosen, app=api, throttle=MemoryThrottle(clock=clock), clock=clock)
        return McpClient(build_server(chosen, client, clock), raise_exceptions=True)


stories = st.builds(
    Story,
    good=st.integers(1, 6),
    bad=st.integers(0, 5),
    meets=st.lists(st.sampled_from(Meets.__args__), max_size=12),  # type: ignore[attr-defined]
    in_entry=st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(stories)
def test_every_good_photo_is_sent_exactly_once_whatever_the_others_meet(story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(story.play, Path(folder))
    sure = {f"good-{number}.png" for number in range(story.good)} - story.doubtful
    assert {name: story.paid[name] for name in sure} == dict.fromkeys(sure, 1)
    assert max(story.paid.values(), default=0) <= 1


def test_the_last_good_photo_of_a_folder_of_bad_ones_is_sent_by_the_first_call(tmp_path: Path) -> None:
    story = Story(good=1, bad=7, meets=[], in_entry=False)
    anyio.run(story.play, tmp_path)
    assert story.paid == {"good-0.png": 1}
    assert json.loads(text_of(story.answers[0]))["accepted"] == 1
