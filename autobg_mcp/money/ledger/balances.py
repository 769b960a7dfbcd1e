"""Balances that the API told, each after the entry that was the newest then, and what was submitted between them."""

import sqlite3
from typing import Final

from autobg_mcp.money.ledger import entries
from autobg_mcp.money.ledger.columns import LARGEST_WHOLE
from autobg_mcp.money.ledger.spending import CALM_S, Balance, Spending, Told
from autobg_mcp.state import moment, number_between, whole_between

MOST_KEPT: Final = 200
"""How many balances of an account are kept, beside those next to an entry of unknown outcome."""

_SAME_FOR_S: Final = 10.0
"""A balance that is told again unchanged within that time is not written again: then its time is a little too old."""

_CALM_AFTER: Final = (
    f"newest_entry >= ?2 AND last_at >= {CALM_S} + (SELECT coalesce(settled_at, at) FROM entries WHERE id = ?2) "  # noqa: S608  # a constant
    "ORDER BY newest_entry"
)
"""Of balances: the first that is told long enough after the outcome of an entry."""

_COLUMNS = "newest_entry, first_left, first_at, last_left, last_at"


def calm(db: sqlite3.Connection, account: str) -> int | None:
    """The newest entry of an account, by number, 0 where it has none; None while one is under way."""
    under_way = db.execute(
        "SELECT 1 FROM entries INDEXED BY entries_under_way WHERE state = 'intended' AND account = ?",
        (account,),
    )
    return None if under_way.fetchone() else entries.newest(db, account)


def keep(db: sqlite3.Connection, account: str, left: float, asked_after: int | None, now: float) -> None:
    """Keep a balance: the first and the last one after the newest entry; see `Ledger.record_credits`."""
    newest = calm(db, account)
    if newest is None or asked_after != newest or not abs(left) <= LARGEST_WHOLE:
        return
    values = {"account": account, "newest": newest, "left": left, "now": now, "same_for_s": _SAME_FOR_S}
    db.execute(
        """INSERT INTO balances VALUES (:account, :newest, :left, :now, :left, :now)
        ON CONFLICT (account, newest_entry) DO UPDATE SET last_left = :left, last_at = :now
        WHERE last_left != :left OR abs(:now - last_at) >= :same_for_s""",
        values,
    )
    _thin_out(db, account)


def _thin_out(db: sqlite3.Connection, account: str) -> None:
    """Forget the oldest balances, all but the last before and the first after an entry of unknown outcome."""
    db.execute(
        """DELETE FROM balances WHERE account = :account AND newest_entry <= (
            SELECT newest_entry FROM balances WHERE account = :account
            ORDER BY newest_entry DESC LIMIT 1 OFFSET :most_kept
        ) AND NOT EXISTS (
            SELECT 1 FROM entries INDEXED BY entries_unknown
            WHERE account = :account AND state = 'unknown'
            AND id > coalesce((SELECT max(newest_entry) FROM balances AS earlier
                WHERE earlier.account = :account AND earlier.newest_entry < balances.newest_entry), 0)
            AND id <= (SELECT min(newest_entry) FROM balances AS later
                WHERE later.account = :account AND later.newest_entry > balances.newest_entry)
        )""",
        {"account": account, "most_kept": MOST_KEPT},
    )


def newest(db: sqlite3.Connection, account: str) -> Balance | None:
    """The newest balance of an account; see `Ledger.balance`."""
    row = _found(db, account, "newest_entry <= ? ORDER BY newest_entry DESC", LARGEST_WHOLE)
    if row is None:
        return None
    spending = _spending(db, account, row, None)
    told = _last(row)
    return Balance(told.left, told.at, _after(row), spending.accepted, spending.unknown)


def since(db: sqlite3.Connection, account: str, entry_id: int) -> Spending:
    """What was submitted after an entry, between the balance told after it and the one after the newest entry."""
    before = _found(db, account, "newest_entry = ?", entry_id)
    after = _found(db, account, "newest_entry = ?", entries.newest(db, account))
    return _spending(db, account, before, after, entry_id)


def around(db: sqlite3.Connection, account: str, entry_id: int) -> Spending:
    """What was submitted between the balances next to an entry, that one included.

    Where others submit all the time, the next balance comes too soon to deny anything. Then the first one that is told a while
    after the entry's outcome was lost counts, if all that was submitted until then explains it.
    """
    before = _found(db, account, "newest_entry < ? ORDER BY newest_entry DESC", entry_id)
    after = _found(db, account, "newest_entry >= ? ORDER BY newest_entry", entry_id)
    calm_after = _found(db, account, _CALM_AFTER, entry_id)
    calmly = _spending(db, account, before, calm_after, entry_id - 1)
    if calmly.charged_of_unknown() is not None:
        return calmly
    return _spending(db, account, before, after, entry_id - 1)


def _found(db: sqlite3.Connection, account: str, rest: str, entry_id: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        f"SELECT {_COLUMNS} FROM balances WHERE account = ? AND {rest} LIMIT 1",  # noqa: S608 - constants of this module
        (account, entry_id),
    ).fetchone()
    return row


def _spending(
    db: sqlite3.Connection,
    account: str,
    before: sqlite3.Row | None,
    after: sqlite3.Row | None,
    from_entry: int = 0,
) -> Spending:
    rows = db.execute(
        "SELECT state, sum(pictures) AS pictures FROM entries INDEXED BY entries_by_account "
        "WHERE account = ? AND id > ? AND id <= ? GROUP BY state",
        (
            account,
            from_entry if before is None else _after(before),
            LARGEST_WHOLE if after is None else _after(after),
        ),
    )
    pictures = {row["state"]: whole_between(row["pictures"], 0, LARGEST_WHOLE) for row in rows}
    return Spending(
        before=None if before is None else _last(before),
        after=None if after is None else _told(after["first_left"], after["first_at"]),
        latest=None if after is None else _last(after),
        accepted=pictures.get("accepted", 0),
        refused=pictures.get("refused", 0),
        unknown=pictures.get("unknown", 0) + pictures.get("intended", 0),
    )


def _after(row: sqlite3.Row) -> int:
    return whole_between(row["newest_entry"], 0, LARGEST_WHOLE)


def _last(row: sqlite3.Row) -> Told:
    return _told(row["last_left"], row["last_at"])


def _told(left: object, at: object) -> Told:
    return Told(number_between(left, -LARGEST_WHOLE, LARGEST_WHOLE), moment(at))
