"""Limits, as settings and endpoints write them, in the throttle's own unit: whole microseconds."""

import re
from dataclasses import dataclass
from functools import cached_property

from autobg_mcp.errors import ConfigurationError

SECOND_US = 1_000_000
DAY_S = 86_400
_GUARD_SHARE = 240  # 0.25 s of a minute: clocks that run at slightly different rates, servers that round


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND_US)


@dataclass(frozen=True)
class Limit:
    """How many calls a server takes within any window.

    Attributes:
        calls: Calls allowed per window, at least 1.
        window_s: The window in seconds, above 0 and at most a day.
        documented: False where the number is inferred from sibling endpoints, or set by the operator.
    """

    calls: int
    window_s: float
    documented: bool = True

    def __post_init__(self) -> None:
        if self.calls < 1 or not 0 < self.window_s <= DAY_S:
            raise ConfigurationError(
                f"The limit {self} is impossible: at least 1 call, in a window above 0 and up to {DAY_S} s."
            )

    def __str__(self) -> str:
        """As settings spell it: 10/60s."""
        return f"{self.calls}/{self.window_s:g}s"

    @cached_property
    def window_us(self) -> int:
        """The window in microseconds."""
        return microseconds(self.window_s)

    @cached_property
    def span_us(self) -> int:
        """The window and its guard: how long after its stamp a call counts, in microseconds."""
        return span_us(self.window_us)


def span_us(window_us: int) -> int:
    """How long after its stamp a call counts in a window: the window and its guard, in microseconds."""
    return window_us + window_us // _GUARD_SHARE


def pace_us(window_us: int, calls: int) -> int:
    """How long after each other calls go out that share a window evenly, in microseconds."""
    return -(-span_us(window_us) // calls)


_PART = re.compile(
    r"(?P<name>\w+|\*)\s*=\s*(?P<calls>\d{1,7})\s*/\s*(?P<window>\d{1,5}(\.\d{1,6})?)\s*s", re.ASCII
)


def parse_rate_limits(text: str) -> dict[str, Limit]:
    """Limits by endpoint name from `reportImages=10/60s,*=100/60s`; `*` stands for every other endpoint.

    Raises:
        ConfigurationError: A part is not `name=calls/seconds s`, is impossible, or names an endpoint twice. The part is
            named by its place alone: whatever was pasted there by mistake may be a secret.
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
            limits[found["name"]] = Limit(int(found["calls"]), float(found["window"]), documented=False)
        except ConfigurationError as error:
            raise ConfigurationError(f"Rate limit {number} of AUTOBG_RATE_LIMITS is none. {error}") from None
    return limits
