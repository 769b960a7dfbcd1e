"""What keeps the buckets: anything that can run one step on one of them, alone."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.policy import SECOND_US

T = TypeVar("T")
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Store(Protocol):
    """Keeps buckets. Its calls may block; they come from one thread at a time.

    Every method raises StateError when the buckets cannot be reached.
    """

    def transact(self, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]) -> tuple[T, int]:
        """Runs `move` on the bucket and the store's clock (in microseconds) while nobody else can change it.

        Its result comes back with the version it left.

        Args:
            name: The bucket.
            move: Gets the bucket, None when there is none yet, and gives it back with its result. It may run
                again on a fresher bucket if another process came first.
        """

    def read(self, prefix: str) -> tuple[dict[str, Bucket], int]:
        """Every bucket whose name starts with `prefix`, and the store's clock."""

    def version(self, name: str) -> int:
        """A number that has changed if another process has changed the bucket. Cheap."""

    def close(self) -> None:
        """Lets go of files and connections."""


def boot_clock() -> float:
    """Seconds since the machine started, suspended time included where the system can tell; never set back."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND_US)
