"""One look at a batch for all who wait for it, in any process."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from autobg_mcp.money.ledger import entries
from autobg_mcp.money.ledger.database import Database
from autobg_mcp.money.ledger.records import PictureState, Poll

_NEXT_LOOK_S: Final = 0.5
"""How often a waiter looks into the ledger while another one asks the API."""


_ASK_ANEW: Final = -1.0
"""A lease that says: the last known state stands, but the next waiter asks the API whatever its age."""


def ask_anew(db: sqlite3.Connection, account: str, batch_id: str | None) -> None:
    """Keep what was last seen of a batch, but let nobody take it for its state now."""
    db.execute(
        "UPDATE looks SET lease_until = ? WHERE account = ? AND batch_id = ?", (_ASK_ANEW, account, batch_id)
    )


class Looks(Database):
    """The last known state of batches, and who asks for it next."""

    def status_lease(self, account: str, batch_id: str, *, fresh_s: float, lease_s: float) -> Poll:
        """The state of a batch where it is fresh, else the right for one waiter to ask the API.

        Args:
            account: Hash of the API key.
            batch_id: The batch.
            fresh_s: How old the last known state may be.
            lease_s: How long the caller may take to ask; after that the right goes to the next one.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            now = self._clock()
            row = db.execute(
                "SELECT * FROM looks WHERE account = ? AND batch_id = ?", (account, batch_id)
            ).fetchone()
            checked_at = row["checked_at"] if row else None
            pictures = None if checked_at is None else _pictures(db, account, batch_id)
            is_stale = row is not None and row["lease_until"] == _ASK_ANEW
            fresh_for_s = (
                0.0 if checked_at is None or is_stale else _left_s(checked_at + fresh_s, now, fresh_s)
            )
            leased_for_s = _left_s(row["lease_until"], now, lease_s) if row else 0.0
            if fresh_for_s or leased_for_s:
                next_look_s = fresh_for_s or min(leased_for_s, _NEXT_LOOK_S)
                return Poll(False, pictures, checked_at, next_look_s)
            db.execute(
                "INSERT INTO looks VALUES (:account, :batch_id, NULL, :until) "
                "ON CONFLICT (account, batch_id) DO UPDATE SET lease_until = :until",
                {"account": account, "batch_id": batch_id, "until": now + lease_s},
            )
            return Poll(True, pictures, checked_at, 0.0)

    def give_up_look(self, account: str, batch_id: str) -> None:
        """Leave the right to ask the API to the next waiter, after a look that failed.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE looks SET lease_until = 0 WHERE account = ? AND batch_id = ?", (account, batch_id)
            )

    def record_status(self, account: str, batch_id: str, pictures: Sequence[PictureState]) -> None:
        """Keep what the API told about a batch, let every waiter have it, and settle the submissions it proves.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            db.executemany(
                """INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (account, batch_id, pic_id) DO UPDATE SET
                    name = excluded.name, processed = excluded.processed, failed = excluded.failed""",
                [(account, batch_id, p.pic_id, p.name, p.processed, p.failed) for p in pictures],
            )
            db.execute(
                "INSERT INTO looks VALUES (:account, :batch_id, :now, 0) "
                "ON CONFLICT (account, batch_id) DO UPDATE SET checked_at = :now, lease_until = 0",
                {"account": account, "batch_id": batch_id, "now": self._clock()},
            )
            entries.settle_what_is_seen(db, account, batch_id, self._clock())


def _pictures(db: sqlite3.Connection, account: str, batch_id: str) -> list[PictureState]:
    rows = db.execute(
        "SELECT * FROM pictures WHERE account = ? AND batch_id = ? ORDER BY rowid", (account, batch_id)
    )
    return [
        PictureState(row["pic_id"], row["name"], bool(row["processed"]), bool(row["failed"])) for row in rows
    ]


def _left_s(until: float, now: float, most_s: float) -> float:
    """Seconds until a time; 0 when it is past, or so far ahead that the clock was set back meanwhile."""
    left_s = until - now
    return left_s if 0 < left_s <= most_s else 0.0
