"""The engine of one machine: turns in the file of jobs, for whichever process shows that it is alive."""

import sqlite3
from collections.abc import Collection, Iterable

from autobg_mcp.jobs.queue import DEAD_AFTER_S, JobTurn
from autobg_mcp.jobs.storage import Storage


class SqliteQueue:
    """Turns in the file of jobs; its methods are those of `Queue`.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def offer(self, turns: Iterable[JobTurn], *, due_at: float) -> None:
        rows = [(turn.vehicle, turn.lane, turn.account, turn.job, due_at) for turn in turns]
        await self._storage.write(
            lambda db, _: db.executemany(
                "INSERT OR IGNORE INTO turns (vehicle, lane, account, job, due_at) VALUES (?, ?, ?, ?, ?)",
                rows,
            )
        )

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

    async def hold(self, account: str) -> bool:
        own = self._storage.owner

        def work(db: sqlite3.Connection, now: float) -> bool:
            row = db.execute("SELECT holder, seen_at FROM holders WHERE account = ?", (account,)).fetchone()
            if row and row["holder"] != own and abs(now - float(row["seen_at"])) < DEAD_AFTER_S:
                return False
            if row is None or row["holder"] != own:  # what a dead process held is free again
                db.execute("UPDATE turns SET holder = NULL WHERE account = ?", (account,))
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


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
