"""What jobs show of themselves beside their photos: who carries them out, why work stands still, how long results take."""

import sqlite3
from typing import Final

from autobg_mcp.jobs.job import Wait
from autobg_mcp.jobs.queue import DEAD_AFTER_S
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.state import text_up_to

_LONGEST_HOLDER_CHARS: Final = 100


class Signs:
    """Signs of every account, in the file of jobs. Every method raises `StateError` where the file cannot be used.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def wait(self, account: str, wait: Wait) -> None:
        """Write down why the work in one lane stands still; the same again keeps since when."""

        def work(db: sqlite3.Connection, _: float) -> None:
            db.execute(
                "INSERT INTO waits VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, lane) DO UPDATE SET until = excluded.until, "
                "since = CASE WHEN why = excluded.why THEN since ELSE excluded.since END, why = excluded.why",
                (account, wait.lane, wait.since, wait.until, wait.why),
            )

        await self._storage.write(work, flushed=False)

    async def goes_on(self, account: str, lane: str) -> None:
        """Write down that the work in one lane goes on."""
        key = (account, lane)
        await self._storage.write(
            lambda db, _: db.execute("DELETE FROM waits WHERE account = ? AND lane = ?", key), flushed=False
        )

    async def tries_anew(self, account: str) -> None:
        """Write down that a process has taken over, which does not wait for what the last one met."""
        await self._storage.write(
            lambda db, _: db.execute("DELETE FROM waits WHERE account = ?", (account,)), flushed=False
        )

    async def waits(self, account: str) -> list[Wait]:
        """Why work of an account stands still, the longest wait first."""

        def work(db: sqlite3.Connection, now: float) -> list[Wait]:
            rows = db.execute(
                "SELECT * FROM waits WHERE account = ? AND until > ? ORDER BY since", (account, now)
            )
            return [
                Wait(str(row["lane"]), float(row["since"]), float(row["until"]), str(row["why"]))
                for row in rows
            ]

        return await self._storage.read(work, without=[])

    async def is_worked(self, account: str) -> bool:
        """Whether a process that carries out jobs of an account has shown itself lately."""
        return await self.worker(account) is not None

    async def worker(self, account: str) -> str | None:
        """The number of the process that carries out jobs of an account and has shown itself lately; None where none has."""

        def work(db: sqlite3.Connection, now: float) -> str | None:
            row = db.execute("SELECT holder, seen_at FROM holders WHERE account = ?", (account,)).fetchone()
            if row is None or abs(now - float(row["seen_at"])) >= DEAD_AFTER_S:
                return None
            return text_up_to(row["holder"], _LONGEST_HOLDER_CHARS).partition("-")[0]

        return await self._storage.read(work, without=None)

    async def turnaround_s(self, account: str) -> float | None:
        """Seconds from a vehicle's last photo to the look that showed all its results, as was learnt; None before the first."""
        look = "SELECT seconds FROM turnarounds WHERE account = ?"

        def work(db: sqlite3.Connection, _: float) -> float | None:
            row = db.execute(look, (account,)).fetchone()
            return None if row is None else float(row["seconds"])

        return await self._storage.read(work, without=None)

    async def learn_turnaround(self, account: str, seconds: float) -> None:
        """Let what was seen now change what was learnt by a fifth."""
        await self._storage.write(
            lambda db, _: db.execute(
                "INSERT INTO turnarounds VALUES (:account, :seconds) ON CONFLICT (account) DO UPDATE SET "
                "seconds = seconds + (:seconds - seconds) / 5",
                {"account": account, "seconds": seconds},
            ),
            flushed=False,
        )
