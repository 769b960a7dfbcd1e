"""Buckets in one SQLite file, shared by every process of a user on a machine.

Moments come from the clock that all processes of one boot share. After a restart it begins again near zero; the
bucket's own time then goes on from where it was, which frees nothing.
"""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import StateError
from autobg_mcp.throttle.bucket import NUMBERS, Bucket, Waiter, checked
from autobg_mcp.throttle.policy import microseconds, span_us
from autobg_mcp.throttle.step import Replies, Wishes
from autobg_mcp.throttle.store import Change, run

_SCHEMA = 2
_TABLES = (
    "DROP TABLE IF EXISTS bucket",
    f"CREATE TABLE bucket (name TEXT PRIMARY KEY, {', '.join(NUMBERS)}) WITHOUT ROWID",
    "CREATE TABLE slot (bucket TEXT, number INTEGER, stamp_us INTEGER, PRIMARY KEY (bucket, number)) WITHOUT ROWID",
    "CREATE INDEX slot_by_stamp ON slot (bucket, stamp_us)",
    "CREATE TABLE waiter (bucket TEXT, number INTEGER, owner, lease_us, PRIMARY KEY (bucket, number)) WITHOUT ROWID",
    f"PRAGMA user_version = {_SCHEMA}",
)
_PUT_BUCKET = "REPLACE INTO bucket VALUES (?, " + ", ".join("?" * len(NUMBERS)) + ")"  # noqa: S608 - our own names
_OLDEST = "SELECT number, stamp_us FROM slot WHERE bucket = ? AND stamp_us > ? ORDER BY stamp_us LIMIT ?"
_PATIENCE_S = 5.0
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_WITHOUT_RIGHTS = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


class SqliteStore:
    """Keeps buckets in a file that only its owner may read; made, with its folder, when first needed.

    Args:
        path: The file, on a local disk.
        clock: Tells a time that is the same for every process of the machine.
        pause: Sleeps for seconds while another process writes.
    """

    def __init__(
        self, path: Path, *, clock: Clock = SYSTEM, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._path = path
        self._clock = clock
        self._pause = pause
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        """Runs the step in a write transaction, which ends without a trace if nothing changed."""
        with self._explained():
            db = self._open()
            self._patiently(db, "BEGIN IMMEDIATE")
            try:
                clock_us = microseconds(self._clock.monotonic_s())
                bucket = _numbers(db, name) or Bucket.of(wishes.limit)
                now_us = bucket.now_us(clock_us)
                horizon_us = now_us - wishes.limit.span_us
                _load(db, name, bucket, wishes, horizon_us)
                replies, change = run(bucket, now_us, clock_us, wishes)
                if change is not None:
                    _write(db, name, bucket, change, horizon_us)
                version = _version(db)
                self._patiently(db, "COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return replies, version

    def read(self, prefix: str) -> dict[str, tuple[Bucket, int]]:
        """Every bucket whose name starts with `prefix`, and its time."""
        with self._explained():
            db, found = self._open(), {}
            for (name,) in self._patiently(db, "SELECT name FROM bucket").fetchall():
                bucket = _numbers(db, name) if name.startswith(prefix) else None
                if bucket is not None:
                    now_us = bucket.now_us(microseconds(self._clock.monotonic_s()))
                    _load(db, name, bucket, None, now_us - span_us(bucket.window_us))
                    found[name] = bucket, now_us
            return found

    def version(self, name: str) -> int:  # noqa: ARG002 - one number serves the whole file
        """A number that changes when another process has written to the file."""
        with self._explained():
            return _version(self._open())

    def close(self) -> None:
        """Closes the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one when the file was deleted or replaced under the old."""
        if self._db is not None and _inode(self._path) == self._inode:
            return self._db
        self.close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        self._db, self._inode = db, _inode(self._path)
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        self._patiently(db, "PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        self._patiently(db, "BEGIN IMMEDIATE")
        [schema] = db.execute("PRAGMA user_version").fetchone()
        if schema > _SCHEMA:
            raise StateError(
                f"The throttle's state file {self._path} has schema {schema}; this version reads {_SCHEMA}. "
                "Run one version of autobg-mcp at a time, or set another AUTOBG_STATE_DIR."
            )
        if schema < _SCHEMA:
            for statement in _TABLES:
                db.execute(statement)
        self._patiently(db, "COMMIT")

    def _patiently(self, db: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
        """Runs a statement, again after a short random pause while another process holds the file.

        SQLite's own busy timeout backs off in fixed steps, which starves the unlucky for seconds.
        """
        waited_s = 0.0
        while True:
            try:
                return db.execute(statement)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _BUSY or waited_s > _PATIENCE_S:
                    raise
            pause_s = random.uniform(0.0005, 0.004)  # noqa: S311 - no secret
            self._pause(pause_s)
            waited_s += pause_s

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what can go wrong with the file into words for the person who can mend it."""
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(self._words(error)) from error
        except OSError as error:
            raise StateError(
                f"The throttle's state file {self._path} cannot be opened: {error.strerror}. "
            ) from error
        except ValueError as error:
            raise StateError(self._damaged(error)) from error

    def _words(self, error: sqlite3.Error) -> str:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _BUSY:
            return (
                f"The throttle's state file {self._path} stays locked by another program. End that program."
            )
        if code in _WITHOUT_RIGHTS:
            return (
                f"The throttle's state file {self._path} cannot be written ({error}). "
                "Make it and its folder writable for this user, or set another AUTOBG_STATE_DIR."
            )
        if code == sqlite3.SQLITE_FULL:
            return f"The disk of the throttle's state file {self._path} is full. Free some space."
        return self._damaged(error)

    def _damaged(self, error: Exception) -> str:
        return (
            f"The throttle's state file {self._path} is damaged ({error}). End every autobg-mcp process, delete the file "
            "and those beside it that end in -wal and -shm, and wait a minute before the next call: the slots used "
            "in the last window are forgotten, so calling sooner can exceed the API's limit."
        )


def _numbers(db: sqlite3.Connection, name: str) -> Bucket | None:
    row = db.execute("SELECT * FROM bucket WHERE name = ?", (name,)).fetchone()
    return None if row is None else checked(Bucket.read(row[1:]))


def _load(db: sqlite3.Connection, name: str, bucket: Bucket, wishes: Wishes | None, horizon_us: int) -> None:
    """Loads the waiters and the slots that a step can need; without wishes, all that still count."""
    rows = db.execute("SELECT number, owner, lease_us FROM waiter WHERE bucket = ?", (name,))
    bucket.queue = {number: Waiter(owner, lease_us) for number, owner, lease_us in rows}
    expired = db.execute("SELECT count(*) FROM slot WHERE bucket = ? AND stamp_us <= ?", (name, horizon_us))
    bucket.used -= expired.fetchone()[0]
    wanted = bucket.used
    if wishes is not None:
        wanted = bucket.deciding(wishes.extra, halving=wishes.refused)
        for slot in wishes.noted:
            noted = "SELECT number, stamp_us FROM slot WHERE bucket = ? AND number = ? AND stamp_us > ?"
            bucket.slots.update(db.execute(noted, (name, slot, horizon_us)))
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
        db.execute("REPLACE INTO waiter VALUES (?, ?, ?, ?)", (name, place, each.owner, each.lease_us))
    for place in change.left:
        db.execute("DELETE FROM waiter WHERE bucket = ? AND number = ?", (name, place))


def _version(db: sqlite3.Connection) -> int:
    [version] = db.execute("PRAGMA data_version").fetchone()
    return int(version)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
