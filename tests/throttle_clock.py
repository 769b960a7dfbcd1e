"""A clock that jumps to the next sleeper as soon as nobody has anything left to do."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")
_TURNS = 25  # more loop turns than any chain of ready callbacks needs


class TurnedClock:
    """Seconds that pass only in `run`."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return 1_795_000_000 + self.now_s

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self.now_s + max(0.0, seconds), next(self._order), woken))
        await woken

    async def settle(self) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    async def pass_to(self, until_s: float) -> None:
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until_s:
            moment_s, _, woken = heappop(self._sleepers)
            if not woken.done():
                self.now_s = max(self.now_s, moment_s)
                woken.set_result(None)
                await self.settle()
        self.now_s = max(self.now_s, until_s)

    async def run(self, *work: Coroutine[Any, Any, T]) -> list[T]:
        tasks = [asyncio.ensure_future(part) for part in work]
        await self.settle()
        while not all(task.done() for task in tasks):
            await self.pass_to(self._sleepers[0][0])
        return await asyncio.gather(*tasks)


class AtOnce(Executor):
    """Runs work where it is submitted, so that tests have one thread."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - belongs to whoever waits for the result
            done.set_exception(error)
        return done


class Later(AtOnce):
    """Does its work when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        self.work.append(lambda: done.set_result(fn(*args, **kwargs)))
        return done

    async def catch_up(self) -> None:
        while self.work:
            self.work.pop(0)()
            for _ in range(_TURNS):
                await asyncio.sleep(0)

    async def does(self, waiting: Coroutine[Any, Any, T]) -> T:
        """What comes of something that waits for the work."""
        task = asyncio.ensure_future(waiting)
        while not task.done():
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            await self.catch_up()
        return await task
