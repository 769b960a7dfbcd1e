"""A state file for code that must not block: each call is one transaction, in a worker thread."""

import os
import sqlite3
import uuid
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio.to_thread

from autobg_mcp.clock import Clock
from autobg_mcp.state.statefile import StateFile

T = TypeVar("T")
Transaction = Callable[[sqlite3.Connection, float], T]
"""What is done in one transaction, at a time by the wall clock."""


class Transactions:
    """Reads and writes of one file, for those that inherit them. Every method raises `StateError` where it cannot be used.

    Args:
        file: The file; opened at the first use.
        clock: Tells the time; only the wall's is asked.
    """

    def __init__(self, file: StateFile, clock: Clock) -> None:
        self.owner = f"{os.getpid()}-{uuid.uuid4().hex}"
        """A name for who holds something in the file, unlike every other's."""
        self._file, self._clock = file, clock

    async def aclose(self) -> None:
        """Let go of the file; the next call opens it again."""
        await anyio.to_thread.run_sync(self._file.close)

    async def _read(self, work: Transaction[T]) -> T:
        return await anyio.to_thread.run_sync(self._reading, work)

    async def _write(self, work: Transaction[T], *, flushed: bool | None = None) -> T:
        """Write; `flushed` is whether it must be on the disk when this returns, None as the file has it."""
        return await anyio.to_thread.run_sync(partial(self._writing, work, flushed=flushed))

    def _reading(self, work: Transaction[T]) -> T:
        with self._file.reading() as db:
            return work(db, self._clock.wall_s())

    def _writing(self, work: Transaction[T], *, flushed: bool | None) -> T:
        with self._file.writing(flushed=flushed) as db:
            return work(db, self._clock.wall_s())
