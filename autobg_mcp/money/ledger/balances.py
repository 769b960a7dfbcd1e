"""Balances that the API told, and the submissions they stand before and after."""

import sqlite3

from autobg_mcp.money.ledger.columns import MOST_CREDITS, credits_or_none


def keep(db: sqlite3.Connection, account: str, left: float, now: float) -> None:
    """Keep a balance and give it to the newest entry, unless that has one or an entry is under way."""
    under_way = db.execute(
        "SELECT 1 FROM entries INDEXED BY entries_under_way WHERE state = 'intended' AND account = ?",
        (account,),
    )
    if under_way.fetchone() or abs(left) > MOST_CREDITS:
        return
    newest = _newest(db, account)
    db.execute("UPDATE entries SET credits_after = ? WHERE id = ? AND credits_after IS NULL", (left, newest))
    db.execute(
        """INSERT INTO balances VALUES (:account, :left, :now, :newest) ON CONFLICT (account) DO UPDATE
        SET credits_left = :left, told_at = :now, newest_entry = :newest
        WHERE credits_left != :left OR newest_entry != :newest""",
        {"account": account, "left": left, "now": now, "newest": newest},
    )


def current(db: sqlite3.Connection, account: str) -> float | None:
    """The kept balance of an account; None where there is none or an entry was written down after it."""
    row = db.execute(
        "SELECT credits_left FROM balances WHERE account = ? AND newest_entry = ?",
        (account, _newest(db, account)),
    ).fetchone()
    return credits_or_none(row["credits_left"]) if row else None


def _newest(db: sqlite3.Connection, account: str) -> int:
    """The id of an account's newest entry; 0 where there is none."""
    [newest] = db.execute(
        "SELECT max(id) FROM entries INDEXED BY entries_by_account WHERE account = ?", (account,)
    ).fetchone()
    return int(newest or 0)
