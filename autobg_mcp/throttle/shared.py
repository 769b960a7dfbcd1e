"""The throttle: slots for callers, over any store."""

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from math import ceil, inf
from typing import TypeVar

from autobg_mcp.errors import StateError, ThrottledError
from autobg_mcp.throttle.batch import Answered, Granted, Replies, TooFar, Wishes
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.line import Caller, Line, Sleep, Stepped
from autobg_mcp.throttle.policy import SECOND_US, Limit
from autobg_mcp.throttle.slot import Budget, Slot, Waiting
from autobg_mcp.throttle.step import TRANSIT_US, step
from autobg_mcp.throttle.store import Store, boot_clock, microseconds

T = TypeVar("T")
OnWait = Callable[[Waiting], Awaitable[None]]
_NEWS_S = 5.0
_FRESH_S = 1.0
_log = logging.getLogger(__name__)


class HeldSlot:
    """A slot of the shared throttle; see Slot for what its members mean."""

    def __init__(
        self, line: Line, *, limit: Limit, number: int, left: int, granted_s: float, waited_s: float
    ) -> None:
        self.bucket = line.name
        self.number = number
        self.limit = limit
        self.left = left
        self.waited_s = waited_s
        self.late_us: int | None = None
        self._line = line
        self._granted_s = granted_s

    def sent(self) -> None:
        """Says that bytes may have left."""
        self.late_us = microseconds(self._line.clock() - self._granted_s)
        if self.late_us + TRANSIT_US > self._line.reach_us > TRANSIT_US:
            self._line.delay(self.number, self.late_us)

    async def answered(self, *, retry_after_s: float | None = None, refused: bool = False) -> None:
        """Says that the answer's headers are here."""
        if self.late_us is None:
            self.sent()
        pause_us = None if retry_after_s is None else microseconds(retry_after_s)
        try:
            await self._line.answer(self.limit, Answered(self.number, self.late_us or 0, refused, pause_us))
        except StateError as error:
            _log.warning("An answer was not written down, so its slot counts a little longer: %s", error)

    def leave(self) -> None:
        """Gives the slot back if it was not used."""
        if self.late_us is None:
            self._line.give_back(self.number)


class SharedThrottle:
    """A throttle over a store; see Throttle for what its methods promise.

    Args:
        store: Keeps the buckets.
        reach_s: The longest a request takes from being given its slot until it has reached the server, if nothing
            is heard of it; a slow upload says so through `Slot.sent`.
        clock: Seconds, never set back.
        sleep: Sleeps for seconds of that clock.
        worker: Runs the store's calls on one thread; None runs them in the event loop.
    """

    def __init__(
        self,
        store: Store,
        *,
        reach_s: float = 10.0,
        clock: Callable[[], float] = boot_clock,
        sleep: Sleep = asyncio.sleep,
        worker: Executor | None = None,
    ) -> None:
        self._store = store
        self._reach_us = microseconds(reach_s)
        self._clock = clock
        self._sleep = sleep
        self._worker = worker
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lines: dict[str, Line] = {}

    @asynccontextmanager
    async def slot(
        self,
        bucket: str,
        limit: Limit,
        *,
        max_wait_s: float,
        on_wait: OnWait | None = None,
        after: Slot | None = None,
    ) -> AsyncIterator[Slot]:
        """Waits for a slot and holds it for the block."""
        number = after.number if isinstance(after, HeldSlot) and after.bucket == bucket else 0
        held = await self._take(bucket, limit, max_wait_s, on_wait, number)
        try:
            yield held
        finally:
            held.leave()

    async def budgets(self, prefix: str) -> list[Budget]:
        """Every budget whose name starts with `prefix`, sorted by name."""
        buckets, now_us = await self._call(lambda: self._store.read(prefix))
        return [_budget(name, buckets[name], now_us) for name in sorted(buckets)]

    async def aclose(self) -> None:
        """Gives back what was not used, forgets whoever waits, and closes the store."""
        for line in self._lines.values():
            await line.settle()
        await self._call(self._store.close)
        if self._worker is not None:
            self._worker.shutdown(wait=False)

    async def step(self, name: str, batch: Wishes) -> Stepped:
        """Steps a bucket in the store."""

        def move(bucket: Bucket | None, now_us: int) -> tuple[Bucket, Replies]:
            bucket = bucket or Bucket(batch.limit, seen_us=now_us)
            return bucket, step(bucket, now_us, batch)

        def run() -> Stepped:
            began_s = self._clock()
            outcome, version = self._store.transact(name, move)
            return Stepped(outcome, version, began_s, self._clock())

        return await self._call(run)

    async def version(self, name: str) -> int:
        """The version of a bucket in the store."""
        return await self._call(lambda: self._store.version(name))

    async def _call(self, work: Callable[[], T]) -> T:
        if self._worker is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _take(
        self, bucket: str, limit: Limit, max_wait_s: float, on_wait: OnWait | None, number: int
    ) -> HeldSlot:
        line = self._line(bucket)
        began_s = self._clock()
        while True:
            caller = line.join(limit, max_wait_s - (self._clock() - began_s), number)
            try:
                reply = await self._outcome(line, caller, limit, began_s, on_wait)
            except BaseException:
                line.leave(caller)
                raise
            if isinstance(reply, TooFar):
                raise _too_far(bucket, limit, reply.retry_after_us, max_wait_s)
            now_s, number = self._clock(), reply.number
            if now_s - caller.told_s <= _FRESH_S:
                waited_s, granted_s = now_s - began_s, caller.granted_s
                return HeldSlot(
                    line, limit=limit, number=number, left=reply.left, granted_s=granted_s, waited_s=waited_s
                )
            line.give_back(number)

    def _line(self, bucket: str) -> Line:
        if bucket not in self._lines:
            self._lines[bucket] = Line(
                bucket,
                owner=self._owner,
                reach_us=self._reach_us,
                access=self,
                clock=self._clock,
                sleep=self._sleep,
            )
        return self._lines[bucket]

    async def _outcome(
        self, line: Line, caller: Caller, limit: Limit, began_s: float, on_wait: OnWait | None
    ) -> Granted | TooFar:
        await caller.news
        while not caller.done.done():
            if on_wait is not None and caller.queued is not None:
                now_s = self._clock()
                left_s = max(0.0, caller.queued.left_us / SECOND_US - (now_s - caller.told_s))
                await on_wait(Waiting(line.name, limit, caller.queued.place, now_s - began_s, left_s))
            await line.first(caller.done, _NEWS_S if on_wait else inf)
        return caller.done.result()


def _too_far(bucket: str, limit: Limit, retry_after_us: int, max_wait_s: float) -> ThrottledError:
    retry_after_s = max(retry_after_us, 1) / SECOND_US
    return ThrottledError(
        f"The allowance of {limit.calls} calls per {limit.window_s:g} s for {bucket.rpartition(':')[2]} is used up. "
        f"The next free slot is {ceil(retry_after_s)} s away; this call may wait {max_wait_s:.0f} s at most. "
        "No slot was taken.",
        retry_after_s=retry_after_s,
    )


def _budget(name: str, bucket: Bucket, now_us: int) -> Budget:
    [*_, next_free_us] = bucket.estimates_us(len(bucket.queue) + 1, now_us)
    return Budget(
        bucket=name,
        limit=bucket.limit,
        used=bucket.used(now_us),
        left=bucket.left(now_us),
        waiting=len(bucket.queue),
        next_free_s=(next_free_us - now_us) / SECOND_US,
        closed_s=max(0, bucket.closed_us - now_us) / SECOND_US,
        rule=bucket.words(now_us),
    )
