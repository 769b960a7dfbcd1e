"""Buckets in one SQLite file, shared by every process of a user on a machine.

Moments come from the clock that all processes of one boot share. After a restart it begins again near zero; the
bucket's own time then goes on from where it was, which frees nothing.
"""

import sqlite3
from pathlib import Path

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.state import StateFile, text_up_to, whole_between
from autobg_mcp.throttle.bucket import NUMBERS, Bucket, Waiter, checked
from autobg_mcp.throttle.policy import microseconds, span_us
from autobg_mcp.throttle.store import Change, run
from autobg_mcp.throttle.wishes import Replies, Wishes

_NAME_CHARS = 1000  # of a bucket: an account and a tool
_IF_LOST = (
    "The slots used in the last window are forgotten then, so wait a minute before the next call; sooner, it can exceed "
    "the API's limit."
)
_MIGRATIONS = (
    (
        "CREATE TABLE bucket (name TEXT PRIMARY KEY, seen_us INTEGER, state TEXT) WITHOUT ROWID",
    ),  # as 0.1.0 had it
    (
        "DROP TABLE bucket",
        "CREATE TABLE bucket (name TEXT PRIMARY KEY, calls, window_us, used, drawn, seen_us, ahead_us, closed_us, latency_us, halved, since_us) WITHOUT ROWID",
        "CREATE TABLE slot (bucket TEXT, number INTEGER, stamp_us, PRIMARY KEY (bucket, number)) WITHOUT ROWID",
        "CREATE INDEX slot_by_stamp ON slot (bucket, stamp_us)",
        "CREATE TABLE waiter (bucket TEXT, number INTEGER, owner, lease_us, PRIMARY KEY (bucket, number)) WITHOUT ROWID",
    ),
    (
        "ALTER TABLE bucket ADD COLUMN paced_us DEFAULT 0",
        "ALTER TABLE waiter ADD COLUMN background DEFAULT 0",
    ),
)
_PUT_BUCKET = f"REPLACE INTO bucket VALUES (?, {', '.join('?' * len(NUMBERS))})"  # noqa: S608 - marks alone
_OLDEST = "SELECT number, stamp_us FROM slot WHERE bucket = ? AND stamp_us > ? ORDER BY stamp_us LIMIT ?"
_NOTED = "SELECT number, stamp_us FROM slot WHERE bucket = ? AND number = ? AND stamp_us > ?"


class SqliteStore:
    """Keeps buckets in a state file.

    Args:
        path: The file, on a local disk.
        clock: Tells a time that is the same for every process of the machine.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM) -> None:
        self._file = StateFile(
            path, called="throttle's state file", if_lost=_IF_LOST, migrations=_MIGRATIONS, flushed=False
        )
        self._clock = clock

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        """Runs the step in a write transaction, which leaves no trace if nothing changed."""
        with self._file.writing() as db:
            clock_us = microseconds(self._clock.monotonic_s())
            bucket = _numbers(db, name) or Bucket.of(wishes.limit)
            now_us = bucket.now_us(clock_us)
            horizon_us = now_us - wishes.limit.span_us
            _load(db, name, bucket, wishes, horizon_us)
            replies, change = run(bucket, now_us, clock_us, wishes)
            if change is not None:
                _write(db, name, bucket, change, horizon_us)
            version = self._file.version()
        return replies, version

    def read(self, prefix: str) -> dict[str, tuple[Bucket, int]]:
        """Every bucket whose name starts with `prefix`, and its time."""
        found = {}
        with self._file.reading() as db:
            for (name,) in db.execute("SELECT name FROM bucket").fetchall():
                is_asked = text_up_to(name, _NAME_CHARS).startswith(prefix)
                bucket = _numbers(db, name) if is_asked else None
                if bucket is not None:
                    now_us = bucket.now_us(microseconds(self._clock.monotonic_s()))
                    _load(db, name, bucket, None, now_us - span_us(bucket.window_us))
                    found[name] = bucket, now_us
        return found

    def version(self, name: str) -> int:  # noqa: ARG002 - one number serves the whole file
        """A number that changes when somebody else has written to the file."""
        return self._file.version()

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()


def _numbers(db: sqlite3.Connection, name: str) -> Bucket | None:
    row = db.execute("SELECT * FROM bucket WHERE name = ?", (name,)).fetchone()
    return None if row is None else checked(Bucket.read(row[1:]))


def _load(db: sqlite3.Connection, name: str, bucket: Bucket, wishes: Wishes | None, horizon_us: int) -> None:
    """Loads the waiters and the slots that a step can need; without wishes, all that still count."""
    rows = db.execute("SELECT number, owner, lease_us, background FROM waiter WHERE bucket = ?", (name,))
    bucket.queue = {
        number: Waiter(owner, lease_us, bool(whole_between(background, 0, 1)))
        for number, owner, lease_us, background in rows
    }
    expired = db.execute("SELECT count(*) FROM slot WHERE bucket = ? AND stamp_us <= ?", (name, horizon_us))
    bucket.used -= expired.fetchone()[0]
    wanted = bucket.used
    if wishes is not None:
        wanted = bucket.deciding(wishes.limit.calls, wishes.extra, halving=wishes.refused)
        for slot in wishes.noted:
            bucket.slots.update(db.execute(_NOTED, (name, slot, horizon_us)))
    bucket.slots.update(db.execute(_OLDEST, (name, horizon_us, wanted)))
    checked(bucket, wanted)


def _write(db: sqlite3.Connection, name: str, bucket: Bucket, change: Change, horizon_us: int) -> None:
    db.execute(_PUT_BUCKET, (name, *bucket.numbers()))
    db.execute("DELETE FROM slot WHERE bucket = ? AND stamp_us <= ?", (name, horizon_us))
    for slot, stamp_us in change.slots.items():
        db.execute("REPLACE INTO slot VALUES (?, ?, ?)", (name, slot, stamp_us))
    for slot in change.freed:
        db.execute("DELETE FROM slot WHERE bucket = ? AND number = ?", (name, slot))
    for place, each in change.waiters.items():
        row = (name, place, each.owner, each.lease_us, each.background)
        db.execute("REPLACE INTO waiter VALUES (?, ?, ?, ?, ?)", row)
    for place in change.left:
        db.execute("DELETE FROM waiter WHERE bucket = ? AND number = ?", (name, place))
