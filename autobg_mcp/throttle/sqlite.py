"""Buckets in one SQLite file, shared by every process of a user on a machine.

Moments come from the clock that all processes of one boot share. After a restart it begins again near zero:
either it is then behind the bucket's last step, which moves the bucket along and loses nothing, or it is ahead
by no more than the machine has been up since, which really has passed.
"""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from autobg_mcp.errors import StateError
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.encoding import decode, encode
from autobg_mcp.throttle.store import boot_clock, microseconds

T = TypeVar("T")
_SCHEMA = 1
_PATIENCE_S = 5.0
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_WITHOUT_RIGHTS = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


class SqliteStore:
    """Keeps buckets in a file that only its owner may read; made, with its folder, when first needed.

    Args:
        path: The file, on a local disk.
        clock: Seconds, the same for every process of the machine.
        pause: Sleeps for seconds while another process writes.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = boot_clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._clock = clock
        self._pause = pause
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def transact(self, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]) -> tuple[T, int]:
        """Runs `move` in a write transaction; the file is written only if the bucket changed."""
        with self._explained():
            db = self._open()
            self._patiently(db, "BEGIN IMMEDIATE")
            try:
                row = db.execute("SELECT state, seen_us FROM bucket WHERE name = ?", (name,)).fetchone()
                bucket, result = move(decode(*row) if row else None, microseconds(self._clock()))
                state = encode(bucket)
                if row is None or state != row[0]:
                    db.execute("REPLACE INTO bucket VALUES (?, ?, ?)", (name, bucket.seen_us, state))
                version = _version(db)
                self._patiently(db, "COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            return result, version

    def read(self, prefix: str) -> tuple[dict[str, Bucket], int]:
        """Every bucket whose name starts with `prefix`, and the clock."""
        with self._explained():
            rows = self._patiently(self._open(), "SELECT name, state, seen_us FROM bucket").fetchall()
            found = {name: decode(state, seen_us) for name, state, seen_us in rows if name.startswith(prefix)}
            return found, microseconds(self._clock())

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
        if schema not in {0, _SCHEMA}:
            raise StateError(
                f"The throttle's state file {self._path} has schema {schema}; this version reads {_SCHEMA}. "
                "Run one version of autobg-mcp at a time, or set another AUTOBG_STATE_DIR."
            )
        db.execute(
            "CREATE TABLE IF NOT EXISTS bucket"
            " (name TEXT PRIMARY KEY, seen_us INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID"
        )
        db.execute(f"PRAGMA user_version = {_SCHEMA}")
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


def _version(db: sqlite3.Connection) -> int:
    [version] = db.execute("PRAGMA data_version").fetchone()
    return int(version)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0
