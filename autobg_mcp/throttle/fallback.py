"""A local share of the allowance while the shared store cannot be reached."""

import logging
from collections.abc import Callable
from typing import TypeVar

from autobg_mcp.errors import StateError
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.policy import Limit, Permit
from autobg_mcp.throttle.store import Store, boot_clock, microseconds

T = TypeVar("T")
_AGAIN_S = 5.0
_log = logging.getLogger(__name__)


class FallbackStore:
    """Keeps buckets in `shared`, and in `local` at a divided allowance while `shared` fails.

    Slots that this process knows of are carried over both ways, so that changing over does not free them.

    Args:
        shared: The store of all machines.
        local: The store used meanwhile.
        machines: By how many the allowance is divided.
        clock: Seconds, never set back.
    """

    def __init__(
        self, shared: Store, local: Store, *, machines: int, clock: Callable[[], float] = boot_clock
    ) -> None:
        self._shared = shared
        self._local = local
        self._machines = machines
        self._clock = clock
        self._again_s: float | None = None
        self._known: dict[str, tuple[Store, list[int]]] = {}

    def transact(self, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]) -> tuple[T, int]:
        """Runs `move` on the shared bucket, else on the local one."""
        return self._either(lambda store: self._transact(store, name, move))

    def read(self, prefix: str) -> tuple[dict[str, Bucket], int]:
        """The buckets of the store in use, and its clock."""
        return self._either(lambda store: store.read(prefix))

    def version(self, name: str) -> int:
        """A number that changes with the bucket, and with the store in use."""
        return self._either(
            lambda store: store.version(name) if store is self._shared else -store.version(name) - 1
        )

    def close(self) -> None:
        """Closes both stores."""
        self._shared.close()
        self._local.close()

    def _either(self, work: Callable[[Store], T]) -> T:
        if self._again_s is not None and self._clock() < self._again_s:
            return work(self._local)
        try:
            result = work(self._shared)
        except StateError as error:
            if self._again_s is None:
                _log.warning(
                    "%s Until then this machine uses 1/%d of every allowance.", error, self._machines
                )
            self._again_s = self._clock() + _AGAIN_S
            return work(self._local)
        if self._again_s is not None:
            _log.warning("The shared throttle is back; the whole allowance is used again.")
            self._again_s = None
        return result

    def _transact(
        self, store: Store, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]
    ) -> tuple[T, int]:
        before, stamps_us = self._known.get(name, (store, []))

        def carry(bucket: Bucket | None, now_us: int) -> tuple[Bucket, tuple[T, list[int]]]:
            bucket = bucket or Bucket(Limit(1, 1), seen_us=now_us)  # the step knows the limit
            ahead_us = now_us - microseconds(self._clock())
            if store is self._local:
                bucket.share = self._machines
                bucket.tickets = max(bucket.tickets, now_us)  # so that no slot has the number of a shared one
            if store is not before:
                carried = [Permit(0, stamp_us + ahead_us, stamp_us + ahead_us) for stamp_us in stamps_us]
                bucket.permits = carried + bucket.permits
            bucket, result = move(bucket, now_us)
            known = [permit.stamp_us - ahead_us for permit in bucket.permits]
            return bucket, (result, known)

        (result, known), version = store.transact(name, carry)
        self._known[name] = (store, known)
        return result, version if store is self._shared else -version - 1
