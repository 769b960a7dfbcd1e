"""Batches by the names people use, and the pictures in them."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from autobg_mcp.money.ledger import entries
from autobg_mcp.money.ledger.database import Database
from autobg_mcp.money.ledger.records import Batch, Entry, KnownPicture

_CHOSEN = """
SELECT batch_id FROM entries
WHERE account = :account AND state = 'accepted' AND batch_id IS NOT NULL
    AND (:since IS NULL OR at >= :since)
    AND (:until IS NULL OR at < :until)
    AND (:vehicle IS NULL OR casefold(vehicle) = casefold(:vehicle))
    AND (:template IS NULL OR template = :template OR template IN (
        SELECT template_id FROM templates WHERE account = :account AND casefold(name) = casefold(:template)))
    AND (:text IS NULL OR instr(
        casefold(batch_id || ' ' || vehicle || ' ' || tool || ' ' || file_name || ' ' || coalesce(
            (SELECT name FROM templates WHERE account = :account AND template_id = template), '')),
        casefold(:text)))
GROUP BY batch_id ORDER BY max(at) DESC, max(id) DESC LIMIT :limit
"""


class BatchRows(Database):
    """What stands in the ledger about batches, pictures and templates."""

    def batches(
        self,
        account: str,
        *,
        since: float | None = None,
        until: float | None = None,
        vehicle: str | None = None,
        template: str | None = None,
        text: str | None = None,
        limit: int = 20,
    ) -> list[Batch]:
        """The batches with at least one accepted submission that fits every filter, newest first.

        Args:
            account: Hash of the API key.
            since: Submitted at this time or later; None for any.
            until: Submitted before this time; None for any.
            vehicle: The vehicle's id in any letter case; None for any.
            template: A template's id, or its name in any letter case; None for any.
            text: A part of batch number, vehicle, tool, file name or template name; None for any.
            limit: How many batches at most.

        Raises:
            StateError: The ledger cannot be used.
        """
        filters = {"since": since, "until": until, "vehicle": vehicle, "template": template, "text": text}
        with self._transaction() as db:
            entries.give_up_on_the_dead(db, self._clock())
            chosen = db.execute(_CHOSEN, {"account": account, "limit": limit, **filters}).fetchall()
            return [_batch(db, account, row["batch_id"]) for row in chosen]

    def picture(self, account: str, pic_id: str) -> KnownPicture | None:
        """What is known of one picture; None where no status of its batch was recorded.

        Its original is told where it is certain: one original of that name was submitted to its batches,
        and they hold no more pictures of that name than were submitted.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            row = db.execute(
                "SELECT * FROM pictures WHERE account = ? AND pic_id = ? ORDER BY rowid DESC LIMIT 1",
                (account, pic_id),
            ).fetchone()
            if row is None:
                return None
            submitted = _submitted_as(db, row)
            return KnownPicture(
                pic_id=pic_id,
                name=row["name"],
                processed=bool(row["processed"]),
                failed=bool(row["failed"]),
                batch_id=row["batch_id"],
                source=submitted.source if submitted else None,
                fingerprint=submitted.fingerprint if submitted else None,
                submitted_at=submitted.at if submitted else None,
            )

    def template_name(self, account: str, template_id: str) -> str | None:
        """The name of a template; None where it was never recorded.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            row = db.execute(
                "SELECT name FROM templates WHERE account = ? AND template_id = ?", (account, template_id)
            ).fetchone()
            return row["name"] if row else None

    def record_templates(self, account: str, names: Mapping[str, str]) -> None:
        """Keep the names of templates, by template id; a known id gets the new name.

        Raises:
            StateError: The ledger cannot be used.
        """
        with self._transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO templates VALUES (?, ?, ?)",
                [(account, template_id, name) for template_id, name in names.items()],
            )


def _batch(db: sqlite3.Connection, account: str, batch_id: str) -> Batch:
    key = (account, batch_id)
    rows = db.execute(
        "SELECT * FROM entries WHERE account = ? AND batch_id = ? AND state = 'accepted' ORDER BY id", key
    )
    submitted = [entries.from_row(row) for row in rows]
    newest = submitted[-1]
    (unknown,) = db.execute(
        "SELECT count(*) FROM entries WHERE account = ? AND state = 'unknown' AND vehicle = ?",
        (account, newest.vehicle),
    ).fetchone()
    state = _last_known_state(db, key)
    return Batch(
        batch_id=batch_id,
        vehicle=newest.vehicle,
        template=newest.template,
        tool=newest.tool,
        first_at=min(entry.at for entry in submitted),
        last_at=max(entry.at for entry in submitted),
        pictures=sum(entry.pictures for entry in submitted),
        files=tuple(name for entry in submitted for name in entries.names_of(entry)),
        processed=state.processed,
        failed=state.failed,
        pending=state.pending,
        checked_at=state.checked_at,
        unknown=unknown,
    )


class _State(NamedTuple):
    processed: int | None
    failed: int | None
    pending: int | None
    checked_at: float | None


def _last_known_state(db: sqlite3.Connection, key: tuple[str, str]) -> _State:
    look = db.execute("SELECT checked_at FROM looks WHERE account = ? AND batch_id = ?", key).fetchone()
    if look is None or look["checked_at"] is None:
        return _State(None, None, None, None)
    processed, failed, seen = db.execute(
        "SELECT coalesce(sum(processed AND NOT failed), 0), coalesce(sum(failed), 0), count(*) "
        "FROM pictures WHERE account = ? AND batch_id = ?",
        key,
    ).fetchone()
    return _State(processed, failed, seen - processed - failed, look["checked_at"])


def _submitted_as(db: sqlite3.Connection, picture: sqlite3.Row) -> Entry | None:
    """The submission that a picture came from, or None where that is not certain."""
    key = {"account": picture["account"], "pic_id": picture["pic_id"], "name": picture["name"]}
    # A picture that went through human QA can stand in a second batch that nothing was submitted to.
    rows = db.execute(
        "SELECT * FROM entries WHERE account = :account AND state = 'accepted' AND batch_id IN "
        "(SELECT batch_id FROM pictures WHERE account = :account AND pic_id = :pic_id) ORDER BY id",
        key,
    )
    submitted = [entry for entry in map(entries.from_row, rows) if picture["name"] in entries.names_of(entry)]
    (namesakes,) = db.execute(
        "SELECT count(DISTINCT pic_id) FROM pictures WHERE account = :account AND name = :name AND batch_id IN "
        "(SELECT batch_id FROM pictures WHERE account = :account AND pic_id = :pic_id)",
        key,
    ).fetchone()
    certain = len({entry.source for entry in submitted}) == 1 and namesakes <= len(submitted)
    return submitted[-1] if certain else None
