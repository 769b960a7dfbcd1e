"""What is above all processes of a night: the clock, and the API with everything that goes wrong on the way to it."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial

import anyio
from conftest import MOST_TURNS, Clock
from mortal_loop import MortalLoop
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autobg_mcp.sandbox import ConnectionDropped

LATENCY_S = (0.1, 0.8)
"""Each way."""

STRANGERS_S = (1, 30)
"""Until when a 429 of a stranger's asks for patience."""


class _Breaking:
    """A scope that is cancelled as if its own process did it, so that nothing of the dead moves."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self._scope, self._context = scope, copy_context()

    @property
    def cancel_called(self) -> bool:
        return self._scope.cancel_called

    def cancel(self) -> None:
        self._context.run(self._scope.cancel)


class NightClock(Clock):
    """A clock for a loop whose parts die: it waits for the threads of the living."""

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        with anyio.CancelScope() as scope:
            entry = (self.now_s + max(0.0, seconds), next(self._order), _Breaking(scope))
            self._deadlines.append(entry)  # type: ignore[arg-type]
            try:
                yield
            finally:
                self._deadlines.remove(entry)  # type: ignore[arg-type]
        if scope.cancelled_caught:
            raise TimeoutError

    async def _everybody_rests(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MortalLoop)
        rested = 0
        while rested < MOST_TURNS:
            is_busy = loop.is_busy()
            await asyncio.sleep(0.0002 if is_busy else 0)
            rested = 0 if is_busy else rested + 1


class NightApi:
    """An API behind a network that is slow, loses answers and is away for a while, and whose key strangers use.

    Args:
        app: The API.
        clock: Its time, and that of the network.
        lot: Draws what goes wrong.
        lost: Share of submissions whose answer is lost, half of them before the API acts.
        strangers: Share of requests that meet a 429.
    """

    def __init__(
        self, app: ASGIApp, clock: Clock, lot: random.Random, *, lost: float, strangers: float
    ) -> None:
        self._app, self._clock, self._lot = app, clock, lot
        self._lost, self._strangers = lost, strangers
        self.is_reachable = True
        self.met = Counter[str]()
        """Requests by what they met: `answered`, `lost before`, `lost after`, `429` and `refused`."""
        self.submissions = Counter[str]()
        """Submissions that were put on the wire, by the end of their path."""
        self.disturbed_s = 0.0
        """When a request met anything but its answer for the last time."""
        self.last_arrives_s = 0.0
        """When nothing of what was sent until now is on its way to the API any more."""

    def kind(self) -> "NightApi":
        """The same API for somebody whom nothing goes wrong for."""
        return NightApi(self._app, self._clock, self._lot, lost=0.0, strangers=0.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_reachable:
            self.disturbed_s = self._clock.now_s
            self.met["refused"] += 1
            raise ConnectionRefusedError("nobody listens")
        arrives_s = self._clock.now_s + self._lot.uniform(*LATENCY_S)
        self.last_arrives_s = max(self.last_arrives_s, arrives_s)
        await self._clock.sleep(arrives_s - self._clock.now_s)
        what = self._drawn(str(scope["path"]))
        if what == "lost before":
            raise ConnectionDropped
        if what == "429":
            await self._refuse(send)
            return
        await self._app(scope, receive, partial(self._sent, send, is_lost=what == "lost after"))

    def _drawn(self, path: str) -> str:
        is_submission, drawn = "/upload" in path, self._lot.random()
        if is_submission:
            self.submissions[path.rpartition("/")[2]] += 1
        what = "answered"
        if drawn < self._strangers:
            what = "429"
        elif is_submission and drawn < self._strangers + self._lost:
            what = self._lot.choice(("lost before", "lost after"))
        self.met[what] += 1
        self.disturbed_s = self.disturbed_s if what == "answered" else self._clock.now_s
        return what

    async def _refuse(self, send: Send) -> None:
        headers = [(b"retry-after", str(self._lot.randint(*STRANGERS_S)).encode())]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        body = json.dumps({"status": False, "message": "Too many requests"}).encode()
        await send({"type": "http.response.body", "body": body})

    async def _sent(self, send: Send, message: Message, *, is_lost: bool) -> None:
        if message["type"] == "http.response.start":
            await self._clock.sleep(self._lot.uniform(*LATENCY_S))
        if is_lost:
            raise ConnectionDropped
        await send(message)
