"""Pictures as the API last told them, and the submissions they came from."""

import sqlite3
from collections.abc import Sequence

from autobg_mcp.money.ledger import entries
from autobg_mcp.money.ledger.columns import api_id, storable, words
from autobg_mcp.money.ledger.records import Entry, KnownPicture, LastSeen, PictureState


def keep(db: sqlite3.Connection, account: str, batch_id: str, pictures: Sequence[PictureState]) -> None:
    """Keep what the API told of a batch's pictures; what has not changed is not written."""
    # Strict, since a row that is the same need not be written again.
    db.executemany(
        """INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, batch_id, pic_id) DO UPDATE SET
            name = excluded.name, processed = excluded.processed, failed = excluded.failed
        WHERE name != excluded.name OR processed != excluded.processed OR failed != excluded.failed""",
        [(account, batch_id, storable(p.pic_id), storable(p.name), p.processed, p.failed) for p in pictures],
    )


def of_batch(db: sqlite3.Connection, account: str, batch_id: str) -> list[PictureState]:
    """The pictures of a batch, in the order in which they were first told."""
    rows = db.execute(
        "SELECT * FROM pictures WHERE account = ? AND batch_id = ? ORDER BY +rowid", (account, batch_id)
    )
    return [
        PictureState(
            api_id(row["pic_id"]),
            words(row["name"]),
            bool(row["processed"]),
            bool(row["failed"]),
        )
        for row in rows
    ]


def last_seen(db: sqlite3.Connection, account: str, pic_id: str) -> LastSeen | None:
    """Where and how a picture was last seen; None where no status of its batch was recorded."""
    row = db.execute(
        "SELECT batch_id, processed, failed FROM pictures WHERE account = ? AND pic_id = ? ORDER BY rowid DESC LIMIT 1",
        (account, pic_id),
    ).fetchone()
    return LastSeen(api_id(row["batch_id"]), not (row["processed"] or row["failed"])) if row else None


def known(db: sqlite3.Connection, account: str, pic_id: str) -> KnownPicture | None:
    """One picture; see `Ledger.picture`."""
    rows = db.execute(
        "SELECT batch_id, name FROM pictures WHERE account = ? AND pic_id = ? ORDER BY +rowid",
        (account, pic_id),
    ).fetchall()
    if not rows:
        return None
    name = words(rows[-1]["name"])
    # A picture that went through human QA can stand in a second batch that nothing was submitted to.
    batch_ids = [api_id(row["batch_id"]) for row in rows]
    submitted = _submitted_as(db, account, name, batch_ids)
    return KnownPicture(
        name=name,
        batch_id=batch_ids[0],
        source=submitted.source if submitted else None,
        submitted_at=submitted.at if submitted else None,
    )


def _submitted_as(db: sqlite3.Connection, account: str, name: str, batch_ids: list[str]) -> Entry | None:
    """The submission that a picture of that name came from, or None where that is not certain."""
    of_its_batches = (entry for one in batch_ids for entry in entries.of_batch(db, account, one))
    submitted = sorted(
        (entry for entry in of_its_batches if name in entries.names_of(entry)), key=lambda entry: entry.id
    )
    namesakes = {
        row["pic_id"]
        for one in batch_ids
        for row in db.execute(
            "SELECT pic_id FROM pictures WHERE account = ? AND batch_id = ? AND name = ?",
            (account, one, name),
        )
    }
    certain = len({entry.source for entry in submitted}) == 1 and len(namesakes) <= len(submitted)
    return submitted[-1] if certain else None
