"""Servers that count calls in every way seen in the field, and a client that always has another call to make.

Each server answers one question: is a call that arrives now taken? Moments are seconds.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.policy import SECOND_US, Limit, microseconds
from autobg_mcp.throttle.wishes import Answered, Ask, Granted, Note, Replies, Wishes


class Server(Protocol):
    def takes(self, now_s: float) -> bool: ...


@dataclass
class FixedWindow:
    calls: int
    window_s: float
    phase_s: float = 0.0
    _index: int = -1
    _count: int = 0

    def takes(self, now_s: float) -> bool:
        index = int((now_s + self.phase_s) // self.window_s)
        if index != self._index:
            self._index, self._count = index, 0
        self._count += self._count < self.calls or self.calls + 1
        return self._count <= self.calls


@dataclass
class SlidingLog:
    calls: int
    window_s: float
    _log: deque[float] = field(default_factory=deque)

    def takes(self, now_s: float) -> bool:
        while self._log and self._log[0] <= now_s - self.window_s:
            self._log.popleft()
        if len(self._log) >= self.calls:
            return False
        self._log.append(now_s)
        return True


@dataclass
class SlidingCounter:
    calls: int
    window_s: float
    phase_s: float = 0.0
    _index: int = 0
    _counts: tuple[int, int] = (0, 0)

    def takes(self, now_s: float) -> bool:
        index, into_s = divmod(now_s + self.phase_s, self.window_s)
        before, here = self._counts
        if index != self._index:
            before, here = (here if index == self._index + 1 else 0), 0
            self._index = int(index)
        fits = before * (1 - into_s / self.window_s) + here + 1 <= self.calls
        self._counts = (before, here + fits)
        return fits


@dataclass
class TokenBucket:
    calls: int
    window_s: float
    _tokens: float = -1.0
    _last_s: float = 0.0

    def takes(self, now_s: float) -> bool:
        full = self._tokens < 0
        gained = (now_s - self._last_s) * self.calls / self.window_s
        self._tokens = self.calls if full else min(self.calls, self._tokens + gained)
        self._last_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass
class Gcra:
    calls: int
    window_s: float
    burst: int = 1
    _due_s: float = 0.0

    def takes(self, now_s: float) -> bool:
        gap_s = self.window_s / self.calls
        if self._due_s - now_s > (self.burst - 1) * gap_s:
            return False
        self._due_s = max(self._due_s, now_s) + gap_s
        return True


class Client(Protocol):
    """A client that is told when it may send."""

    def opens_s(self, now_s: float) -> float:
        """When the next call may go out; later than now if it has to wait."""
        ...

    def send(self, now_s: float) -> int:
        """Takes the slot; its number."""
        ...

    def answered(self, number: int, now_s: float, *, refused: bool) -> None: ...


@dataclass(eq=False)
class Waiting:
    """One call that waits: since when, whether nobody waits for it, and its place in the queue."""

    since_s: float
    background: bool = False
    place: int = 0


class ThrottleClient:
    """The throttle's step over its store in memory, under the simulation's clock.

    Args:
        limit: The limit.
        reach_s: The longest a request takes to the server.
        background: Whether nobody waits for the calls of which there is always another.
        visits: Moments at which, besides those, a call comes that somebody waits for; `waits_s` is how long each did.
    """

    def __init__(
        self, limit: Limit, reach_s: float = 10.0, *, background: bool = False, visits: Sequence[float] = ()
    ) -> None:
        self.now_s = 0.0
        self.waits_s: list[float] = []
        self._background = background
        self._visits = deque(visits)
        self._limit = limit
        self._reach_us = microseconds(reach_s)
        self._store = MemoryStore(clock=self)
        self._next = Waiting(0.0, background)
        self._visitors: list[Waiting] = []
        self._taken: list[Granted] = []
        self._flying: dict[int, Granted] = {}

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def allowance(self) -> int:
        """Calls per window that may be used now."""
        [(bucket, now_us)] = self._store.read("").values()
        return bucket.allowance(now_us)

    def opens_s(self, now_s: float) -> float:
        self.now_s = now_s
        while self._visits and self._visits[0] <= now_s:
            self._visitors.append(Waiting(self._visits.popleft()))
        if self._taken:
            return now_s
        waiting = [self._next, *self._visitors]
        replies = self._step([Ask(10**15, each.place, each.background) for each in waiting])
        for each, reply in zip(waiting, replies.replies, strict=True):
            each.place = reply.place
            if isinstance(reply, Granted):
                self._take(each, reply)
        wakes_s = now_s + max(replies.wake_us, 1) / SECOND_US
        return now_s if self._taken else min([wakes_s, *list(self._visits)[:1]])

    def _take(self, waiting: Waiting, granted: Granted) -> None:
        self._taken.append(granted)
        if waiting is self._next:
            self._next = Waiting(self.now_s, self._background)
        else:
            self._visitors.remove(waiting)
            self.waits_s.append(self.now_s - waiting.since_s)

    def send(self, now_s: float) -> int:  # noqa: ARG002 - the slot was taken when it opened
        granted = self._taken.pop(0)
        self._flying[granted.slot] = granted
        return granted.slot

    def answered(self, number: int, now_s: float, *, refused: bool) -> None:
        self.now_s = now_s
        granted = self._flying.pop(number)
        self._step(notes=[Answered(number, granted.granted_us, refused=refused)])

    def _step(self, asks: Sequence[Ask] = (), notes: Sequence[Note] = ()) -> Replies:
        wishes = Wishes("simulation", self._limit, self._reach_us, asks, notes)
        return self._store.step("account:tool", wishes)[0]


def jitter(seed: int, processing_s: tuple[float, float] = (0.0, 0.2)) -> Callable[[], tuple[float, float]]:
    """Seconds to the server and back: lognormal, 50 ms to 2 s each way, and what the server takes to answer."""
    draw = random.Random(seed)

    def way_s() -> float:
        return min(2.0, max(0.05, draw.lognormvariate(-1.6, 0.8)))

    return lambda: (way_s(), way_s() + draw.uniform(*processing_s))


@dataclass(frozen=True)
class Tally:
    """What came of a simulation."""

    sent: int
    refused: int
    taken: int
    last_s: float

    def used(self, limit: Limit) -> float:
        """Share of the limit that was used."""
        return self.taken / (limit.calls * self.last_s / limit.window_s)


def simulate(
    client: Client,
    server: Server,
    *,
    latencies: Callable[[], tuple[float, float]],
    until_s: float,
    sends: int = 10**9,
) -> Tally:
    """A client that always has another call to make; a refused one is made again.

    Args:
        client: The client.
        server: The server.
        latencies: Seconds to the server and back, drawn for every call.
        until_s: The end.
        sends: Stop after so many.
    """
    events: list[tuple[float, int, str, int]] = []
    order, now_s, sent, refused, taken = count(), 0.0, 0, 0, 0
    returns: dict[int, float] = {}
    verdicts: dict[int, bool] = {}
    while now_s < until_s and sent < sends:
        opens_s = client.opens_s(now_s)
        if opens_s <= now_s:
            number = client.send(now_s)
            there_s, returns[number] = latencies()
            heapq.heappush(events, (now_s + there_s, next(order), "arrive", number))
            sent += 1
            continue
        if not events or opens_s < events[0][0]:
            now_s = opens_s
            continue
        now_s, _, kind, number = heapq.heappop(events)
        if kind == "arrive":
            verdicts[number] = server.takes(now_s)
            taken += verdicts[number]
            heapq.heappush(events, (now_s + returns.pop(number), next(order), "answer", number))
        else:
            ok = verdicts.pop(number)
            refused += not ok
            client.answered(number, now_s, refused=not ok)
    return Tally(sent, refused, taken, now_s)
