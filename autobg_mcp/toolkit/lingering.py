"""Requests that outlast their call: whoever opened the client waits for them before it closes."""

import asyncio

import anyio


class Lingering:
    """Tasks that go on without the call that began them."""

    def __init__(self) -> None:
        self._tasks = set[asyncio.Task[None]]()

    def keep(self, task: asyncio.Task[None]) -> None:
        """Keep a task until it is done."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Wait until all are done, also where whoever closes was cancelled: what is on the wire is written down."""
        with anyio.CancelScope(shield=True):
            while self._tasks:
                await asyncio.wait(self._tasks)
