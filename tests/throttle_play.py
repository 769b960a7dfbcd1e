"""Plays a history of calls, slow networks, deaths and clock jumps through the throttle's step, over its store in memory."""

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf
from typing import Literal

from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.policy import SECOND_US, Limit, microseconds
from autobg_mcp.throttle.step import TRANSIT_US
from autobg_mcp.throttle.wishes import Answered, Ask, Dropped, Granted, Note, Returned, Wishes

REACH_S = 10.0
_MOST_EVENTS = 20_000
TRANSIT_S = TRANSIT_US / SECOND_US


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        after_s: Seconds after the call before it.
        process: Which process makes it.
        up_s: Seconds from its slot to the server, below REACH_S.
        back_s: Seconds from the server to its answer.
        fate: What becomes of it: answered; never answered; its slot given back; it leaves the queue after `back_s`;
            or its whole process is killed at that moment.
        jump_s: How far the clock is set back just before.
        background: Whether nobody waits for it.
    """

    after_s: float = 0.0
    process: int = 0
    up_s: float = 0.0
    back_s: float = 0.0
    fate: Literal["answered", "lost", "unused", "quits", "killed"] = "answered"
    jump_s: float = 0.0
    background: bool = False


@dataclass
class Play:
    """A history; `arrivals` is what the server saw, `granted` when calls got slots, in that order, `asked` when they asked."""

    limit: Limit
    calls: Sequence[Call]
    stamp_at_sending: bool = False
    arrivals: list[float] = field(default_factory=list)
    granted: dict[int, float] = field(default_factory=dict)
    asked: dict[int, float] = field(default_factory=dict)

    def run(self) -> "Play":
        self._store = MemoryStore(clock=self)
        self._now_s, self._behind_s, self._wake_s = 0.0, -1e6, 0.0
        self._waiting: dict[str, dict[int, int]] = {}
        self._lives: Counter[int] = Counter()
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        asked_s = 0.0
        for index, call in enumerate(self.calls):
            asked_s += call.after_s
            self._at(asked_s, partial(self._ask, index, call))
        while self._events:
            assert next(self._order) < _MOST_EVENTS, "somebody waits for ever"
            self._now_s, _, happen = heapq.heappop(self._events)
            happen()
            self._step_all()
        return self

    def monotonic_s(self) -> float:
        """The store's clock, which histories set back."""
        return self._now_s - self._behind_s

    def wall_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def worst(self) -> int:
        """The most calls the server saw within any window."""
        came = sorted(self.arrivals)
        return max(
            (bisect_left(came, first + self.limit.window_s) - index for index, first in enumerate(came)),
            default=0,
        )

    def waited_s(self, index: int) -> float:
        """How long a call waited for its slot."""
        return self.granted[index] - self.asked[index]

    def _at(self, moment_s: float, happen: Callable[[], object]) -> None:
        heapq.heappush(self._events, (moment_s, next(self._order), happen))

    def _ask(self, index: int, call: Call) -> None:
        self._behind_s += call.jump_s
        owner = f"{call.process}.{self._lives[call.process]}"
        if call.fate == "killed":
            self._waiting.pop(owner, None)
            self._lives[call.process] += 1
            return
        self._waiting.setdefault(owner, {})[index] = 0
        self.asked[index] = self._now_s
        if call.fate == "quits":
            self._at(self._now_s + call.back_s, partial(self._quit, index, owner))

    def _quit(self, index: int, owner: str) -> None:
        place = self._waiting.get(owner, {}).pop(index, 0)
        self._step(owner, Dropped(place))

    def _send(self, index: int, owner: str, granted: Granted) -> None:
        call = self.calls[index]
        self.granted[index] = self._now_s
        if call.fate == "unused":
            self._at(self._now_s, partial(self._step, owner, Returned(granted.slot)))
            return
        self._at(self._now_s + call.up_s, lambda: self.arrivals.append(self._now_s))
        if call.fate != "lost":
            late_us = microseconds(REACH_S) if call.up_s > TRANSIT_S else 0
            answer = Answered(granted.slot, granted.granted_us, late_us)
            takes_s = 0.0 if self.stamp_at_sending else call.up_s + call.back_s
            self._at(self._now_s + takes_s, partial(self._step, owner, answer))

    def _step_all(self) -> None:
        wakes_s = [self._step(owner) for owner in list(self._waiting)]
        soonest_s = min(wakes_s, default=inf)
        if soonest_s < inf and not self._now_s < self._wake_s <= soonest_s:
            self._wake_s = soonest_s
            self._at(soonest_s, lambda: None)

    def _step(self, owner: str, *notes: Note) -> float:
        """Steps the bucket for one process, unless it was killed; when it wants to step again."""
        process, _, life = owner.partition(".")
        if int(life) != self._lives[int(process)]:
            return inf
        waiting = self._waiting.setdefault(owner, {})
        asks = [Ask(10**15, place, self.calls[index].background) for index, place in waiting.items()]
        wishes = Wishes(owner, self.limit, microseconds(REACH_S), asks, notes)
        outcome, _ = self._store.step("account:tool", wishes)
        for index, reply in zip(list(waiting), outcome.replies, strict=True):
            waiting[index] = reply.place
            if isinstance(reply, Granted):
                del waiting[index]
                self._send(index, owner, reply)
        return self._now_s + max(outcome.wake_us / SECOND_US, 0.01) if waiting else inf
