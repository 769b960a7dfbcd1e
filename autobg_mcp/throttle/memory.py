"""Buckets in this process alone: for tests, and for programs that are the only user of their key."""

from bisect import bisect_right, insort
from dataclasses import dataclass, field

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.policy import microseconds, span_us
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.store import Change, run
from autobg_mcp.throttle.wishes import Replies, Wishes


@dataclass(slots=True)
class _Kept:
    """A bucket without its slots, and all its slots, by number and by stamp."""

    bucket: Bucket
    stamps: dict[int, int] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)

    def forget(self, horizon_us: int) -> None:
        """Drops the slots that no longer count."""
        expired = bisect_right(self.order, horizon_us, key=lambda pair: pair[0])
        for _, slot in self.order[:expired]:
            del self.stamps[slot]
        del self.order[:expired]

    def write(self, change: Change) -> None:
        """Keeps what a step changed."""
        for slot in (*change.freed, *change.slots):
            if slot in self.stamps:
                pair = self.stamps.pop(slot), slot
                del self.order[bisect_right(self.order, pair) - 1]
        for slot, stamp_us in change.slots.items():
            self.stamps[slot] = stamp_us
            insort(self.order, (stamp_us, slot))


class MemoryStore:
    """Keeps buckets in a dictionary.

    Args:
        clock: Tells the time.
    """

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._version = 0

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        """Runs the step at once."""
        if name not in self._kept:
            self._kept[name] = _Kept(Bucket.of(wishes.limit))
        kept, clock_us = self._kept[name], microseconds(self._clock.monotonic_s())
        bucket, now_us = kept.bucket, kept.bucket.now_us(clock_us)
        kept.forget(now_us - wishes.limit.span_us)
        bucket.used = len(kept.order)
        deciding = bucket.deciding(wishes.limit.calls, wishes.extra, halving=wishes.refused)
        oldest = kept.order[:deciding]
        bucket.slots = {slot: stamp_us for stamp_us, slot in oldest}
        bucket.slots |= {slot: kept.stamps[slot] for slot in wishes.noted if slot in kept.stamps}
        replies, change = run(bucket, now_us, clock_us, wishes)
        if change is not None:
            kept.write(change)
            self._version += 1
        return replies, self._version

    def read(self, prefix: str) -> dict[str, tuple[Bucket, int]]:
        """Copies of the buckets, and their time."""
        found = {}
        for name, kept in self._kept.items():
            if name.startswith(prefix):
                now_us = kept.bucket.now_us(microseconds(self._clock.monotonic_s()))
                kept.forget(now_us - span_us(kept.bucket.window_us))
                bucket = kept.bucket.copy()
                bucket.slots, bucket.used = kept.stamps.copy(), len(kept.stamps)
                found[name] = bucket, now_us
        return found

    def version(self, name: str) -> int:  # noqa: ARG002 - one number serves every bucket
        """How many steps have changed anything."""
        return self._version

    def close(self) -> None:
        """Has nothing to let go of."""


class MemoryThrottle(SharedThrottle):
    """A throttle for this process alone.

    Args:
        reach_s: The longest a request takes from being given its slot until it has reached the server.
        clock: Tells the time.
    """

    def __init__(self, *, reach_s: float = 10.0, clock: Clock = SYSTEM) -> None:
        super().__init__(MemoryStore(clock=clock), reach_s=reach_s, clock=clock)
