"""When the next call may go out: limits, and three pure rules that answer in integer microseconds.

Every rule reads a log of stamps. A stamp is the latest moment at which the server can have counted a call:
the moment its answer arrived, or the longest a request can take to get there. A stamp ahead of the asked
moment belongs to a call still in flight and counts as if the server saw it at that very moment. Since a
call weighs less with age under every rule, a call that fits by these stamps fits by the server's own.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from autobg_mcp.errors import ConfigurationError

SECOND_US = 1_000_000
_GUARD_SHARE = 240  # 0.25 s of a minute: clocks that run at slightly different rates, servers that round


@dataclass(frozen=True)
class Limit:
    """How many calls a server takes within any window.

    Attributes:
        calls: Calls allowed per window, at least 1.
        window_s: The window in seconds, above 0.
        documented: False where the number is inferred from sibling endpoints.
    """

    calls: int
    window_s: float
    documented: bool = True

    def __post_init__(self) -> None:
        if self.calls < 1 or not 0 < self.window_s <= 86_400:  # noqa: PLR2004
            raise ConfigurationError(
                f"The limit {self} is impossible: at least 1 call, in a window above 0 and up to 86400 s."
            )

    def __str__(self) -> str:
        """As settings spell it: 10/60s."""
        return f"{self.calls}/{self.window_s:g}s"

    def divided(self, machines: int) -> "Limit":
        """One machine's share of the limit: at least one call."""
        return self if machines == 1 else replace(self, calls=max(1, self.calls // machines))

    @cached_property
    def window_us(self) -> int:
        """The window in microseconds."""
        return round(self.window_s * SECOND_US)

    @cached_property
    def span_us(self) -> int:
        """The window and its guard: how long after its stamp a call counts, in microseconds."""
        return self.window_us + self.window_us // _GUARD_SHARE


@dataclass(slots=True)
class Permit:
    """A slot that was given out and still counts, or did lately.

    Attributes:
        number: The ticket it was given for while the call is in flight; 0 once it is answered.
        granted_us: When it was given out.
        stamp_us: The latest moment at which the server can have counted the call.
        is_probe: Whether a sliding counter might refuse the call.
        refused: Whether the answer was a 429.
    """

    number: int
    granted_us: int
    stamp_us: int
    is_probe: bool = False
    refused: bool = False


_PART = re.compile(
    r"(?P<name>\w+|\*)\s*=\s*(?P<calls>\d{1,7})\s*/\s*(?P<window>\d{1,5}(\.\d{1,6})?)\s*s", re.ASCII
)


def parse_rate_limits(text: str) -> dict[str, Limit]:
    """Limits by endpoint name from `reportImages=10/60s,*=100/60s`; `*` stands for every other endpoint.

    Raises:
        ConfigurationError: A part is not `name=calls/seconds s`, is impossible, or names an endpoint twice.
    """
    limits: dict[str, Limit] = {}
    for number, part in enumerate(text.split(",") if text.strip() else (), 1):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise ConfigurationError(
                f"Rate limit {number} of AUTOBG_RATE_LIMITS is none. Write it like reportImages=10/60s."
            )
        if found["name"] in limits:
            raise ConfigurationError(
                f"Rate limit {number} of AUTOBG_RATE_LIMITS is for an endpoint that has one already. Keep one of the two."
            )
        try:
            limits[found["name"]] = Limit(int(found["calls"]), float(found["window"]))
        except ConfigurationError as error:
            raise ConfigurationError(f"Rate limit {number} of AUTOBG_RATE_LIMITS is none. {error}") from None
    return limits


def window_opens(stamps: Sequence[int], calls: int, span_us: int, now_us: int) -> int:
    """The first moment from `now_us` on at which fewer than `calls` stamps are younger than `span_us`.

    Never refused by a fixed window of any phase, a sliding log, or a token bucket that holds `calls`.
    """
    young = [stamp for stamp in stamps if stamp + span_us > now_us]
    return now_us if len(young) < calls else sorted(young)[-calls] + span_us


def smooth_opens(stamps: Sequence[int], calls: int, span_us: int, now_us: int) -> int:
    """The same for a sliding counter: what the last aligned window held, weighted, plus what this one holds.

    The windows' phase is unknown, so every boundary is tried that could be the worst: the moments just before
    a stamp joins a window and just before it leaves one.
    """
    moment_us = window_opens(stamps, calls, span_us, now_us)
    while True:
        seen = sorted(min(stamp, moment_us) for stamp in stamps)
        edges = {edge for stamp in seen for edge in (stamp - 1, stamp + span_us - 1)}
        edges = {edge for edge in edges if moment_us - span_us < edge <= moment_us}
        need_us = max((_fits_us(seen, calls, span_us, edge) for edge in edges), default=moment_us)
        if need_us <= moment_us:
            return moment_us
        moment_us = need_us


def _fits_us(seen: Sequence[int], calls: int, span_us: int, edge_us: int) -> int:
    """When one more call fits if a window began at `edge_us`."""
    until = bisect_right(seen, edge_us)
    before = until - bisect_right(seen, edge_us - span_us)
    room = calls - 1 - (len(seen) - until)
    if room >= before:
        return edge_us
    return edge_us + min(span_us, -(-span_us * (before - room) // before) if before else span_us)


def paced_opens(stamps: Sequence[int], calls: int, burst: int, span_us: int, now_us: int) -> int:
    """The same for a server that wants calls `span_us / calls` apart and forgives `burst` at once (GCRA)."""
    gap_us, moment_us = -(-span_us // calls), now_us
    while True:
        due_us = _due_us([stamp for stamp in stamps if stamp <= moment_us], gap_us)
        flying = sorted(stamp for stamp in stamps if stamp > moment_us)
        spare = burst - 1 - len(flying)
        need_us = due_us - spare * gap_us if spare >= 0 else flying[-burst]
        if need_us <= moment_us:
            return moment_us
        moment_us = need_us


def burst_level(stamps: Sequence[int], calls: int, span_us: int, now_us: int) -> float:
    """How many calls a server that drains one every `span_us / calls` may still have held at `now_us`."""
    gap_us = -(-span_us // calls)
    return max(0, _due_us([min(stamp, now_us) for stamp in stamps], gap_us) - now_us) / gap_us


def _due_us(stamps: Sequence[int], gap_us: int) -> int:
    due_us = 0
    for stamp in sorted(stamps):
        due_us = max(due_us, stamp) + gap_us
    return due_us
