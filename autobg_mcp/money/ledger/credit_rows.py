"""Where credits went: sums over the entries, and what the SQLite ledger answers of credits."""

import sqlite3
from collections.abc import Iterable
from typing import get_args

from autobg_mcp.money.ledger import balances, entries
from autobg_mcp.money.ledger.columns import LARGEST_WHOLE, words_or_none
from autobg_mcp.money.ledger.ledger_file import LedgerFile
from autobg_mcp.money.ledger.spending import Balance, Spending, SpentOn
from autobg_mcp.state import whole_between

_BY: dict[SpentOn, str] = {
    kind: f"SELECT {kind} AS name, sum(pictures) AS credits FROM entries INDEXED BY entries_by_time "  # noqa: S608 - constants
    "WHERE account = ? AND at >= ? AND state != 'refused' AND pictures > 0 "
    f"GROUP BY {kind} ORDER BY credits DESC, max(id) DESC"
    for kind in get_args(SpentOn)
}


def by(db: sqlite3.Connection, account: str, kind: SpentOn, since: float) -> dict[str | None, int]:
    """Credits of all entries from `since` on that were not refused, by what they were spent on, most first."""
    rows = db.execute(_BY[kind], (account, since))
    return {words_or_none(row["name"]): whole_between(row["credits"], 0, LARGEST_WHOLE) for row in rows}


class SqliteCreditLedger(LedgerFile):
    """The part of the ledger in one SQLite file that tells of credits; its methods are those of `CreditLedger`."""

    async def spent(self, account: str, since: float, until: float | None = None) -> int:
        return await self._read(lambda db, _: entries.spent(db, account, since, until))

    async def credits_by(self, account: str, kind: SpentOn, *, since: float) -> dict[str | None, int]:
        return await self._read(lambda db, _: by(db, account, kind, since))

    async def calm(self, account: str) -> int | None:
        return await self._read(lambda db, _: balances.calm(db, account))

    async def record_credits(self, account: str, left: float, *, asked_after: int | None) -> None:
        await self._note(lambda db, now: balances.keep(db, account, left, asked_after, now))

    async def balance(self, account: str) -> Balance | None:
        return await self._read(lambda db, _: balances.newest(db, account))

    async def spending(self, account: str, *, since: int) -> Spending:
        return await self._read(lambda db, _: balances.since(db, account, since))

    async def evidence(self, account: str, entry_ids: Iterable[int]) -> dict[int, Spending]:
        return await self._read(lambda db, _: {one: balances.around(db, account, one) for one in entry_ids})
