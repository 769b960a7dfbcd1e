"""The rows of the entries table, inside a transaction that the caller holds."""

import re
import secrets
import sqlite3
from dataclasses import fields
from typing import Final, get_args

from autobg_mcp.money.ledger import balances
from autobg_mcp.money.ledger.records import Entry, Intent, Outcome
from autobg_mcp.state import ImpossibleValueError, number_between, text_up_to, whole_between
from autobg_mcp.text import cleaned

MOST_CHARS: Final = 1_000_000
"""The longest text in the ledger: the names of a long list of links."""

MOST_CREDITS: Final = 2**63 - 1
"""The largest whole number of SQLite."""

_ID: Final = re.compile(r"[\w.-]{1,64}")
_FIRST_IDS: Final = 2**40
_STATES = ("intended", *get_args(Outcome))
_FIRST_MOMENT, _LAST_MOMENT = -6e10, 2.5e11  # the years 1 to 9999, roughly
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
        "credits_before": balances.current(db, intent.account),
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


def spent(db: sqlite3.Connection, account: str, since: float) -> int:
    """Credits of all entries from `since` on that were not refused."""
    [pictures] = db.execute(
        "SELECT coalesce(sum(pictures), 0) FROM entries INDEXED BY entries_by_time "
        "WHERE account = ? AND at >= ? AND state != 'refused'",
        (account, since),
    ).fetchone()
    return whole_between(pictures, 0, MOST_CREDITS)


def unknown(db: sqlite3.Connection, account: str) -> list[Entry]:
    """Those of unknown outcome, oldest first."""
    return _found(
        db, "INDEXED BY entries_unknown WHERE account = ? AND state = 'unknown' ORDER BY id", (account,)
    )


def of_batch(db: sqlite3.Connection, account: str, batch_id: str) -> list[Entry]:
    """Those accepted into a batch, oldest first."""
    return _found(
        db,
        "INDEXED BY entries_by_batch WHERE account = ? AND batch_id = ? AND state = 'accepted' ORDER BY id",
        (account, batch_id),
    )


def entry(db: sqlite3.Connection, entry_id: int) -> Entry | None:
    """One entry; None where there is none of that number."""
    found = _found(db, "WHERE id = ?", (entry_id,))
    return found[0] if found else None


def names_of(entry: Entry) -> list[str]:
    """The names of an entry's files as a status tells them: on one line, without what hides text."""
    return [cleaned(name) for name in entry.file_name.split("\n")]


def storable(value: str | int | None) -> str | int | None:
    """A value without lone surrogates, which SQLite refuses."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def moment(value: object) -> float:
    """A time as it was read.

    Raises:
        ImpossibleValueError: It is none.
    """
    return number_between(value, _FIRST_MOMENT, _LAST_MOMENT)


def words(value: object) -> str:
    """A text as it was read.

    Raises:
        ImpossibleValueError: It is none.
    """
    return text_up_to(value, MOST_CHARS)


def api_id(value: object) -> str:
    """An id of the API as it was read: such as an answer must hold before it is written down.

    Raises:
        ImpossibleValueError: It is none.
    """
    text = words(value)
    if not _ID.fullmatch(text):
        raise ImpossibleValueError(f"{text!r:.50} where an id belongs")
    return text


def words_or_none(value: object) -> str | None:
    """A text as it was read, or nothing.

    Raises:
        ImpossibleValueError: It is neither.
    """
    return None if value is None else words(value)


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
        pictures=whole_between(row["pictures"], 0, MOST_CREDITS),
        fingerprint=words(row["fingerprint"]),
        source=words_or_none(row["source"]),
        id=whole_between(row["id"], 1, MOST_CREDITS),
        at=moment(row["at"]),
        state=row["state"],
        batch_id=None if row["batch_id"] is None else api_id(row["batch_id"]),
        reason=words_or_none(row["reason"]),
        credits_before=balances.credits_or_none(row["credits_before"]),
        credits_after=balances.credits_or_none(row["credits_after"]),
    )
