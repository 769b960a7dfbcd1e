"""The ledger's file: one transaction a call, in a worker thread, after what an earlier one could not write."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio.to_thread

from autobg_mcp.clock import Clock
from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import settling
from autobg_mcp.money.ledger.migrations import MIGRATIONS
from autobg_mcp.state import StateFile

T = TypeVar("T")
Work = Callable[[sqlite3.Connection, float], T]
"""What is done in one transaction, at a time by the wall clock."""

_IF_LOST: Final = (
    "The new one does not know what was submitted before: a repeated picture is paid again, earlier batch numbers stand "
    "only in the copy and in audit.jsonl, and today's credits under AUTOBG_DAILY_CREDIT_LIMIT count from zero."
)


class Transactions:
    """The file and what was not written into it yet.

    Args:
        path: The file.
        clock: Tells the time; only the wall's is asked.
        sleep: Sleeps for that many seconds while another process holds the file.
    """

    def __init__(self, path: Path, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._file = StateFile(
            path, called="ledger", if_lost=_IF_LOST, migrations=MIGRATIONS, flushed=True, sleep=sleep
        )
        self._unsettled: list[settling.Settlement] = []

    async def aclose(self) -> None:
        """Let go of the file; the next call opens it again."""
        if self._unsettled:
            with suppress(StateError):
                await self._write(lambda *_: None)
        await anyio.to_thread.run_sync(self._file.close)

    async def _each(
        self, keys: Iterable[str], found: Callable[[sqlite3.Connection, str], T | None]
    ) -> dict[str, T]:
        """What is found by each key, in one reading; a key that nothing is found by is left out."""
        asked = list(keys)

        def work(db: sqlite3.Connection, _: float) -> dict[str, T]:
            return {key: value for key in asked if (value := found(db, key)) is not None}

        return await self._read(work)

    async def _read(self, work: Work[T]) -> T:
        return await anyio.to_thread.run_sync(self._reading, work)

    async def _write(self, work: Work[T]) -> T:
        return await anyio.to_thread.run_sync(partial(self._writing, flushed=True), work)

    async def _note(self, work: Work[T]) -> T:
        """Write what the API would tell again; a machine that loses its power may forget it."""
        return await anyio.to_thread.run_sync(partial(self._writing, flushed=False), work)

    def _reading(self, work: Work[T]) -> T:
        with self._file.reading() as db:
            now = self._clock.wall_s()
            if not self._unsettled and not settling.dead(db, now):
                return work(db, now)
        return self._writing(work, flushed=True)

    def _writing(self, work: Work[T], *, flushed: bool) -> T:
        """Write, after what has to be settled first."""
        late = tuple(self._unsettled)
        with self._file.writing(flushed=flushed or bool(late)) as db:
            now = self._clock.wall_s()
            for outcome in late:
                settling.settle(db, now, outcome)
            settling.give_up(db, now, settling.dead(db, now))
            result = work(db, now)
        for outcome in late:
            with suppress(ValueError):  # another thread has written it, too
                self._unsettled.remove(outcome)
        return result
