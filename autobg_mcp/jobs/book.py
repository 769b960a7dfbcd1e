"""The book of jobs: what was planned, what is to be done, and what came of it."""

import sqlite3
from collections.abc import Mapping, Sequence

from autobg_mcp.jobs import rows, standing
from autobg_mcp.jobs.job import (
    Job,
    JobStanding,
    PhotoNote,
    QueuedPicture,
    ResultState,
    VehicleWork,
)
from autobg_mcp.jobs.plan import PlannedVehicle
from autobg_mcp.jobs.queue import RESULTS, JobTurn
from autobg_mcp.jobs.storage import Storage


class Book:
    """Jobs of every account, in the file of jobs. Every method raises `StateError` where the file cannot be used.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def begin(
        self,
        job: Job,
        vehicles: Sequence[PlannedVehicle],
        per_request: Mapping[str, int],
        *,
        plan_id: str | None = None,
        batch_ids: Sequence[str] = (),
    ) -> list[JobTurn]:
        """Write a job down; answers the turns that its work takes, none where its plan has begun another job meanwhile.

        Args:
            job: The job; see `new_id`.
            vehicles: What it sends.
            per_request: How many photos one request of each tool carries at most.
            plan_id: The plan that it carries out; None for none.
            batch_ids: Batches that photos of its vehicles are in already.
        """

        def work(db: sqlite3.Connection, now: float) -> list[JobTurn]:
            if plan_id is not None:
                key = (job.id, plan_id, job.account)
                own = "UPDATE plans SET job = ? WHERE id = ? AND account = ? AND job IS NULL"
                if not db.execute(own, key).rowcount:
                    return []
            rows.forget_old(db, now)
            added = rows.add(db, job, vehicles, per_request)
            for number, _ in added:
                rows.is_in(db, number, job.account, batch_ids)
            return [JobTurn(job.account, job.id, number, tool) for number, tool in added]

        return await self._storage.write(work)

    async def open_jobs(self, account: str) -> set[str]:
        """The jobs of an account that are open; those whose hours are over end now."""

        def work(db: sqlite3.Connection, now: float) -> set[str]:
            found = db.execute(
                "SELECT id, ends_at FROM jobs WHERE account = ? AND state = 'open'", (account,)
            )
            jobs = {str(row["id"]): float(row["ends_at"]) for row in found.fetchall()}
            late = {job for job, ends_at in jobs.items() if ends_at <= now}
            for job in late:
                rows.end(db, job, "expired")
            return jobs.keys() - late

        return await self._storage.write(work, flushed=False)

    async def unfinished(self, account: str) -> list[JobTurn]:
        """The turns that the open jobs of an account take, those that are in a queue already included."""

        def work(db: sqlite3.Connection, _: float) -> list[JobTurn]:
            found = db.execute(
                f"""SELECT vehicles.id, vehicles.job, tool, queued, unknown FROM vehicles JOIN jobs ON jobs.id = vehicles.job
                WHERE jobs.account = ? AND jobs.state = 'open' AND {rows.UNFINISHED} ORDER BY vehicles.id""",  # noqa: S608  # a constant
                (account,),
            )
            return [
                JobTurn(
                    account,
                    str(row["job"]),
                    int(row["id"]),
                    row["tool"] if row["queued"] or row["unknown"] else RESULTS,
                )
                for row in found
            ]

        return await self._storage.read(work, without=[])

    async def is_open(self, account: str) -> bool:
        """Whether a job of an account is open."""
        one = "SELECT 1 FROM jobs WHERE account = ? AND state = 'open' LIMIT 1"
        return await self._storage.read(
            lambda db, _: db.execute(one, (account,)).fetchone() is not None, without=False
        )

    async def vehicle_work(self, number: int) -> VehicleWork | None:
        """A vehicle with what is still to be done for it; None where there is none of that number."""
        return await self._storage.read(lambda db, _: rows.vehicle_work(db, number), without=None)

    async def note(self, number: int, notes: Mapping[int, PhotoNote]) -> None:
        """Write down what came of photos of a vehicle, by their numbers; what was accepted stays accepted."""
        await self._storage.write(lambda db, now: rows.note(db, number, notes, now), flushed=False)

    async def doubted(self, number: int, doubts: int) -> None:
        """Write down how often the unknown outcomes of a vehicle were looked after in vain."""

        def work(db: sqlite3.Connection, _: float) -> None:
            db.execute("UPDATE vehicles SET doubts = ? WHERE id = ?", (doubts, number))
            _close(db, number)

        await self._storage.write(work, flushed=False)

    async def results(self, number: int, state: ResultState) -> None:
        """Write down how far the results of a vehicle are."""

        def work(db: sqlite3.Connection, _: float) -> None:
            db.execute("UPDATE vehicles SET results = ? WHERE id = ?", (state, number))
            _close(db, number)

        await self._storage.write(work, flushed=False)

    async def stop(self, account: str, job_id: str) -> None:
        """End a job of an account: what is queued is not sent. Of one that has ended, nothing changes."""

        def work(db: sqlite3.Connection, _: float) -> None:
            job = rows.job(db, job_id)
            if job is not None and job.account == account:
                rows.end(db, job_id, "stopped")

        await self._storage.write(work)

    async def standing(self, account: str, job_id: str) -> JobStanding | None:
        """How far one job of an account is; None where there is none of that name."""

        def work(db: sqlite3.Connection, now: float) -> JobStanding | None:
            job = rows.job(db, job_id)
            return None if job is None or job.account != account else standing.of(db, job, now)

        return await self._storage.read(work, without=None)

    async def standings(self, account: str, *, limit: int) -> list[JobStanding]:
        """How far the jobs of an account are: the open ones first, then the newest."""

        def work(db: sqlite3.Connection, now: float) -> list[JobStanding]:
            found = db.execute(
                "SELECT id FROM jobs WHERE account = ? ORDER BY state = 'open' DESC, created_at DESC LIMIT ?",
                (account, limit),
            )
            jobs = [rows.job(db, str(row["id"])) for row in found.fetchall()]
            return [standing.of(db, job, now) for job in jobs if job is not None]

        return await self._storage.read(work, without=[])

    async def batches(self, job_id: str, *, limit: int) -> list[str]:
        """The newest batches that photos of a job are in, the newest last."""

        def work(db: sqlite3.Connection, _: float) -> list[str]:
            found = db.execute(
                "SELECT DISTINCT batch_id FROM batches WHERE vehicle IN (SELECT id FROM vehicles WHERE job = ?) "
                "ORDER BY vehicle DESC LIMIT ?",
                (job_id, limit),
            )
            return [str(row["batch_id"]) for row in found][::-1]

        return await self._storage.read(work, without=[])

    async def requests_until(self, account: str, job_id: str) -> dict[str, int]:
        """Requests until a job has sent all, by each tool that it still uses: those of all jobs, which take turns."""

        def work(db: sqlite3.Connection, _: float) -> dict[str, int]:
            found = db.execute(
                """SELECT tool, sum((queued + per_request - 1) / per_request) AS number FROM vehicles
                WHERE account = ? AND queued > 0 GROUP BY tool HAVING max(job = ?)""",
                (account, job_id),
            )
            return {str(row["tool"]): int(row["number"]) for row in found}

        return await self._storage.read(work, without={})

    async def ends_at(self, job_id: str) -> float | None:
        """When a job gives up what is not sent; None where there is no such job."""

        def work(db: sqlite3.Connection, _: float) -> float | None:
            job = rows.job(db, job_id)
            return None if job is None else job.ends_at

        return await self._storage.read(work, without=None)

    async def queued(self, account: str) -> int:
        """Photos of all jobs of an account that are not sent yet: so many credits are set aside."""
        total = "SELECT coalesce(sum(queued), 0) FROM vehicles WHERE account = ? AND queued > 0"
        return await self._storage.read(
            lambda db, _: int(db.execute(total, (account,)).fetchone()[0]), without=0
        )

    async def queued_pictures(
        self, account: str, *, only: QueuedPicture | None = None
    ) -> dict[QueuedPicture, str]:
        """What the open jobs of an account will send, and which does.

        Args:
            account: Whose.
            only: Leave out what is not like it but for the picture: another vehicle, tool or argument. None for nothing.
        """
        return await self._storage.read(lambda db, _: standing.queued(db, account, only), without={})

    async def queued_for_batch(self, account: str, batch_id: str) -> list[VehicleWork]:
        """The vehicles whose photos are in a batch and of which some are queued."""

        def work(db: sqlite3.Connection, _: float) -> list[VehicleWork]:
            numbers = db.execute(
                """SELECT id FROM vehicles WHERE queued > 0 AND id IN
                (SELECT vehicle FROM batches WHERE account = ? AND batch_id = ?) ORDER BY id""",
                (account, batch_id),
            ).fetchall()
            found = [rows.vehicle_work(db, int(row["id"])) for row in numbers]
            return [one for one in found if one is not None]

        return await self._storage.read(work, without=[])


def _close(db: sqlite3.Connection, number: int) -> None:
    for row in db.execute("SELECT job FROM vehicles WHERE id = ?", (number,)).fetchall():
        rows.close(db, str(row["job"]))
