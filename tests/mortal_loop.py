"""An event loop whose parts can die as processes do: at any step, with all they hold, and without a word."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any
from weakref import WeakSet

import anyio.to_thread
from anyio import CapacityLimiter

Callback = Callable[..., object]


class Part:
    """What stands for one process of a machine: all tasks that one coroutine begins, and those that they begin.

    Once dead, none of its callbacks runs any more, so no `finally` of it does. Work of its threads is finished, as a
    transaction that has reached the disk is.
    """

    def __init__(self) -> None:
        self.is_dead = False
        self.tasks = WeakSet[asyncio.Task[Any]]()
        self._steps_left: int | None = None
        self._undone: list[tuple[Context, Callback, tuple[object, ...]]] = []
        self._borrowed: list[asyncio.Task[Any]] = []
        self._threads = _threads()
        self._root: asyncio.Task[None]

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin to run."""
        context = copy_context()
        context.run(_PART.set, self)
        self._root = asyncio.get_running_loop().create_task(work, context=context)

    def die_after(self, steps: int) -> None:
        """Die after so many more steps of the loop."""
        self._steps_left = steps

    def run(self, callback: Callback, *arguments: object) -> None:
        """One step; of the dead it is kept."""
        if self._steps_left is not None and not self.is_dead:
            self._steps_left -= 1
            if self._steps_left <= 0:
                self._die()
        if self.is_dead:
            self._undone.append((copy_context(), callback, arguments))
        else:
            callback(*arguments)

    def _die(self) -> None:
        """What it held of the loop's threads is free for the others, as no process holds another's."""
        self.is_dead = True
        self._borrowed = [task for task in self.tasks if task in self._threads.statistics().borrowers]
        for task in self._borrowed:
            self._threads.release_on_behalf_of(task)

    async def bury(self) -> None:
        """Let it end at last, once nobody looks: what it does now is no part of any story."""
        for task in self._borrowed:
            await self._threads.acquire_on_behalf_of(task)
        self.is_dead, self._steps_left = False, None
        for context, callback, arguments in self._undone:
            asyncio.get_running_loop().call_soon(callback, *arguments, context=context)
        self._root.cancel()
        await asyncio.wait([self._root])
        if not self._root.cancelled():
            self._root.exception()


_PART: ContextVar[Part | None] = ContextVar("part", default=None)


class MortalLoop(asyncio.SelectorEventLoop):
    """A loop that knows of each step whose it is."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_task)  # type: ignore[arg-type]  # takes the context since 3.11
        self.in_executors = 0
        """Calls that run in threads of executors."""

    def call_soon(self, callback: Callback, *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        part = _PART.get() if context is None else context.get(_PART)
        if part is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(part.run, callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = super().run_in_executor(executor, func, *args)
        self.in_executors += 1
        future.add_done_callback(self._left_executor, context=Context())
        return future

    def _left_executor(self, _: asyncio.Future[Any]) -> None:
        self.in_executors -= 1

    def is_busy(self) -> bool:
        """Whether a thread works for anybody."""
        return bool(self.in_executors or _threads().borrowed_tokens)


def _threads() -> CapacityLimiter:
    return anyio.to_thread.current_default_thread_limiter()


def _task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: Context | None = None
) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    part = _PART.get() if context is None else context.get(_PART)
    if part is not None:
        part.tasks.add(task)
    return task
