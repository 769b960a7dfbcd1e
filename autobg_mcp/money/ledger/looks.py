"""One look at a batch for all who wait for it, in any process."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from autobg_mcp.money.ledger import entries, picture_rows
from autobg_mcp.money.ledger.columns import LARGEST_WHOLE, words_or_none
from autobg_mcp.money.ledger.records import Poll
from autobg_mcp.state import moment, number_between, whole_between

_NEXT_LOOK_S: Final = 0.5
"""How often a waiter looks into the ledger while another one asks the API."""

_ASK_ANEW: Final = -1.0
"""A lease that says: the last known state stands, but the next waiter asks the API whatever its age."""


def ask_anew(db: sqlite3.Connection, account: str, batch_id: str) -> None:
    """Keep what was last seen of a batch, but let nobody take it for its state now."""
    _set_lease(db, account, batch_id, _ASK_ANEW)


def ask_anew_for(db: sqlite3.Connection, account: str, pic_ids: Iterable[str]) -> None:
    """The same for the batches that pictures are in."""
    for pic_id in pic_ids:
        key = (account, pic_id)
        rows = db.execute("SELECT batch_id FROM pictures WHERE account = ? AND pic_id = ?", key).fetchall()
        for row in rows:
            ask_anew(db, account, row["batch_id"])


def give_up(db: sqlite3.Connection, account: str, batch_id: str) -> None:
    """Leave the right to ask to the next waiter."""
    _set_lease(db, account, batch_id, 0.0)


def poll(
    db: sqlite3.Connection, account: str, batch_id: str, now: float, fresh_s: float, lease_s: float
) -> Poll:
    """What a waiter may know or do now; `lease` is what it calls when it may ask the API."""
    row = db.execute("SELECT * FROM looks WHERE account = ? AND batch_id = ?", (account, batch_id)).fetchone()
    checked_at = None if row is None or row["checked_at"] is None else moment(row["checked_at"])
    until = 0.0 if row is None else number_between(row["lease_until"], _ASK_ANEW, 1e12)
    pictures = None if checked_at is None else picture_rows.of_batch(db, account, batch_id)
    is_fresh = checked_at is not None and until != _ASK_ANEW
    fresh_for_s = _left_s(checked_at + fresh_s, now, fresh_s) if is_fresh and checked_at is not None else 0.0
    leased_for_s = _left_s(until, now, lease_s)
    if fresh_for_s or leased_for_s:
        return Poll(False, pictures, checked_at, fresh_for_s or min(leased_for_s, _NEXT_LOOK_S))
    return Poll(True, pictures, checked_at, 0.0)


def lease(db: sqlite3.Connection, account: str, batch_id: str, until: float) -> None:
    """Let nobody else ask until then."""
    db.execute(
        "INSERT INTO looks (account, batch_id, lease_until) VALUES (:account, :batch_id, :until) "
        "ON CONFLICT (account, batch_id) DO UPDATE SET lease_until = :until",
        {"account": account, "batch_id": batch_id, "until": until},
    )


def looked(db: sqlite3.Connection, account: str, batch_id: str, now: float) -> None:
    """Say that the pictures of a batch are as the API told them now."""
    db.execute(
        """INSERT INTO looks (account, batch_id, checked_at, lease_until, seen_after)
        VALUES (:account, :batch_id, :now, 0, :newest) ON CONFLICT (account, batch_id) DO UPDATE
        SET checked_at = :now, lease_until = 0,
            seen_after = CASE WHEN checked_at IS NULL THEN coalesce(seen_after, :newest) ELSE seen_after END""",
        {"account": account, "batch_id": batch_id, "now": now, "newest": entries.newest(db, account)},
    )


def seen_after(db: sqlite3.Connection, account: str, batch_id: str) -> int:
    """The newest entry when a batch was seen for the first time, by number; 0 where there was none or nobody knows."""
    row = db.execute(
        "SELECT seen_after FROM looks WHERE account = ? AND batch_id = ?", (account, batch_id)
    ).fetchone()
    return whole_between(row["seen_after"] or 0, 0, LARGEST_WHOLE) if row else 0


def name_vehicle(db: sqlite3.Connection, account: str, batch_id: str, vehicle: str) -> None:
    """Keep the vehicle that the API names a batch after; one that nobody has looked at is seen with that for the first time."""
    db.execute(
        """INSERT INTO looks (account, batch_id, lease_until, seen_after, vehicle)
        VALUES (:account, :batch_id, 0, :newest, :vehicle) ON CONFLICT (account, batch_id) DO UPDATE SET vehicle = :vehicle,
            seen_after = CASE WHEN checked_at IS NULL THEN coalesce(seen_after, :newest) ELSE seen_after END""",
        {"account": account, "batch_id": batch_id, "newest": entries.newest(db, account), "vehicle": vehicle},
    )


def vehicle_named(db: sqlite3.Connection, account: str, batch_id: str) -> str | None:
    """The vehicle that the API names a batch after; None where it did not tell."""
    row = db.execute(
        "SELECT vehicle FROM looks WHERE account = ? AND batch_id = ?", (account, batch_id)
    ).fetchone()
    return words_or_none(row["vehicle"]) if row else None


def _set_lease(db: sqlite3.Connection, account: str, batch_id: str, until: float) -> None:
    db.execute(
        "UPDATE looks SET lease_until = :until WHERE account = :account AND batch_id = :batch_id AND lease_until != :until",
        {"account": account, "batch_id": batch_id, "until": until},
    )


def _left_s(until: float, now: float, most_s: float) -> float:
    """Seconds until a time; 0 when it is past, or so far ahead that the clock was set back meanwhile."""
    left_s = until - now
    return left_s if 0 < left_s <= most_s else 0.0
