"""How entries come by their outcome: from an answer, from what is seen of a batch, or from a process that died."""

import os
import sqlite3
from dataclasses import dataclass

from autobg_mcp.money.ledger import batch_rows, entries, looks, sightings
from autobg_mcp.money.ledger.columns import storable, words
from autobg_mcp.money.ledger.records import Outcome
from autobg_mcp.state import moment

_RANK = {"intended": 0, "unknown": 1, "refused": 2, "accepted": 3}  # evidence only grows


@dataclass(frozen=True)
class Settlement:
    """What came of one submission, still to be written."""

    entry_id: int
    state: Outcome
    batch_id: str | None
    reason: str | None


def settle(db: sqlite3.Connection, now: float, outcome: Settlement) -> bool:
    """Write an outcome down unless better evidence is there; False where the ledger holds no such entry."""
    before = entries.entry(db, outcome.entry_id)
    if before is None:
        return False
    if _RANK[outcome.state] < _RANK[before.state]:
        return True
    db.execute(
        """UPDATE entries SET
            state = :state,
            settled_at = CASE state WHEN :state THEN settled_at ELSE :now END,
            reason = CASE state WHEN :state THEN coalesce(reason, :reason) ELSE :reason END,
            batch_id = coalesce(batch_id, :batch_id)
        WHERE id = :id""",
        {
            "id": outcome.entry_id,
            "state": outcome.state,
            "now": now,
            "reason": storable(outcome.reason),
            "batch_id": outcome.batch_id,
        },
    )
    after = entries.entry(db, outcome.entry_id)
    assert after is not None
    if after.state == "accepted" and after.batch_id is not None:
        if before.state != "accepted" or before.batch_id is None:
            batch_rows.add(db, after)
        looks.ask_anew(db, after.account, after.batch_id)
    return True


def settle_what_is_seen(db: sqlite3.Connection, account: str, batch_id: str, now: float) -> None:
    """Accept the unknown entries that the pictures of a batch prove; see `sightings`."""
    for entry, ground in sightings.proven(db, account, batch_id):
        settle(db, now, Settlement(entry.id, "accepted", batch_id, ground))


def dead(db: sqlite3.Connection, now: float) -> list[int]:
    """The entries under way whose process has ended, or did not move within its lease."""
    rows = db.execute(
        "SELECT id, owner, lease_until, coalesce(sent_at, at) AS moved_at FROM entries INDEXED BY entries_under_way "
        "WHERE state = 'intended'"
    )
    return [row["id"] for row in rows if _is_over(row, now) or _is_gone(words(row["owner"]))]


def give_up(db: sqlite3.Connection, now: float, entry_ids: list[int]) -> None:
    """Settle what dead processes left under way: unknown if bytes may have left, else refused.

    A process that cannot be seen (it ended, or it runs in another container) counts as dead before its lease ends. Should
    it live after all, `Ledger.sent` stops it before it sends, and its answer, should it have sent, still counts.
    """
    db.executemany(
        """UPDATE entries SET
            state = CASE WHEN sent_at IS NULL THEN 'refused' ELSE 'unknown' END,
            reason = CASE WHEN sent_at IS NULL THEN 'never sent' ELSE 'no answer was recorded' END,
            settled_at = ?
        WHERE id = ?""",
        [(now, entry_id) for entry_id in entry_ids],
    )


def _is_over(row: sqlite3.Row, now: float) -> bool:
    """Whether a lease has ended, or was written by a clock that has been set back since by more than the lease."""
    moved_at, until = moment(row["moved_at"]), moment(row["lease_until"])
    return not moved_at - (until - moved_at) <= now <= until


def _is_gone(owner: str) -> bool:
    """Whether the process that `owner` begins with has surely ended, as far as this system can tell."""
    pid = owner.partition("-")[0]
    if os.name != "posix" or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False
