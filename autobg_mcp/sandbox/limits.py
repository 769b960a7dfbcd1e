"""Five ways in which a server may count requests: fixed window, sliding log, sliding counter, bucket and GCRA.

Each rule sees one user at one path. `admit(now_s)` answers 0.0 and counts the request, or answers the seconds until
the next one would be let in and counts nothing.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from autobg_mcp.sandbox.options import RateRule

ROUNDING = 1e-9  # sums of floats may miss a boundary by this much


class Rule(Protocol):
    """One counting rule for one user at one path."""

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        ...


@dataclass(slots=True)
class FixedWindow:
    """At most `limit` requests in every window; windows start at multiples of `window_s`."""

    limit: int
    window_s: float
    _started_s: float = -math.inf
    _count: int = 0

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        started_s = now_s // self.window_s * self.window_s
        if started_s != self._started_s:
            self._started_s, self._count = started_s, 0
        if self._count >= self.limit:
            return started_s + self.window_s - now_s
        self._count += 1
        return 0.0


@dataclass(slots=True)
class SlidingLog:
    """At most `limit` accepted requests in the last `window_s` seconds, wherever these start."""

    limit: int
    window_s: float
    _accepted_s: deque[float] = field(default_factory=deque)

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        while self._accepted_s and self._accepted_s[0] + self.window_s <= now_s + ROUNDING:
            self._accepted_s.popleft()
        if len(self._accepted_s) >= self.limit:
            return self._accepted_s[0] + self.window_s - now_s
        self._accepted_s.append(now_s)
        return 0.0


@dataclass(slots=True)
class SlidingCounter:
    """Two fixed windows, the former weighted by the share of it that the last `window_s` seconds still cover."""

    limit: int
    window_s: float
    _index: float = -math.inf
    _former: int = 0
    _count: int = 0

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        index, elapsed_s = divmod(now_s, self.window_s)
        if index != self._index:
            self._former = self._count if index == self._index + 1 else 0
            self._index, self._count = index, 0
        share = elapsed_s / self.window_s
        if self._former * (1 - share) + self._count + 1 <= self.limit + ROUNDING:
            self._count += 1
            return 0.0
        if self._count < self.limit:
            return (self._free_from(self._former, self.limit - self._count - 1) - share) * self.window_s
        return (1 - share + self._free_from(self._count, self.limit - 1)) * self.window_s

    def _free_from(self, former: int, room: int) -> float:
        """Answer the share of a window after which `former` old requests weigh no more than `room`."""
        return max(0.0, 1 - room / former)


@dataclass(slots=True)
class TokenBucket:
    """A bucket of `limit` tokens that refills evenly, `limit` in `window_s`; a request takes one."""

    limit: int
    window_s: float
    _tokens: float = math.inf
    _seen_s: float = 0.0

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        rate = self.limit / self.window_s
        self._tokens = min(float(self.limit), self._tokens + (now_s - self._seen_s) * rate)
        self._seen_s = now_s
        if self._tokens < 1 - ROUNDING:
            return (1 - self._tokens) / rate
        self._tokens -= 1
        return 0.0


@dataclass(slots=True)
class Gcra:
    """Requests at least `window_s / limit` seconds apart, with no burst (GCRA, burst 1)."""

    limit: int
    window_s: float
    _next_s: float = -math.inf

    def admit(self, now_s: float) -> float:
        """Count the request and answer 0.0, or answer the seconds to wait."""
        if now_s < self._next_s - ROUNDING:
            return self._next_s - now_s
        self._next_s = max(now_s, self._next_s) + self.window_s / self.limit
        return 0.0


_RULES: dict[RateRule, type[FixedWindow | SlidingLog | SlidingCounter | TokenBucket | Gcra]] = {
    "fixed": FixedWindow,
    "log": SlidingLog,
    "counter": SlidingCounter,
    "bucket": TokenBucket,
    "gcra": Gcra,
}


class Limits:
    """The counts of all users at all paths."""

    def __init__(self, rule: RateRule, window_s: float) -> None:
        self._rule = _RULES[rule]
        self._window_s = window_s
        self._counts: dict[tuple[str, str], Rule] = {}

    def admit(self, user: str, path: str, limit: int, now_s: float) -> float:
        """Count a request of `user` at `path`, or answer the seconds until one would be let in."""
        key = (user, path)
        if key not in self._counts:
            self._counts[key] = self._rule(limit, self._window_s)
        return self._counts[key].admit(now_s)
