"""The ledger's file: each call is one transaction, after what has to be settled first."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import settling
from autobg_mcp.money.ledger.migrations import MIGRATIONS
from autobg_mcp.state import StateFile, Transaction, Transactions

T = TypeVar("T")

FILE_NAME: Final = "ledger.sqlite3"
_IF_LOST: Final = (
    "The new one does not know what was submitted before: a repeated picture is paid again, earlier batch numbers stand "
    "only in the copy and in audit.jsonl, and today's credits under AUTOBG_DAILY_CREDIT_LIMIT count from zero."
)


class LedgerFile(Transactions):
    """Reads and writes of the ledger's file.

    Args:
        folder: Where the file lives; made with mode 0700 where missing, at the first use.
        clock: Tells the time; only the wall's is asked.
        sleep: Sleeps for that many seconds while another process holds the file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = SYSTEM,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        file = StateFile(
            folder / FILE_NAME,
            called="ledger",
            if_lost=_IF_LOST,
            migrations=MIGRATIONS,
            flushed=True,
            sleep=sleep,
        )
        super().__init__(file, clock)
        self._unsettled: list[settling.Settlement] = []

    async def aclose(self) -> None:
        """Let go of the file, after writing down what could not be written before; the next call opens it again."""
        if self._unsettled:
            with suppress(StateError):
                await self._write(lambda *_: None)
        await super().aclose()

    async def _note(self, work: Transaction[T]) -> T:
        """Write what the API would tell again; a machine that loses its power may forget it."""
        return await self._write(work, flushed=False)

    def _reading(self, work: Transaction[T]) -> T:
        with self._file.reading() as db:
            now = self._clock.wall_s()
            if not self._unsettled and not settling.dead(db, now):
                return work(db, now)
        return self._writing(work, flushed=True)

    def _writing(self, work: Transaction[T], *, flushed: bool | None) -> T:
        """Write, after what has to be settled first."""
        late = tuple(self._unsettled)
        with self._file.writing(flushed=True if late else flushed) as db:
            now = self._clock.wall_s()
            for outcome in late:
                settling.settle(db, now, outcome)
            settling.give_up(db, now, settling.dead(db, now))
            result = work(db, now)
        for outcome in late:
            with suppress(ValueError):  # another thread has written it, too
                self._unsettled.remove(outcome)
        return result
