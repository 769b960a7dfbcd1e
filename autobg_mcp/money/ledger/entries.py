"""The rows of the entries table, inside a transaction that the caller holds."""

import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import fields
from typing import Final, get_args

from autobg_mcp.money.ledger.columns import (
    LARGEST_WHOLE,
    api_id,
    moment_or_none,
    storable,
    words,
    words_or_none,
)
from autobg_mcp.money.ledger.records import Entry, Intent, Outcome
from autobg_mcp.state import ImpossibleValueError, moment, whole_between
from autobg_mcp.text import cleaned

_FIRST_IDS: Final = 2**40
_STATES = ("intended", *get_args(Outcome))
_COLUMNS = ", ".join(field.name for field in fields(Entry))


def claimed(db: sqlite3.Connection, intent: Intent, owner: str, now: float, lease_s: float) -> Entry:
    """A new entry that is under way."""
    # Entries are written in the order of real time, so none may leave its window before an earlier one.
    newest = db.execute("SELECT window_from FROM entries WHERE id = (SELECT max(id) FROM entries)").fetchone()
    values = {
        # Every file counts from a number of its own: an outcome whose file was replaced meanwhile meets no other's entry.
        "id": None if newest else secrets.randbelow(_FIRST_IDS) + 1,
        # A file name that is not UTF-8 reaches Python with lone surrogates, which SQLite refuses.
        **{field.name: storable(getattr(intent, field.name)) for field in fields(Intent)},
        "at": now,
        "window_from": max(now, moment(newest["window_from"])) if newest else now,
        "state": "intended",
        "owner": owner,
        "lease_until": now + lease_s,
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    entry_id = db.execute(f"INSERT INTO entries ({names}) VALUES ({marks})", values).lastrowid  # noqa: S608
    new = entry(db, entry_id or 0)
    assert new is not None
    return new


def earlier(db: sqlite3.Connection, intent: Intent, since: float) -> Entry | None:
    """The entry that a submission would repeat, an accepted one first; None where there is none."""
    found = _found(
        db,
        "INDEXED BY entries_by_fingerprint WHERE account = ? AND fingerprint = ? AND state != 'refused' AND window_from > ? "
        "ORDER BY state = 'accepted' DESC, id DESC LIMIT 1",
        (intent.account, intent.fingerprint, since),
    )
    return found[0] if found else None


def refused(db: sqlite3.Connection, intents: Iterable[Intent], since: float) -> set[str]:
    """The fingerprints of those that were sent since then and refused."""
    return {
        intent.fingerprint
        for intent in intents
        if db.execute(
            "SELECT 1 FROM entries INDEXED BY entries_by_fingerprint WHERE account = ? AND fingerprint = ? "
            "AND state = 'refused' AND sent_at > ? LIMIT 1",
            (intent.account, intent.fingerprint, since),
        ).fetchone()
    }


def spent(db: sqlite3.Connection, account: str, since: float, until: float | None = None) -> int:
    """Credits of all entries from `since` on and before `until` that were not refused; None is no end."""
    [pictures] = db.execute(
        "SELECT coalesce(sum(pictures), 0) FROM entries INDEXED BY entries_by_time "
        "WHERE account = ? AND at >= ? AND at < ? AND state != 'refused'",
        (account, since, 1e300 if until is None else until),
    ).fetchone()
    return whole_between(pictures, 0, LARGEST_WHOLE)


def handed_to_people(db: sqlite3.Connection, account: str, batch_id: str) -> float | None:
    """When the newest of a batch's entries that people work on was written down; None where there is none."""
    [newest] = db.execute(
        "SELECT max(at) FROM entries INDEXED BY entries_by_batch "
        "WHERE account = ? AND batch_id = ? AND state = 'accepted' AND process_type = 'collab'",
        (account, batch_id),
    ).fetchone()
    return None if newest is None else moment(newest)


def unknown(db: sqlite3.Connection, account: str) -> list[Entry]:
    """Those of unknown outcome, oldest first."""
    return _found(
        db, "INDEXED BY entries_unknown WHERE account = ? AND state = 'unknown' ORDER BY id", (account,)
    )


def under_way(db: sqlite3.Connection, account: str) -> list[Entry]:
    """Those that a live process is submitting, oldest first."""
    return _found(
        db, "INDEXED BY entries_under_way WHERE account = ? AND state = 'intended' ORDER BY id", (account,)
    )


def of_batch(db: sqlite3.Connection, account: str, batch_id: str) -> list[Entry]:
    """Those accepted into a batch, oldest first."""
    return _found(
        db,
        "INDEXED BY entries_by_batch WHERE account = ? AND batch_id = ? AND state = 'accepted' ORDER BY id",
        (account, batch_id),
    )


def newest(db: sqlite3.Connection, account: str) -> int:
    """The newest entry of an account, by number; 0 where there is none."""
    [entry_id] = db.execute(
        "SELECT max(id) FROM entries INDEXED BY entries_by_account WHERE account = ?", (account,)
    ).fetchone()
    return whole_between(entry_id or 0, 0, LARGEST_WHOLE)


def entry(db: sqlite3.Connection, entry_id: int) -> Entry | None:
    """One entry; None where there is none of that number."""
    found = _found(db, "WHERE id = ?", (entry_id,))
    return found[0] if found else None


def names_of(entry: Entry) -> list[str]:
    """The names of an entry's files as a status tells them: on one line, without what hides text."""
    return [cleaned(name) for name in entry.file_name.split("\n")]


def _found(db: sqlite3.Connection, rest: str, values: tuple[object, ...]) -> list[Entry]:
    """The entries of a query; each names its index, since the planner may take a slower one as the table grows."""
    return [_entry(row) for row in db.execute(f"SELECT {_COLUMNS} FROM entries {rest}", values)]  # noqa: S608


def _entry(row: sqlite3.Row) -> Entry:
    if row["state"] not in _STATES:
        raise ImpossibleValueError(f"{row['state']!r:.50} where a state belongs")
    return Entry(
        account=words(row["account"]),
        host=words(row["host"]),
        tool=words(row["tool"]),
        vehicle=words(row["vehicle"]),
        template=words_or_none(row["template"]),
        file_name=words(row["file_name"]),
        pictures=whole_between(row["pictures"], 0, LARGEST_WHOLE),
        fingerprint=words(row["fingerprint"]),
        source=words_or_none(row["source"]),
        process_type=words_or_none(row["process_type"]),
        id=whole_between(row["id"], 1, LARGEST_WHOLE),
        at=moment(row["at"]),
        state=row["state"],
        batch_id=None if row["batch_id"] is None else api_id(row["batch_id"]),
        reason=words_or_none(row["reason"]),
        settled_at=moment_or_none(row["settled_at"]),
    )
