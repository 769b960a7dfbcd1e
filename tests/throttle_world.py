"""Processes that share a throttle's store, and a clock the test turns."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

from throttle_clock import AtOnce, TurnedClock

from autobg_mcp.throttle import Limit, Slot, Throttle
from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.shared import OnWait, SharedThrottle
from autobg_mcp.throttle.sqlite import SqliteStore
from autobg_mcp.throttle.store import Store

LIMIT = Limit(3, 60)
BUCKET = "account:reportImages"


class World:
    """Processes that share one store, and a clock.

    Args:
        kind: memory or sqlite.
        folder: Where a file is kept.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = TurnedClock()
        self._memory = MemoryStore(clock=self.clock)
        self._file = folder / "throttle.sqlite3" if kind == "sqlite" else None
        self._stores = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stores.close()

    def process(self) -> Throttle:
        made = self._memory if self._file is None else SqliteStore(self._file, clock=self.clock)
        store: Store = self._stores.enter_context(closing(made))
        return SharedThrottle(store, clock=self.clock, worker=AtOnce())

    async def call(
        self,
        process: Throttle,
        *,
        limit: Limit = LIMIT,
        max_wait_s: float = 1000,
        takes_s: float = 0.2,
        background: bool = False,
        on_wait: OnWait | None = None,
    ) -> Slot:
        async with process.slot(
            BUCKET, limit, max_wait_s=max_wait_s, on_wait=on_wait, background=background
        ) as slot:
            slot.sent()
            await self.clock.sleep(takes_s)
            await slot.answered()
            return slot

    async def use_up(self, process: Throttle) -> None:
        await self.clock.run(*(self.call(process, takes_s=0) for _ in range(LIMIT.calls)))
