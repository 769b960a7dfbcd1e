"""The waiters of one process at one bucket, and the task that steps the bucket for all of them.

Everything a process wants of a bucket (places, answers, slots given back) is gathered here and done in one
transaction. The task lives only while there is something to do. It sleeps until the moment the last step
named and, meanwhile, looks about once a second whether another process has changed the bucket.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar

from autobg_mcp.errors import StateError
from autobg_mcp.throttle.batch import Answered, Ask, Granted, Notes, Queued, Replies, TooFar, Wishes
from autobg_mcp.throttle.policy import SECOND_US, Limit
from autobg_mcp.throttle.store import microseconds

T = TypeVar("T")
_LONGEST_WAIT_S = 1e9
Sleep = Callable[[float], Coroutine[object, object, None]]


@dataclass(eq=False)
class Caller:
    """One waiting call.

    Attributes:
        deadline_s: When its time is over, by the local clock.
        number: Its ticket; 0 before it has one.
        news: Resolves when it is first told anything.
        done: Resolves with what became of it.
        queued: Its latest place; None before the first.
        told_s: When it was last told anything, by the local clock.
        granted_s: A moment just before the step that last spoke of it.
    """

    deadline_s: float
    number: int
    news: asyncio.Future[None]
    done: asyncio.Future[Granted | TooFar]
    queued: Queued | None = None
    told_s: float = 0.0
    granted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that was made: its outcome, the version it left, and when it began and ended by the local clock."""

    outcome: Replies
    version: int
    began_s: float
    ended_s: float


class Access(Protocol):
    """How a line reaches its bucket."""

    async def step(self, name: str, batch: Wishes) -> Stepped:
        """Steps the bucket. Raises StateError."""
        ...

    async def version(self, name: str) -> int:
        """The bucket's version now. Raises StateError."""
        ...


class Line:
    """The waiters of one process at one bucket.

    Args:
        name: The bucket.
        owner: A name for this process that no other has.
        reach_us: The longest a request takes to reach the server, in microseconds.
        access: The way to the bucket.
        clock: Seconds, never set back.
        sleep: Sleeps for seconds of that clock.
    """

    def __init__(
        self,
        name: str,
        *,
        owner: str,
        reach_us: int,
        access: Access,
        clock: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self.name = name
        self._owner = owner
        self.reach_us = reach_us
        self._access = access
        self.clock = clock
        self._sleep = sleep
        self._callers: list[Caller] = []
        self._notes = Notes()
        self._written: list[asyncio.Future[None]] = []
        self._limit = Limit(1, 1)
        self._task: asyncio.Task[None] | None = None
        self._kick: asyncio.Future[None] | None = None

    def join(self, limit: Limit, max_wait_s: float, number: int = 0) -> Caller:
        """Adds a waiter; with the number of an earlier ticket it takes that one's place."""
        loop = asyncio.get_running_loop()
        deadline_s = self.clock() + min(max_wait_s, _LONGEST_WAIT_S)
        caller = Caller(deadline_s, number, loop.create_future(), loop.create_future())
        self._limit = limit
        self._callers.append(caller)
        self._wake()
        return caller

    def leave(self, caller: Caller) -> None:
        """Takes a waiter out; a slot it was given meanwhile goes back."""
        if caller in self._callers:
            self._callers.remove(caller)
            if caller.number:
                self._notes.dropped.append(caller.number)
                self._wake()
        elif caller.done.done() and not caller.done.exception() and isinstance(caller.done.result(), Granted):
            self.give_back(caller.number)

    def give_back(self, number: int) -> None:
        """Returns a slot that was not used."""
        self._notes.returned.append(number)
        self._wake()

    def delay(self, number: int, late_us: int) -> None:
        """Says that a call is still being sent."""
        self._notes.delays.append((number, late_us))
        self._wake()

    async def answer(self, limit: Limit, answer: Answered) -> None:
        """Writes down an answer. Raises StateError."""
        self._limit = limit
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._notes.answers.append(answer)
        self._written.append(written)
        self._wake()
        await written

    async def settle(self) -> None:
        """Sends every waiter away and waits until all that is left to write is written."""
        for caller in self._callers:
            self._notes.dropped.append(caller.number)
            _fail(caller, StateError("The throttle was closed while this call waited. No slot was taken."))
        self._callers.clear()
        if self._task is not None and self._task.get_loop() is asyncio.get_running_loop():
            self._wake()
            await asyncio.wait({self._task})

    async def first(
        self, future: asyncio.Future[Granted | TooFar] | asyncio.Future[None], seconds: float
    ) -> None:
        """Waits until the future is done or the time has passed."""
        if seconds == inf:
            await asyncio.wait([future])
            return
        timer: asyncio.Future[None] = asyncio.create_task(self._sleep(seconds))
        try:
            await asyncio.wait([future, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()

    def _wake(self) -> None:
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._run())
        elif self._kick is not None and not self._kick.done():
            self._kick.set_result(None)

    async def _run(self) -> None:
        while self._callers or self._notes:
            self._kick = asyncio.get_running_loop().create_future()
            written, self._written = self._written, []
            try:
                stepped = await self._step(written)
                if self._callers:
                    await self._pause(stepped)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                self._give_up(written, error)

    async def _step(self, written: list[asyncio.Future[None]]) -> Stepped:
        notes, self._notes = self._notes, Notes()
        callers, now_s = list(self._callers), self.clock()
        asks = [
            Ask(microseconds(caller.deadline_s - now_s), caller.number, caller.queued is None)
            for caller in callers
        ]
        stepped = await self._access.step(
            self.name, Wishes(self._owner, self._limit, self.reach_us, asks, notes)
        )
        for answer in written:
            _resolve(answer, None)
        told = zip(callers, stepped.outcome.replies, strict=True)
        for caller, reply in sorted(told, key=lambda each: each[1].number):
            caller.number, caller.told_s, caller.granted_s = reply.number, stepped.ended_s, stepped.began_s
            self._tell(caller, reply)
        return stepped

    def _tell(self, caller: Caller, reply: Granted | Queued | TooFar) -> None:
        has_left = caller not in self._callers
        if has_left and isinstance(reply, Granted):
            self._notes.returned.append(reply.number)
        elif has_left and isinstance(reply, Queued):
            self._notes.dropped.append(reply.number)
        elif isinstance(reply, Queued):
            caller.queued = reply
        elif not has_left:
            self._callers.remove(caller)
            _resolve(caller.done, reply)
        _resolve(caller.news, None)

    async def _pause(self, stepped: Stepped) -> None:
        """Sleeps until the next step is due, this process wants something, or another has changed the bucket."""
        assert self._kick is not None
        ends_s = self.clock() + stepped.outcome.wake_us / SECOND_US
        look_s = stepped.outcome.look_us / SECOND_US
        while (left_s := ends_s - self.clock()) > 0:
            await self.first(self._kick, min(left_s, look_s))
            if self._kick.done() or left_s <= look_s:
                return
            if await self._access.version(self.name) != stepped.version:
                return

    def _give_up(self, written: list[asyncio.Future[None]], error: Exception) -> None:
        for answer in written:
            if not answer.done():
                answer.set_exception(error)
        for caller in self._callers:
            _fail(caller, error)
        self._callers.clear()


def _resolve(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(caller: Caller, error: Exception) -> None:
    if not caller.done.done():
        caller.done.set_exception(error)
    _resolve(caller.news, None)
