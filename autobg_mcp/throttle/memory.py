"""Buckets in this process alone: for tests, and for programs that are the only user of their key."""

import asyncio
import copy
from collections.abc import Callable
from typing import TypeVar

from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.line import Sleep
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.store import boot_clock, microseconds

T = TypeVar("T")


class MemoryStore:
    """Keeps buckets in a dictionary.

    Args:
        clock: Seconds, never set back.
    """

    def __init__(self, *, clock: Callable[[], float] = boot_clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._version = 0

    def transact(self, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]) -> tuple[T, int]:
        """Runs `move` on the bucket at once."""
        self._buckets[name], result = move(self._buckets.get(name), microseconds(self._clock()))
        self._version += 1
        return result, self._version

    def read(self, prefix: str) -> tuple[dict[str, Bucket], int]:
        """Copies of the buckets, and the clock."""
        found = {
            name: copy.deepcopy(bucket) for name, bucket in self._buckets.items() if name.startswith(prefix)
        }
        return found, microseconds(self._clock())

    def version(self, name: str) -> int:  # noqa: ARG002 - one number serves every bucket
        """How many steps have been made."""
        return self._version

    def close(self) -> None:
        """Has nothing to let go of."""


class MemoryThrottle(SharedThrottle):
    """A throttle for this process alone.

    Args:
        reach_s: The longest a request takes from being given its slot until it has reached the server.
        clock: Seconds, never set back.
        sleep: Sleeps for seconds of that clock.
    """

    def __init__(
        self, *, reach_s: float = 10.0, clock: Callable[[], float] = boot_clock, sleep: Sleep = asyncio.sleep
    ) -> None:
        super().__init__(MemoryStore(clock=clock), reach_s=reach_s, clock=clock, sleep=sleep)
