"""The rows of the entries table, inside a transaction that the caller holds."""

import os
import sqlite3
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Final

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger.records import Entry, Intent
from autobg_mcp.text import cleaned

LEASE_S: Final = 60.0
"""How long an entry may stay under way after it was written down or sent; its process counts as dead then."""

_MOST_CREDITS = 2**63 - 1  # the largest whole number of SQLite
_FIELDS = [field.name for field in fields(Entry)]


def write_down(db: sqlite3.Connection, submission: Intent, owner: str, now: float) -> Entry:
    """A new entry that is under way."""
    # Entries are written in the order of real time, so none may leave its window before an earlier one.
    newest = db.execute("SELECT window_from FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    values = {
        # A file name that is not UTF-8 reaches Python with lone surrogates, which SQLite refuses.
        **{field.name: _storable(getattr(submission, field.name)) for field in fields(Intent)},
        "at": now,
        "window_from": max(now, newest["window_from"]) if newest else now,
        "state": "intended",
        "owner": owner,
        "lease_until": now + LEASE_S,
        "credits_before": _balance(db, submission.account),
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    entry_id = db.execute(f"INSERT INTO entries ({names}) VALUES ({marks})", values).lastrowid  # noqa: S608
    return from_row(db.execute("SELECT * FROM entries WHERE id = ?", (entry_id,)).fetchone())


def keep_balance(db: sqlite3.Connection, account: str, left: float, now: float) -> None:
    """Keep a balance and give it to the newest entry, unless that has one or an entry is under way."""
    # A plus before `account` keeps SQLite from going through all entries of the account, here and below.
    under_way = db.execute("SELECT 1 FROM entries WHERE state = 'intended' AND +account = ?", (account,))
    if under_way.fetchone() or abs(left) > _MOST_CREDITS:
        return
    newest = _newest(db, account)
    db.execute("UPDATE entries SET credits_after = ? WHERE id = ? AND credits_after IS NULL", (left, newest))
    db.execute("INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)", (account, left, now, newest))


def _balance(db: sqlite3.Connection, account: str) -> float | None:
    """The kept balance of an account; None where there is none or an entry was written down after it."""
    row = db.execute(
        "SELECT credits_left FROM balances WHERE account = ? AND newest_entry = ?",
        (account, _newest(db, account)),
    ).fetchone()
    return row["credits_left"] if row else None


def _newest(db: sqlite3.Connection, account: str) -> int:
    """The id of an account's newest entry; 0 where there is none."""
    found = db.execute("SELECT id FROM entries WHERE +account = ? ORDER BY id DESC LIMIT 1", (account,))
    row = found.fetchone()
    return int(row["id"]) if row else 0


def give_up_on_the_dead(db: sqlite3.Connection, now: float) -> None:
    """Settle what dead processes left under way: unknown if bytes may have left, else refused.

    A process that cannot be seen (it ended, or it runs in another container) counts as dead before its lease ends. Should
    it live after all, `Ledger.sent` stops it before it sends, and its answer, should it have sent, still counts.
    """
    owners = [
        row["owner"] for row in db.execute("SELECT DISTINCT owner FROM entries WHERE state = 'intended'")
    ]
    gone = [(owner,) for owner in owners if _is_gone(owner)]
    db.executemany("UPDATE entries SET lease_until = 0 WHERE state = 'intended' AND owner = ?", gone)
    # A lease that ends too far ahead was written by a clock that has been set back since.
    db.execute(
        """UPDATE entries SET
            state = CASE WHEN sent_at IS NULL THEN 'refused' ELSE 'unknown' END,
            reason = CASE WHEN sent_at IS NULL THEN 'never sent' ELSE 'no answer was recorded' END,
            settled_at = :now
        WHERE state = 'intended' AND NOT lease_until BETWEEN :now AND :now + 2 * :lease_s""",
        {"now": now, "lease_s": LEASE_S},
    )


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


def settle_what_is_seen(db: sqlite3.Connection, account: str, batch_id: str, now: float) -> None:
    """Accept unknown entries whose files stand in their vehicle's batch beside those that were accepted into it.

    Of several unknown files of one name either all are seen, or nobody can tell which: then all stay unknown.
    """
    key = (account, batch_id)
    rows = db.execute("SELECT * FROM entries WHERE account = ? AND batch_id = ? AND state = 'accepted'", key)
    accepted = [from_row(row) for row in rows]
    pictures = db.execute("SELECT name FROM pictures WHERE account = ? AND batch_id = ?", key)
    seen = Counter(row["name"] for row in pictures)
    seen.subtract(name for entry in accepted for name in names_of(entry))
    rows = db.execute("SELECT * FROM entries WHERE account = ? AND state = 'unknown'", (account,))
    vehicles = {entry.vehicle for entry in accepted}
    unknown = [entry for entry in map(from_row, rows.fetchall()) if entry.vehicle in vehicles]
    wanted = Counter(name for entry in unknown for name in names_of(entry))
    proved = [entry.id for entry in unknown if all(seen[name] >= wanted[name] for name in names_of(entry))]
    db.executemany(
        "UPDATE entries SET state = 'accepted', batch_id = ?, settled_at = ?, "
        "reason = 'seen in the batch of its vehicle' WHERE id = ?",
        [(batch_id, now, entry_id) for entry_id in proved],
    )


def names_of(entry: Entry) -> list[str]:
    """The names of an entry's files as a status tells them: on one line, without what hides text."""
    return [cleaned(name) for name in entry.file_name.split("\n")]


def earlier(db: sqlite3.Connection, submission: Intent, since: float) -> Entry | None:
    """The entry that a submission would repeat, an accepted one first; None where there is none."""
    row = db.execute(
        "SELECT * FROM entries WHERE account = ? AND fingerprint = ? AND state != 'refused' AND window_from > ? "
        "ORDER BY state = 'accepted' DESC, id DESC LIMIT 1",
        (submission.account, submission.fingerprint, since),
    ).fetchone()
    return from_row(row) if row else None


def spent(db: sqlite3.Connection, account: str, since: float, until: float | None) -> int:
    """Credits of all entries from `since` up to `until` that were not refused."""
    (pictures,) = db.execute(
        "SELECT coalesce(sum(pictures), 0) FROM entries WHERE account = :account AND state != 'refused' "
        "AND at >= :since AND (:until IS NULL OR at < :until)",
        {"account": account, "since": since, "until": until},
    ).fetchone()
    return int(pictures)


def entry(db: sqlite3.Connection, path: Path, entry_id: int) -> Entry:
    """One entry.

    Raises:
        StateError: There is none of that number.
    """
    row = db.execute("SELECT * FROM entries WHERE id = ?", (entry_id,)).fetchone()
    if row is None:
        raise StateError(
            f"The ledger {path} holds no submission {entry_id}; was the file replaced meanwhile?"
        )
    return from_row(row)


def from_row(row: sqlite3.Row) -> Entry:
    """A row with all columns of the table as an entry."""
    return Entry(**{name: row[name] for name in _FIELDS})


def _storable(value: str | int | None) -> str | int | None:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
