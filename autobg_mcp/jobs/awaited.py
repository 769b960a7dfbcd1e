"""Jobs that a task waits for: which they are, whether they still send, and what came of each photo."""

import sqlite3
from typing import cast

from autobg_mcp.jobs import rows
from autobg_mcp.jobs.job import JobState, PhotoNote, PhotoState
from autobg_mcp.jobs.storage import Storage


class Awaited:
    """Jobs of every account, in the file of jobs. Every method raises `StateError` where the file cannot be used.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def jobs_of(self, account: str, task: str | None) -> dict[str, JobState]:
        """The jobs that calls of a task have begun, in whichever process, and the state of each; what is no task has none."""

        def work(db: sqlite3.Connection, _: float) -> dict[str, JobState]:
            own = "SELECT id, state FROM jobs WHERE account = ? AND task = ? ORDER BY created_at"
            found = db.execute(own, (account, task))
            return {str(row["id"]): cast("JobState", row["state"]) for row in found}

        return {} if task is None else await self._storage.read(work, without={})

    async def is_sending(self, job_id: str) -> bool:
        """Whether photos of a job are still to be sent, or to be looked after; its results do not count."""
        one = f"""SELECT 1 FROM vehicles JOIN jobs ON jobs.id = vehicles.job
            WHERE jobs.id = ? AND jobs.state = 'open' AND {rows.UNSETTLED} LIMIT 1"""  # noqa: S608  # a constant
        return await self._storage.read(
            lambda db, _: db.execute(one, (job_id,)).fetchone() is not None, without=False
        )

    async def photos(self, job_id: str) -> dict[str, PhotoNote]:
        """What came of the photos of a job by path or link; those of several vehicles are one where they are the same."""

        def work(db: sqlite3.Connection, _: float) -> dict[str, PhotoNote]:
            found = db.execute(
                """SELECT picture, state, batch_id, reason FROM photos
                WHERE vehicle IN (SELECT id FROM vehicles WHERE job = ?) ORDER BY vehicle, number""",
                (job_id,),
            )
            return {
                str(rows.json_of(row["picture"])): PhotoNote(
                    cast("PhotoState", row["state"]), row["batch_id"], row["reason"]
                )
                for row in found
            }

        return await self._storage.read(work, without={})
