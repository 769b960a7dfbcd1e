"""The rows of the batches table: a batch as its accepted submissions make it, and the search for one."""

import sqlite3
from typing import NamedTuple

from autobg_mcp.money.identity import same_vehicle
from autobg_mcp.money.ledger.columns import LARGEST_WHOLE, api_id, words, words_or_none
from autobg_mcp.money.ledger.entries import names_of
from autobg_mcp.money.ledger.records import Batch, BatchProgress, Entry
from autobg_mcp.state import moment, whole_between

_COLUMNS = "account, batch_id, vehicle, template, first_at, pictures"
_ITS_ENTRIES = """SELECT 1 FROM entries INDEXED BY entries_by_batch
    WHERE account = :account AND batch_id = batches.batch_id AND state = 'accepted'"""


def add(db: sqlite3.Connection, entry: Entry) -> None:
    """Count an entry that has just been accepted into a batch."""
    db.execute(
        """INSERT INTO batches
            VALUES (:account, :batch_id, :vehicle, :template, :at, :at, :pictures, :id, casefold(:batch_id || :about || :names))
        ON CONFLICT (account, batch_id) DO UPDATE SET
            vehicle = CASE WHEN newest_entry < :id THEN :vehicle ELSE vehicle END,
            template = CASE WHEN newest_entry < :id THEN :template ELSE template END,
            first_at = min(first_at, :at),
            last_at = max(last_at, :at),
            pictures = pictures + :pictures,
            newest_entry = max(newest_entry, :id),
            searched = searched || CASE WHEN instr(searched, casefold(:about)) THEN '' ELSE casefold(:about) END
                || casefold(:names)""",
        {
            "account": entry.account,
            "batch_id": entry.batch_id,
            "vehicle": entry.vehicle,
            "template": entry.template,
            "at": entry.at,
            "pictures": max(entry.pictures, len(names_of(entry))),
            "id": entry.id,
            "about": f"\n{entry.vehicle}\n{entry.tool}\n{entry.template or ''}",
            "names": f"\n{entry.file_name}",
        },
    )


_HOLDS_TEXT = """(instr(searched, :folded) OR template IN
    (SELECT template_id FROM templates WHERE account = :account AND instr(casefold(name), :folded)) OR batch_id IN
    (SELECT batch_id FROM pictures WHERE account = :account AND pic_id = :text) OR
    instr(:vehicles, char(10) || vehicle || char(10)))"""


def found(
    db: sqlite3.Connection,
    account: str,
    since: float | None,
    until: float | None,
    text: str | None,
    limit: int,
) -> list[Batch]:
    """The batches that fit every filter, newest first; see `Ledger.batches`."""
    conditions = ["account = :account"]
    if since is not None or until is not None:
        conditions += [
            "last_at >= :since",
            "first_at < :until",
            f"EXISTS ({_ITS_ENTRIES} AND at >= :since AND at < :until)",
        ]
    if text is not None:
        conditions.append(_HOLDS_TEXT)
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM batches WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants of this module
        "ORDER BY last_at DESC, newest_entry DESC LIMIT :limit",
        {
            "account": account,
            "since": -1e300 if since is None else since,
            "until": 1e300 if until is None else until,
            "limit": limit,
            **({} if text is None else _meaning(db, account, text)),
        },
    ).fetchall()
    return [_batch(db, row) for row in rows]


def one(db: sqlite3.Connection, account: str, batch_id: str) -> Batch | None:
    """One batch; None where nothing was submitted to it from here."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM batches WHERE account = ? AND batch_id = ?",  # noqa: S608 - constants of this module
        (account, batch_id),
    ).fetchone()
    return _batch(db, row) if row else None


def _meaning(db: sqlite3.Connection, account: str, text: str) -> dict[str, str]:
    """What a text may mean: words, the number of a picture, and vehicles whose id holds it in whatever spelling."""
    rows = db.execute("SELECT DISTINCT vehicle FROM batches WHERE account = ?", (account,)).fetchall()
    known, wanted = [words(row["vehicle"]) for row in rows], same_vehicle(text)
    vehicles = "".join(f"\n{vehicle}\n" for vehicle in known if wanted in same_vehicle(vehicle))
    return {"text": text, "folded": text.casefold(), "vehicles": vehicles}


_TO_FETCH = """SELECT count(*) FROM pictures WHERE account = :account AND batch_id = :batch_id AND processed AND NOT failed
    AND (NOT EXISTS (SELECT 1 FROM results WHERE account = :account AND pic_id = pictures.pic_id) OR EXISTS
    (SELECT 1 FROM reports INDEXED BY reports_by_picture
        WHERE account = :account AND pic_id = pictures.pic_id AND since_sha256 IS NULL))"""


def progress(db: sqlite3.Connection, account: str, batch_id: str) -> BatchProgress | None:
    """How far a batch is; None where nothing was submitted to it from here."""
    key = {"account": account, "batch_id": batch_id}
    row = db.execute(
        "SELECT pictures FROM batches WHERE account = :account AND batch_id = :batch_id", key
    ).fetchone()
    if row is None:
        return None
    state = _last_known_state(db, (account, batch_id))
    if state.processed is None or state.failed is None:
        return BatchProgress(looked_at=False, in_work=0, failed=0, to_fetch=0)
    submitted = whole_between(row["pictures"], 0, LARGEST_WHOLE)
    [to_fetch] = db.execute(_TO_FETCH, key).fetchone()
    in_work = max(submitted - state.processed - state.failed, state.pending or 0)
    return BatchProgress(looked_at=True, in_work=in_work, failed=state.failed, to_fetch=to_fetch)


def vehicle_of(db: sqlite3.Connection, account: str, batch_id: str) -> str | None:
    """The vehicle of a batch; None where nothing was submitted to it from here."""
    row = db.execute(
        "SELECT vehicle FROM batches WHERE account = ? AND batch_id = ?", (account, batch_id)
    ).fetchone()
    return words(row["vehicle"]) if row else None


def _batch(db: sqlite3.Connection, row: sqlite3.Row) -> Batch:
    state = _last_known_state(db, (row["account"], row["batch_id"]))
    return Batch(
        batch_id=api_id(row["batch_id"]),
        vehicle=words(row["vehicle"]),
        template=words_or_none(row["template"]),
        first_at=moment(row["first_at"]),
        pictures=whole_between(row["pictures"], 0, LARGEST_WHOLE),
        processed=state.processed,
        failed=state.failed,
        pending=state.pending,
        checked_at=state.checked_at,
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
        "SELECT coalesce(sum(processed AND NOT failed), 0), coalesce(sum(failed != 0), 0), count(*) "
        "FROM pictures WHERE account = ? AND batch_id = ?",
        key,
    ).fetchone()
    return _State(processed, failed, seen - processed - failed, moment(look["checked_at"]))
