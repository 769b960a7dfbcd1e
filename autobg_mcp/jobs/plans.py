"""Plans that were told and wait for a word to begin."""

import json
import sqlite3
from dataclasses import asdict
from typing import Final, NamedTuple

from pydantic import TypeAdapter

from autobg_mcp.jobs import rows
from autobg_mcp.jobs.plan import Plan
from autobg_mcp.jobs.storage import Storage

_PLAN: Final = TypeAdapter(Plan)
_KEPT_S: Final = 7 * 86_400.0


class KeptPlan(NamedTuple):
    """A plan as it was told, and the job that it began; None where it began none."""

    plan: Plan
    job: str | None


class Plans:
    """Plans of every account, in the file of jobs. Every method raises `StateError` where the file cannot be used.

    Args:
        storage: The file.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def keep(self, account: str, plan: Plan) -> str:
        """Keep a plan for a week; answers the name that begins it, such as `p-7k2mq9xd`."""
        plan_id, text = rows.new_id("p"), json.dumps(asdict(plan))

        def work(db: sqlite3.Connection, now: float) -> str:
            db.execute("DELETE FROM plans WHERE at < ?", (now - _KEPT_S,))
            db.execute(
                "INSERT INTO plans (id, account, at, plan) VALUES (?, ?, ?, ?)", (plan_id, account, now, text)
            )
            return plan_id

        return await self._storage.write(work)

    async def find(self, account: str, plan_id: str) -> KeptPlan | None:
        """A plan of an account; None where there is none of that name."""

        def work(db: sqlite3.Connection, _: float) -> KeptPlan | None:
            key = (plan_id, account)
            row = db.execute("SELECT plan, job FROM plans WHERE id = ? AND account = ?", key).fetchone()
            return (
                None
                if row is None
                else KeptPlan(_PLAN.validate_python(rows.json_of(row["plan"])), row["job"])
            )

        return await self._storage.read(work, without=None)
