"""The throttle: slots for callers, over any store."""

import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from math import ceil, inf

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import StateError, ThrottledError
from autobg_mcp.text import at
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.caller import Caller
from autobg_mcp.throttle.line import Line, beside
from autobg_mcp.throttle.policy import DAY_S, SECOND_US, Limit, microseconds, pace_us
from autobg_mcp.throttle.slot import Budget, Slot, Waiting
from autobg_mcp.throttle.step import TRANSIT_US
from autobg_mcp.throttle.store import Store
from autobg_mcp.throttle.wishes import Answered, Granted, TooFar

OnWait = Callable[[Waiting], Awaitable[None]]
_NEWS_S = 5.0
_FRESH_S = 1.0
_log = logging.getLogger(__name__)


class HeldSlot:
    """A slot of the shared throttle; see Slot for what its members mean."""

    def __init__(
        self, line: Line, granted: Granted, *, limit: Limit, granted_s: float, waited_s: float
    ) -> None:
        self.bucket = line.name
        self.place = granted.place
        self._limit = limit
        self.left = granted.left
        self.waited_s = waited_s
        self.is_sent = False
        self._line = line
        self._granted = granted
        self._granted_s = granted_s
        self._late_us = 0

    def sent(self) -> None:
        """Says that bytes may have left."""
        self.is_sent = True
        self._late_us = microseconds(self._line.clock.monotonic_s() - self._granted_s)
        if self._late_us + TRANSIT_US > self._line.reach_us > TRANSIT_US:
            self._line.delay(self._granted.slot, self._granted.granted_us + self._late_us + TRANSIT_US)

    async def answered(self, *, retry_after_s: float | None = None, refused: bool = False) -> None:
        """Says that the answer's headers are here."""
        if not self.is_sent:
            self.sent()
        pause_us = None if retry_after_s is None else microseconds(min(max(0.0, retry_after_s), DAY_S))
        answer = Answered(self._granted.slot, self._granted.granted_us, self._late_us, refused, pause_us)
        try:
            await self._line.answer(self._limit, answer)
        except StateError as error:
            _log.warning(
                "A refusal was not written down, so other processes do not know of it yet: %s", error
            )

    def leave(self) -> None:
        """Gives the slot back if it was not used."""
        if not self.is_sent:
            self._line.give_back(self._granted.slot)


class SharedThrottle:
    """A throttle over a store; see Throttle for what its methods promise.

    Args:
        store: Keeps the buckets.
        reach_s: The longest a request takes from being given its slot until it has reached the server, if nothing
            is heard of it; a slow upload says so through `Slot.sent`.
        clock: Tells the time.
        worker: Runs the store's calls on one thread; None runs them in the event loop.
    """

    def __init__(
        self, store: Store, *, reach_s: float = 10.0, clock: Clock = SYSTEM, worker: Executor | None = None
    ) -> None:
        self._store = store
        self._reach_us = microseconds(reach_s)
        self._clock = clock
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
        background: bool = False,
    ) -> AsyncIterator[Slot]:
        """Waits for a slot and holds it for the block."""
        place = after.place if isinstance(after, HeldSlot) and after.bucket == bucket else 0
        held = await self._take(bucket, limit, max_wait_s, on_wait, place, background=background)
        try:
            yield held
        finally:
            held.leave()

    async def budgets(self, prefix: str) -> list[Budget]:
        """Every budget whose name starts with `prefix`, sorted by name."""
        found = await beside(self._worker, lambda: self._store.read(prefix))
        return [self._budget(name, *found[name]) for name in sorted(found)]

    async def aclose(self) -> None:
        """Gives back what was not used, forgets whoever waits, writes what is left, and closes the store."""
        for line in self._lines.values():
            await line.settle()
        await beside(self._worker, self._store.close)
        if self._worker is not None:
            self._worker.shutdown(wait=False)

    async def _take(
        self,
        bucket: str,
        limit: Limit,
        max_wait_s: float,
        on_wait: OnWait | None,
        place: int,
        *,
        background: bool = False,
    ) -> HeldSlot:
        line = self._line(bucket)
        began_s = self._clock.monotonic_s()
        while True:
            left_s = max_wait_s - (self._clock.monotonic_s() - began_s)
            caller = line.join(limit, left_s, place, background=background)
            try:
                reply = await self._outcome(line, caller, on_wait)
            except BaseException:
                line.leave(caller)
                raise
            if isinstance(reply, TooFar):
                raise self._too_far(bucket, limit, caller, reply, max_wait_s)
            now_s, place = self._clock.monotonic_s(), reply.place
            if now_s - caller.told_s <= _FRESH_S:
                return HeldSlot(
                    line, reply, limit=limit, granted_s=caller.granted_s, waited_s=now_s - began_s
                )
            line.give_back(reply.slot)

    def _line(self, bucket: str) -> Line:
        if bucket not in self._lines:
            self._lines[bucket] = Line(
                bucket,
                owner=self._owner,
                reach_us=self._reach_us,
                store=self._store,
                worker=self._worker,
                clock=self._clock,
            )
        return self._lines[bucket]

    async def _outcome(self, line: Line, caller: Caller, on_wait: OnWait | None) -> Granted | TooFar:
        await caller.news
        while not caller.done.done():
            if on_wait is not None and caller.queued is not None:
                queued, ago_us = caller.queued, microseconds(self._clock.monotonic_s() - caller.told_s)
                left_us, closed_us = queued.left_us - ago_us, queued.closed_us - ago_us
                closed = self._closed(closed_us, "its gate") if closed_us > 0 else ""
                await on_wait(Waiting(queued.position, max(0, left_us) / SECOND_US, closed))
            await line.first(caller.done, _NEWS_S if on_wait else inf)
        return caller.done.result()

    def _too_far(
        self, bucket: str, limit: Limit, caller: Caller, reply: TooFar, max_wait_s: float
    ) -> ThrottledError:
        retry_after_s = max(reply.retry_after_us, 1) / SECOND_US
        tool = bucket.rpartition(":")[2]
        if reply.closed_us:
            why = f"{self._closed(reply.closed_us, f'the gate of {tool}')}."
        elif caller.background:
            pace_s = pace_us(limit.window_us, reply.allowance) / SECOND_US
            why = f"Calls of {tool} that nobody waits for go out {round(pace_s, 1):g} s apart, after all others."
        else:
            halved = f" (of {limit.calls}, lowered after a 429)" if reply.allowance < limit.calls else ""
            why = f"The allowance of {reply.allowance} calls{halved} per {limit.window_s:g} s for {tool} is used up."
        error = ThrottledError(
            f"{why} The next free slot is {ceil(retry_after_s)} s away; this call may wait {max_wait_s:.0f} s at most.",
            retry_after_s=retry_after_s,
        )
        error.why = why
        return error

    def _closed(self, closed_us: int, what: str) -> str:
        """Says until which whole minute the server wants no call."""
        opens_s = ceil((self._clock.wall_s() + closed_us / SECOND_US) / 60) * 60
        return f"The API answered 429 and closed {what} until {at(opens_s)}"

    def _budget(self, name: str, bucket: Bucket, now_us: int) -> Budget:
        people = bucket.people()
        [next_free_us] = bucket.slots_us([people], now_us, self._reach_us)
        closed_us = max(0, bucket.closed_us - now_us)
        gate = f"{self._closed(closed_us, 'its gate')}; then " if closed_us else ""
        return Budget(
            bucket=name,
            used=bucket.used,
            left=bucket.left(now_us),
            waiting=people,
            waiting_background=len(bucket.queue) - people,
            next_free_s=(next_free_us - now_us) / SECOND_US,
            closed_s=closed_us / SECOND_US,
            rule=gate + bucket.words(now_us),
        )
