"""The waiters of one process at one bucket, and the task that steps the bucket for all of them.

Everything a process wants of a bucket (places, answers, slots given back) is gathered here and done in one
transaction. The task lives only while there is something to do. It sleeps until the moment the last step
named and, meanwhile, looks about once a second whether another process has changed the bucket. An answer that nobody
here waits for is written with the next step, or at the next look: until then its slot counts as in flight.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from math import inf
from typing import TypeVar

from autobg_mcp.clock import Clock
from autobg_mcp.errors import StateError
from autobg_mcp.throttle.caller import Caller, resolve
from autobg_mcp.throttle.policy import SECOND_US, Limit, microseconds
from autobg_mcp.throttle.step import usual_look_us
from autobg_mcp.throttle.store import Store
from autobg_mcp.throttle.wishes import (
    Answered,
    Ask,
    Delayed,
    Dropped,
    Granted,
    Note,
    Queued,
    Replies,
    Reply,
    Returned,
    TooFar,
    Wishes,
)

T = TypeVar("T")
_LONGEST_WAIT_S = 1e9


async def beside(worker: Executor | None, work: Callable[[], T]) -> T:
    """Does blocking work on the worker's thread; without a worker, at once."""
    if worker is None:
        return work()
    return await asyncio.get_running_loop().run_in_executor(worker, work)


class Line:
    """The waiters of one process at one bucket.

    Args:
        name: The bucket.
        owner: A name for this process that no other has.
        reach_us: The longest a request takes to reach the server, in microseconds.
        store: Keeps the bucket.
        worker: Runs the store's calls; None runs them in the event loop.
        clock: Tells the time.
    """

    def __init__(
        self, name: str, *, owner: str, reach_us: int, store: Store, worker: Executor | None, clock: Clock
    ) -> None:
        self.name = name
        self._owner = owner
        self.reach_us = reach_us
        self._store = store
        self._worker = worker
        self.clock = clock
        self._callers: list[Caller] = []
        self._notes: list[tuple[float, Note]] = []
        self._written: list[asyncio.Future[None]] = []
        self._limit = Limit(1, 1)
        self._task: asyncio.Task[None] | None = None
        self._kick: asyncio.Future[None]

    def join(self, limit: Limit, max_wait_s: float, place: int = 0, *, background: bool = False) -> Caller:
        """Adds a waiter; one that had a place before takes it again."""
        loop = asyncio.get_running_loop()
        deadline_s = self.clock.monotonic_s() + min(max_wait_s, _LONGEST_WAIT_S)
        caller = Caller(deadline_s, place, background, loop.create_future(), loop.create_future())
        self._limit = limit
        self._callers.append(caller)
        self._wake()
        return caller

    def leave(self, caller: Caller) -> None:
        """Takes a waiter out; a slot it was given meanwhile goes back."""
        if caller in self._callers:
            self._callers.remove(caller)
            if caller.place:
                self._note(Dropped(caller.place))
        elif caller.done.done() and not caller.done.exception():
            reply = caller.done.result()
            if isinstance(reply, Granted):
                self.give_back(reply.slot)

    def give_back(self, slot: int) -> None:
        """Returns a slot that was not used."""
        self._note(Returned(slot))

    def delay(self, slot: int, until_us: int) -> None:
        """Says that a call is still being sent, and until when it can take to arrive."""
        self._note(Delayed(slot, until_us))

    async def answer(self, limit: Limit, answer: Answered) -> None:
        """Notes an answer; one that closes the gate is written when this returns. Raises StateError."""
        self._limit = limit
        if not answer.refused:
            self._note(answer, later=self._worker is not None and not self._callers)
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.append(written)
        self._note(answer)
        await written

    async def settle(self) -> None:
        """Sends every waiter away and waits until all that is left to write is written."""
        for caller in self._callers:
            self._note(Dropped(caller.place))
            caller.fail(StateError("The throttle was closed while this call waited. No slot was taken."))
        self._callers.clear()
        if self._notes:
            self._wake()
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait({self._task})

    async def first(
        self, future: asyncio.Future[Granted | TooFar] | asyncio.Future[None], seconds: float
    ) -> None:
        """Waits until the future is done or the time has passed."""
        if seconds == inf:
            await asyncio.wait([future])
            return
        timer: asyncio.Future[None] = asyncio.create_task(self.clock.sleep(seconds))
        try:
            await asyncio.wait([future, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    def _note(self, note: Note, *, later: bool = False) -> None:
        self._notes.append((self.clock.monotonic_s(), note))
        self._wake(later=later)

    def _wake(self, *, later: bool = False) -> None:
        """Has the task step the bucket: now, or with whatever else there is to do."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._kick = loop.create_future()
            self._task = loop.create_task(self._run())
        if not (later or self._kick.done()):
            self._kick.set_result(None)

    async def _run(self) -> None:
        """Steps the bucket until there is nothing left to do, or the store fails.

        What was noted is then kept for the next step; to hear it twice changes nothing.
        """
        while self._callers or self._notes:
            if not (self._callers or self._kick.done()):
                await self.first(self._kick, usual_look_us(self._limit) / SECOND_US)
            self._kick = asyncio.get_running_loop().create_future()
            notes, self._notes = self._notes, []
            written, self._written = self._written, []
            try:
                replies, version = await self._step(notes)
                for answer in written:
                    resolve(answer, None)
                if self._callers:
                    await self._pause(replies, version)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                self._notes = notes + self._notes
                self._give_up(written, error)
                return

    async def _step(self, noted: list[tuple[float, Note]]) -> tuple[Replies, int]:
        callers, began_s = list(self._callers), self.clock.monotonic_s()
        notes = [
            replace(note, ago_us=microseconds(began_s - came_s)) if isinstance(note, Answered) else note
            for came_s, note in noted
        ]
        asks = [
            Ask(microseconds(caller.deadline_s - began_s), caller.place, caller.background)
            for caller in callers
        ]
        wishes = Wishes(self._owner, self._limit, self.reach_us, asks, notes)

        def step() -> tuple[Replies, int, float]:
            return *self._store.step(self.name, wishes), self.clock.monotonic_s()

        replies, version, ended_s = await beside(self._worker, step)
        for caller, reply in sorted(
            zip(callers, replies.replies, strict=True), key=lambda each: each[1].place
        ):
            caller.place, caller.told_s, caller.granted_s = reply.place, ended_s, began_s
            self._tell(caller, reply)
        return replies, version

    def _tell(self, caller: Caller, reply: Reply) -> None:
        has_left = caller not in self._callers
        if has_left and isinstance(reply, Granted):
            self.give_back(reply.slot)
        elif has_left and isinstance(reply, Queued):
            self._note(Dropped(reply.place))
        elif isinstance(reply, Queued):
            caller.queued = reply
        elif not has_left:
            self._callers.remove(caller)
            caller.end(reply)
        caller.hear()

    async def _pause(self, replies: Replies, version: int) -> None:
        """Sleeps until the next step is due, this process wants something, or another has changed the bucket."""
        ends_s = self.clock.monotonic_s() + replies.wake_us / SECOND_US
        look_s = replies.look_us / SECOND_US
        while (left_s := ends_s - self.clock.monotonic_s()) > 0:
            await self.first(self._kick, min(left_s, look_s))
            if self._kick.done() or left_s <= look_s:
                return
            if await beside(self._worker, lambda: self._store.version(self.name)) != version:
                return

    def _give_up(self, written: list[asyncio.Future[None]], error: Exception) -> None:
        for answer in written:
            if not answer.done():
                answer.set_exception(error)
        for caller in self._callers:
            caller.fail(error)
        self._callers.clear()
