"""Where credits went: sums over the entries, and what the SQLite ledger answers from them."""

import sqlite3
from typing import Literal

from autobg_mcp.money.ledger import batch_rows, entries
from autobg_mcp.money.ledger.columns import MOST_CREDITS, words_or_none
from autobg_mcp.money.ledger.transactions import Transactions
from autobg_mcp.state import whole_between

SpentOn = Literal["vehicle", "template"]
"""What credits were spent on."""

_BY: dict[SpentOn, str] = {
    kind: f"SELECT {kind} AS name, sum(pictures) AS credits FROM entries INDEXED BY entries_by_time "  # noqa: S608 - constants
    "WHERE account = ? AND at >= ? AND state != 'refused' AND pictures > 0 "
    f"GROUP BY {kind} ORDER BY credits DESC, max(id) DESC"
    for kind in ("vehicle", "template")
}


def by(db: sqlite3.Connection, account: str, kind: SpentOn, since: float) -> dict[str | None, int]:
    """Credits of all entries from `since` on that were not refused, by what they were spent on, most first."""
    rows = db.execute(_BY[kind], (account, since))
    return {words_or_none(row["name"]): whole_between(row["credits"], 0, MOST_CREDITS) for row in rows}


class CreditQuestions(Transactions):
    """The methods of `Ledger` that tell what submissions cost and where they went."""

    async def spent(self, account: str, since: float, until: float | None = None) -> int:
        return await self._read(lambda db, _: entries.spent(db, account, since, until))

    async def credits_by(self, account: str, kind: SpentOn, *, since: float) -> dict[str | None, int]:
        return await self._read(lambda db, _: by(db, account, kind, since))

    async def handed_to_people(self, account: str, batch_id: str) -> float | None:
        return await self._read(lambda db, _: entries.handed_to_people(db, account, batch_id))

    async def vehicle_of(self, account: str, batch_id: str) -> str | None:
        return await self._read(lambda db, _: batch_rows.vehicle_of(db, account, batch_id))
