"""When the next call may go out: limits, and three pure rules that answer in integer microseconds.

Every rule reads a log of stamps. A stamp is the latest moment at which the server can have counted a call:
the moment its answer arrived, or the longest a request can take to get there. A stamp ahead of the asked
moment belongs to a call still in flight and counts as if the server saw it at that very moment. Since a
call weighs less with age under every rule, a call that fits by these stamps fits by the server's own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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

    @property
    def window_us(self) -> int:
        """The window in microseconds."""
        return round(self.window_s * SECOND_US)

    @property
    def span_us(self) -> int:
        """The window and its guard: how long after its stamp a call counts, in microseconds."""
        return self.window_us + self.window_us // _GUARD_SHARE


_PART = re.compile(
    r"(?P<name>\w+|\*)\s*=\s*(?P<calls>\d{1,7})\s*/\s*(?P<window>\d{1,5}(\.\d{1,6})?)\s*s", re.ASCII
)


def parse_rate_limits(text: str) -> dict[str, Limit]:
    """Limits by endpoint name from `reportImages=10/60s,*=100/60s`; `*` stands for every other endpoint.

    Raises:
        ConfigurationError: A part is not `name=calls/seconds s`, is impossible, or names an endpoint twice.
    """
    limits: dict[str, Limit] = {}
    for part in map(str.strip, text.split(",") if text.strip() else ()):
        found = _PART.fullmatch(part)
        if found is None:
            raise ConfigurationError(f"{part!r} is not a rate limit. Write it like reportImages=10/60s.")
        if found["name"] in limits:
            raise ConfigurationError(f"{part!r} limits {found['name']} a second time. Keep one of the two.")
        try:
            limits[found["name"]] = Limit(int(found["calls"]), float(found["window"]))
        except ConfigurationError as error:
            raise ConfigurationError(f"{part!r} is not a rate limit. {error}") from None
    return limits


def window_opens(stamps: Sequence[int], calls: int, span_us: int, now_us: int) -> int:
    """The first moment from `now_us` on at which fewer than `calls` stamps are younger than `span_us`."""
    expiries = sorted(stamp + span_us for stamp in stamps if stamp + span_us > now_us)
    return now_us if len(expiries) < calls else expiries[len(expiries) - calls]
