"""One SQLite file that many processes write to in short transactions."""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger.migrations import MIGRATIONS

FILE_NAME: Final = "ledger.sqlite3"
BUSY_WAIT_S: Final = 5.0
"""How long a call waits for other processes before it gives up."""

_PAUSE_S = (0.0005, 0.01)
_PRIMARY_CODE = 0xFF  # the low byte of an extended result code: https://sqlite.org/rescode.html
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)


class Database:
    """The file and its connection, opened at the first transaction.

    Args:
        folder: Where the file lives; made with mode 0700 where missing.
        clock: The wall clock, in seconds since 1970.
        sleep: Sleeps for that many seconds between two tries to get hold of the file.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        with self._lock:
            self._disconnect()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, durable when it ends, undone when the body raises.

        Raises:
            StateError: The file cannot be used.
        """
        with self._lock, self._explained():
            db = self._connection()
            self._execute(db, "BEGIN IMMEDIATE")
            try:
                yield db
                self._execute(db, "COMMIT")
            finally:
                db.rollback()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StateError(explanation(self.path, error)) from error

    def _connection(self) -> sqlite3.Connection:
        # A file that was moved away while the server runs must not go on receiving entries.
        if self._db is None or self._identity != _identity(self.path):
            self._disconnect()
            self._db = self._connect()
            self._identity = _identity(self.path)
        return self._db

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never opened where it exists: closing a second handle drops the locks of every connection in
        # this process (https://sqlite.org/howtocorrupt.html, 2.2). SQLite gives -wal and -shm the same mode.
        with suppress(FileExistsError):
            self.path.touch(mode=0o600, exist_ok=False)
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.create_function("casefold", 1, str.casefold, deterministic=True)
            self._choose_journal(db)
            self._execute(db, "PRAGMA synchronous=FULL")
            self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _choose_journal(self, db: sqlite3.Connection) -> None:
        try:
            self._execute(db, "PRAGMA journal_mode=WAL")
        except sqlite3.DatabaseError as error:
            if _code(error) in (*_DAMAGED, sqlite3.SQLITE_BUSY):
                raise
            # Network file systems lack the shared memory that WAL needs: https://sqlite.org/wal.html
            self._execute(db, "PRAGMA journal_mode=DELETE")

    def _migrate(self, db: sqlite3.Connection) -> None:
        self._execute(db, "BEGIN IMMEDIATE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StateError(
                f"The ledger {self.path} was written by a newer autobg-mcp (schema {version}; this one knows "
                f"{len(MIGRATIONS)}). Install the newest autobg-mcp, or point AUTOBG_STATE_DIR to another folder."
            )
        for step in MIGRATIONS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        self._execute(db, "COMMIT")

    def _execute(self, db: sqlite3.Connection, statement: str) -> None:
        """Run a statement that other processes can stand in the way of, again and again for a while."""
        waited_s = 0.0
        while True:
            try:
                db.execute(statement).fetchall()
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or waited_s >= BUSY_WAIT_S:
                    raise
            else:
                return
            pause_s = random.uniform(*_PAUSE_S)  # noqa: S311 - spreads processes, guards no secret
            self._sleep(pause_s)
            waited_s += pause_s


def explanation(path: Path, error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file and how to mend it, for a person or a model."""
    code = _code(error)
    if code in _DAMAGED:
        return (
            f"The ledger {path} is damaged ({error}). Move it away together with {path.name}-wal and "
            f"{path.name}-shm, and keep that copy; the next call makes a new ledger. The new one does not know "
            "what was submitted before: a repeated picture is paid again, earlier batch numbers stand only in "
            "the copy and in audit.jsonl, and today's credits under AUTOBG_DAILY_CREDIT_LIMIT count from zero."
        )
    if code == sqlite3.SQLITE_BUSY:
        return (
            f"The ledger {path} was held by other programs for {BUSY_WAIT_S:g} s. Call again; if it stays so, "
            "close the program that keeps the file open."
        )
    if code == sqlite3.SQLITE_FULL:
        return f"The ledger {path} cannot grow ({error}). Free space on its disk and call again."
    if code in _NOT_WRITABLE or isinstance(error, OSError):
        return (
            f"The ledger {path} cannot be written ({_words(error)}). Give the account that this server runs as "
            "write access to the file and its folder, or set AUTOBG_STATE_DIR to a folder it may write to."
        )
    return f"The ledger {path} failed ({error}). Check its disk, or set AUTOBG_STATE_DIR to another folder."


def _code(error: sqlite3.Error | OSError) -> int | None:
    code: int | None = getattr(
        error, "sqlite_errorcode", None
    )  # absent on errors raised by Python's own checks
    return None if code is None else code & _PRIMARY_CODE


def _words(error: sqlite3.Error | OSError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
