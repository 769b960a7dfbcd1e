"""Time, as one thing that can be handed in: seconds that only grow, the wall's, and sleep; and the days here."""

import time
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Final, Protocol

import anyio

_BOOTTIME: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def monotonic_s(self) -> float:
        """Seconds that only grow and that every process of this boot shares, suspended time included where known."""
        ...

    def wall_s(self) -> float:
        """Seconds since 1970; an operator may set them back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class Timekeeper(Clock, Protocol):
    """A clock that also breaks off what takes too long."""

    def deadline(self, seconds: float) -> AbstractContextManager[object]:
        """A block that is broken off, and raises `TimeoutError`, once so many seconds have passed."""
        ...


class SystemClock:
    """The machine's own time."""

    def monotonic_s(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def wall_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait for real."""
        await anyio.sleep(seconds)

    def deadline(self, seconds: float) -> AbstractContextManager[object]:
        """A block that may take so many seconds, suspended time not included."""
        return anyio.fail_after(seconds)


SYSTEM: Final[Timekeeper] = SystemClock()
"""The clock of everything that is not told another."""


def local_day(wall_s: float) -> date:
    """The day of the calendar here, at a time in seconds since 1970."""
    return datetime.fromtimestamp(wall_s).astimezone().date()


def day_start_s(day: date) -> float:
    """When a day begins here, whatever the offset is on that day, in seconds since 1970.

    Raises:
        OverflowError: The platform cannot tell of a day so far away.
    """
    return time.mktime(day.timetuple())
