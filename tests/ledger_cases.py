"""A submission that every test of the ledger starts from, a ledger that blocks, and a clock for it."""

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from autobg_mcp.money.ledger import Claim, Entry, Intent, SqliteLedger
from autobg_mcp.money.ledger.entries import entry

LEASE_S = 60.0
FRONT = Intent(
    account="account",
    host="claude-code",
    tool="uploadImagesWithTemplate",
    vehicle="BMW-1",
    template="77",
    file_name="front.jpg",
    pictures=1,
    fingerprint="front",
    source="/cars/front.jpg",
)


class WallClock:
    """A wall clock that stands until it is turned."""

    now = 1_000_000.0

    def monotonic_s(self) -> float:
        return self.now

    def wall_s(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await anyio.lowlevel.checkpoint()


class Blocking:
    """A ledger whose calls block, for tests that are a sequence of them; every other method is the ledger's own."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.ledger = SqliteLedger(folder, **options)
        self._opened = ExitStack()
        self._portal: BlockingPortal | None = None
        self._one_starts = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.ledger, name)
        return lambda *arguments, **options: self._run(partial(method, *arguments, **options))

    def _run(self, call: Callable[[], Awaitable[Any]]) -> Any:
        with self._one_starts:
            if self._portal is None:
                self._portal = self._opened.enter_context(start_blocking_portal())
        return self._portal.call(call)

    def claim(self, intent: Intent = FRONT, **options: Any) -> Claim:
        terms = {"lease_s": LEASE_S, "duplicate_window_s": 0} | options
        found: Claim = self._run(partial(self.ledger.claim, intent, **terms))
        return found

    def sent(self, entry_id: int) -> None:
        self._run(partial(self.ledger.sent, entry_id, lease_s=LEASE_S))

    def record_credits(self, account: str, left: float, **options: Any) -> None:
        """A balance that is asked at this moment, unless `asked_after` says otherwise."""
        asked = {"asked_after": self.calm(account)} | options
        self._run(partial(self.ledger.record_credits, account, left, **asked))

    def get(self, entry_id: int) -> Entry:
        """An entry as the next caller finds it."""
        self.template_names("account", [])
        with self.ledger._file.reading() as db:
            found = entry(db, entry_id)
        assert found
        return found

    def intend(self, intent: Intent = FRONT, **changes: Any) -> int:
        """The number of a new entry."""
        new = self.claim(replace(intent, **changes)).entry
        assert new
        return new.id

    def accept(self, intent: Intent = FRONT, batch_id: str = "1004", **changes: Any) -> int:
        """The number of a new entry that was sent and accepted."""
        entry_id = self.intend(intent, **changes)
        self.sent(entry_id)
        self.settle(entry_id, "accepted", batch_id=batch_id)
        return entry_id

    def close(self) -> None:
        self._run(self.ledger.aclose)
        self._opened.close()
        self._portal = None


def by_hand(folder: Path, statement: str, *values: object) -> list[Any]:
    """What somebody else does to the file."""
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as db, db:
        return db.execute(statement, values).fetchall()
