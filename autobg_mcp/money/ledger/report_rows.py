"""Which pictures were reported for which reasons."""

import json
from collections.abc import Iterable

from autobg_mcp.money.ledger.database import Database
from autobg_mcp.money.ledger.looks import ask_anew


class Reports(Database):
    """The reports that the API accepted."""

    def already_reported(
        self, account: str, pic_id: str, reasons: Iterable[str], *, window_s: float
    ) -> float | None:
        """When a picture was last reported for the same reasons; None if not within the last `window_s`.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            (at,) = db.execute(
                "SELECT max(at) FROM reports WHERE account = ? AND pic_id = ? AND reasons = ? AND at > ?",
                (account, pic_id, _key(reasons), self._clock() - window_s),
            ).fetchone()
            return None if at is None else float(at)

    def record_report(
        self, account: str, pic_ids: Iterable[str], reasons: Iterable[str], comment: str
    ) -> None:
        """Keep one accepted report.

        Raises:
            StateError: The ledger cannot be used.
        """
        reasons_key, ids = _key(reasons), list(pic_ids)
        with self._transaction() as db:
            now = self._clock()
            db.executemany(
                "INSERT INTO reports VALUES (?, ?, ?, ?, ?)",
                [(account, pic_id, reasons_key, comment, now) for pic_id in ids],
            )
            # Reported pictures go back to work: what was last seen of their batches holds no longer.
            for pic_id in ids:
                key = (account, pic_id)
                for row in db.execute(
                    "SELECT batch_id FROM pictures WHERE account = ? AND pic_id = ?", key
                ).fetchall():
                    ask_anew(db, account, row["batch_id"])


def _key(reasons: Iterable[str]) -> str:
    """The same text for the same reasons in any order."""
    return json.dumps(sorted(set(reasons)))
