"""The engine of one machine: turns in the file of jobs, for whichever process shows that it is alive."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final

from autobg_mcp.jobs.queue import DEAD_AFTER_S, JobTurn
from autobg_mcp.jobs.storage import Storage

_TOOK_KEPT_S: Final = 86_400.0
"""How long is known when a job that has nothing in the queue any more had its last turn."""

_LOOKED_AT_WITHIN_S: Final = 600.0
"""Who begins to work tries all of it so soon, since nobody knows whether the clock was set back meanwhile."""


class SqliteQueue:
    """Turns in the file of jobs; its methods are those of `Queue`.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def offer(self, turns: Iterable[JobTurn], *, due_at: float) -> None:
        rows = [(turn.vehicle, turn.lane, turn.account, turn.job, due_at) for turn in turns]

        def work(db: sqlite3.Connection, now: float) -> None:
            db.executemany(
                "INSERT OR IGNORE INTO turns (vehicle, lane, account, job, due_at) VALUES (?, ?, ?, ?, ?)",
                rows,
            )
            db.execute(
                "DELETE FROM took WHERE at NOT BETWEEN ? AND ? AND job NOT IN (SELECT job FROM turns)",
                (now - _TOOK_KEPT_S, now + _TOOK_KEPT_S),
            )

        await self._storage.write(work)

    async def take(self, account: str, *, full: Collection[str], besides: Collection[int]) -> JobTurn | None:
        def work(db: sqlite3.Connection, now: float) -> JobTurn | None:
            row = db.execute(
                f"""SELECT turns.* FROM turns LEFT JOIN took USING (job, lane)
                WHERE account = ? AND lane NOT IN ({_marks(full)}) AND due_at <= ? AND holder IS NULL
                AND vehicle NOT IN ({_marks(besides)}) ORDER BY coalesce(took.at, 0), vehicle LIMIT 1""",  # noqa: S608  # marks alone
                (account, *full, now, *besides),
            ).fetchone()
            if row is None:
                return None
            turn = JobTurn(account, str(row["job"]), int(row["vehicle"]), str(row["lane"]))
            key = (turn.vehicle, turn.lane)
            db.execute(
                "UPDATE turns SET holder = ? WHERE vehicle = ? AND lane = ?", (self._storage.owner, *key)
            )
            db.execute("REPLACE INTO took (job, lane, at) VALUES (?, ?, ?)", (turn.job, turn.lane, now))
            return turn

        return await self._storage.write(work, flushed=False)

    async def give_back(self, turn: JobTurn, *, due_at: float | None) -> None:
        key = (turn.vehicle, turn.lane, self._storage.owner)
        own = "WHERE vehicle = ? AND lane = ? AND holder = ?"

        def work(db: sqlite3.Connection, _: float) -> None:
            if due_at is None:
                db.execute(f"DELETE FROM turns {own}", key)  # noqa: S608  # a constant
            else:
                db.execute(f"UPDATE turns SET holder = NULL, due_at = ? {own}", (due_at, *key))  # noqa: S608  # a constant

        await self._storage.write(work, flushed=False)

    async def withdraw(self, job: str) -> None:
        await self._storage.write(
            lambda db, _: db.execute("DELETE FROM turns WHERE job = ? AND holder IS NULL", (job,)),
            flushed=False,
        )

    async def hold(self, account: str) -> bool:
        own = self._storage.owner

        def work(db: sqlite3.Connection, now: float) -> bool:
            row = db.execute("SELECT holder, seen_at FROM holders WHERE account = ?", (account,)).fetchone()
            ahead_s = float(row["seen_at"]) - now if row else 0.0
            if row and row["holder"] != own and abs(ahead_s) < DEAD_AFTER_S:
                return False
            if ahead_s >= DEAD_AFTER_S:
                _set_back(db, account, ahead_s)
            if row is None or row["holder"] != own:  # what a dead process held is free again
                db.execute(
                    "UPDATE turns SET holder = NULL, due_at = min(due_at, ?) WHERE account = ?",
                    (now + _LOOKED_AT_WITHIN_S, account),
                )
            db.execute(
                "REPLACE INTO holders (account, holder, seen_at) VALUES (?, ?, ?)", (account, own, now)
            )
            return True

        return await self._storage.write(work, flushed=False)

    async def release(self, account: str) -> None:
        key = (account, self._storage.owner)

        def work(db: sqlite3.Connection, _: float) -> None:
            if db.execute("DELETE FROM holders WHERE account = ? AND holder = ?", key).rowcount:
                db.execute("UPDATE turns SET holder = NULL WHERE account = ? AND holder = ?", key)

        await self._storage.write(work, flushed=False)


def _set_back(db: sqlite3.Connection, account: str, seconds: float) -> None:
    """The clock was set back: what was due at a time by it is due as much sooner, and jobs take turns as before."""
    db.execute(
        "UPDATE took SET at = at - ? WHERE job IN (SELECT job FROM turns WHERE account = ?)",
        (seconds, account),
    )
    db.execute("UPDATE turns SET due_at = due_at - ? WHERE account = ?", (seconds, account))


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
