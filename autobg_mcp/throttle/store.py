"""What keeps the buckets: anything that can run one step on one of them, alone."""

from dataclasses import dataclass
from typing import Protocol

from autobg_mcp.throttle.bucket import Bucket, Waiter
from autobg_mcp.throttle.step import step
from autobg_mcp.throttle.wishes import Replies, Wishes


class Store(Protocol):
    """Keeps buckets. Its calls may block; they come from one thread at a time.

    Every method raises StateError when the buckets cannot be reached, or hold what no step has written.
    """

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        """Runs the step on a bucket while nobody else can change it; what it gave, and the version it left."""

    def read(self, prefix: str) -> dict[str, tuple[Bucket, int]]:
        """Every bucket whose name starts with `prefix`, with all its slots, and the bucket's time."""

    def version(self, name: str) -> int:
        """A number that has changed if another process has changed the bucket. Cheap."""

    def close(self) -> None:
        """Lets go of files and connections."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a step changed of a bucket beyond its single numbers.

    Attributes:
        slots: Stamps by number, of slots that are new or have moved.
        freed: Numbers of slots that were given back.
        waiters: Waiters by number who are new or have a new lease.
        left: Numbers of waiters who wait no longer.
    """

    slots: dict[int, int]
    freed: list[int]
    waiters: dict[int, Waiter]
    left: list[int]


def run(bucket: Bucket, now_us: int, clock_us: int, wishes: Wishes) -> tuple[Replies, Change | None]:
    """Steps a loaded bucket; what is to be written of it, or None if that changed nothing.

    Args:
        bucket: What the store holds of it; changed in place.
        now_us: The bucket's time.
        clock_us: What the store's clock says.
        wishes: What one process wants.
    """
    before = bucket.copy()
    bucket.ahead_us = now_us - clock_us
    replies = step(bucket, now_us, wishes)
    if bucket == before:
        return replies, None
    bucket.seen_us = now_us
    slots = {slot: stamp for slot, stamp in bucket.slots.items() if before.slots.get(slot) != stamp}
    waiters = {place: each for place, each in bucket.queue.items() if before.queue.get(place) != each}
    freed, left = before.slots.keys() - bucket.slots.keys(), before.queue.keys() - bucket.queue.keys()
    return replies, Change(slots, [*freed], waiters, [*left])
