"""The one way to a SQLite file that processes share: opened once, checked as ssh checks its files, explained in words.

    file = StateFile(path, called="ledger", if_lost="…", migrations=STEPS, flushed=True)
    with file.writing() as db:
        db.execute("INSERT …")

A file is opened once in a process, however many open it: the POSIX locks of a process on a file end when any handle of
it closes (https://sqlite.org/howtocorrupt.html, 2.2), so nothing here opens a file that SQLite may have open already.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from autobg_mcp.errors import StateError
from autobg_mcp.state.opened import Opened, identity_of, opened
from autobg_mcp.state.trust import check_file, make_folder
from autobg_mcp.state.values import ImpossibleValueError
from autobg_mcp.state.wording import BUSY, DAMAGED, PATIENCE_S, Wording, code_of

_PAUSE_S = (0.0005, 0.004)
_SUFFIXES = ("", "-wal", "-shm", "-journal")
_CONTENTS = (
    "SELECT type, name FROM sqlite_master WHERE type != 'table' OR name NOT LIKE 'sqlite~_%' ESCAPE '~'"
)


class StateFile:
    """One SQLite file; opened, and made with its folder, at the first transaction. Every method may block.

    Args:
        path: The file. Its folder is made with mode 0700, the file with 0600.
        called: What the file is for people, such as "ledger".
        if_lost: What is forgotten once the file is moved away, in whole sentences.
        migrations: Statements that lead from each schema version (`PRAGMA user_version`) to the next.
        flushed: Whether a commit waits until it is on the disk; else the machine's death may undo the last ones.
        sleep: Sleeps for that many seconds while another process holds the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        called: str,
        if_lost: str,
        migrations: Sequence[Sequence[str]],
        flushed: bool,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self._called = called
        self._wording = Wording(path, called, if_lost)
        self._migrations = migrations
        self._flushed = flushed
        self._sleep = sleep
        self._shared: Opened | None = None
        self._own_commits = 0

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment's state of the file, beside writers.

        Raises:
            StateError: The file cannot be used.
        """
        with self._opened() as (db, _):
            db.execute("BEGIN")
            try:
                self._patiently(db, "PRAGMA user_version")  # the first read fixes the moment
                yield db
            finally:
                db.rollback()

    @contextmanager
    def writing(self, *, flushed: bool | None = None) -> Iterator[sqlite3.Connection]:
        """One write transaction, kept when the body ends, undone when it raises.

        Args:
            flushed: As for the file, for this transaction alone; None is as for the file.

        Raises:
            StateError: The file cannot be used.
        """
        with self._opened() as (db, shared):
            level = "FULL" if (self._flushed if flushed is None else flushed) else "NORMAL"
            if level != shared.synchronous:
                db.execute(f"PRAGMA synchronous={level}")
                shared.synchronous = level
            self._patiently(db, "BEGIN IMMEDIATE")
            before = db.total_changes
            try:
                yield db
                self._patiently(db, "COMMIT")
            finally:
                db.rollback()
            if db.total_changes != before:
                shared.commits += 1
                self._own_commits += 1

    def version(self) -> int:
        """A number that changes when anyone else has written to the file; inside a transaction, before it began.

        Raises:
            StateError: The file cannot be used.
        """
        with self._opened() as (db, shared):
            [others] = db.execute("PRAGMA data_version").fetchone()
            return (shared.openings << 32) + int(others) + shared.commits - self._own_commits

    def close(self) -> None:
        """Let go of the file; the next call opens it again."""
        if (shared := self._shared) is not None:
            with shared.lock:
                shared.users.discard(self)
                if not shared.users:
                    shared.disconnect()

    @contextmanager
    def _opened(self) -> Iterator[tuple[sqlite3.Connection, Opened]]:
        """The connection, for this thread alone; what goes wrong with it comes out in words."""
        shared = self._shared = self._shared or opened(self.path)
        with shared.lock:
            try:
                shared.users.add(self)
                # A file that was moved away while the server runs must not go on receiving entries.
                if shared.db is None or shared.identity != identity_of(self.path):
                    shared.disconnect()
                    shared.connect(self._connect(), identity_of(self.path))
                assert shared.db is not None
                yield shared.db, shared
            except ImpossibleValueError as error:
                raise StateError(self._wording.damaged(error)) from error
            except (sqlite3.Error, OSError) as error:
                raise StateError(self._wording.of(error)) from error

    def _connect(self) -> sqlite3.Connection:
        make_folder(self.path.parent, called=self._called)
        for suffix in _SUFFIXES:
            check_file(Path(f"{self.path}{suffix}"), called=self._called)
        with suppress(FileExistsError):  # SQLite gives -wal and -shm the same mode
            self.path.touch(mode=0o600, exist_ok=False)
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            _add_functions(db)
            self._choose_journal(db)
            if self._schema(db) < len(self._migrations):
                self._migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _choose_journal(self, db: sqlite3.Connection) -> None:
        try:
            self._patiently(db, "PRAGMA journal_mode=WAL")
        except sqlite3.DatabaseError as error:
            if code_of(error) in (*DAMAGED, *BUSY):
                raise
            # Network file systems lack the shared memory that WAL needs: https://sqlite.org/wal.html
            self._patiently(db, "PRAGMA journal_mode=DELETE")

    def _migrate(self, db: sqlite3.Connection) -> None:
        self._patiently(db, "BEGIN IMMEDIATE")
        for step in self._migrations[self._schema(db) :]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={len(self._migrations)}")
        self._patiently(db, "COMMIT")

    def _schema(self, db: sqlite3.Connection) -> int:
        """The version of the tables, which are ours and nobody else's: a trigger could undo a limit unseen."""
        [version] = self._patiently(db, "PRAGMA user_version")[0]
        if version > len(self._migrations):
            raise StateError(
                f"The {self._called} {self.path} was written by a newer autobg-mcp (schema {version}; this one knows "
                f"{len(self._migrations)}). Install the newest autobg-mcp, or point AUTOBG_STATE_DIR to another folder."
            )
        expected = sqlite3.connect(":memory:")
        _add_functions(expected)
        for step in self._migrations[:version]:
            for statement in step:
                expected.execute(statement)
        ours = set(expected.execute(_CONTENTS))
        expected.close()
        found = {tuple(row) for row in self._patiently(db, _CONTENTS)}
        if strange := sorted(found - ours):
            raise StateError(
                f"The {self._called} {self.path} is not used: it holds the {strange[0][0]} {strange[0][1]!r}, which "
                f"autobg-mcp did not make. Somebody changed the file; {self._wording.move_it_away()}"
            )
        if lacking := sorted(ours - found):
            raise ImpossibleValueError(f"the {lacking[0][0]} {lacking[0][1]!r} is missing")
        return int(version)

    def _patiently(self, db: sqlite3.Connection, statement: str) -> list[sqlite3.Row]:
        """Run a statement that other processes can stand in the way of, again and again for a while.

        SQLite's own busy timeout backs off in fixed steps, which starves the unlucky for seconds.
        """
        waited_s = 0.0
        while True:
            try:
                return db.execute(statement).fetchall()
            except sqlite3.OperationalError as error:
                if code_of(error) not in BUSY or waited_s >= PATIENCE_S:
                    raise
            pause_s = random.uniform(*_PAUSE_S)  # noqa: S311 - spreads processes, guards no secret
            self._sleep(pause_s)
            waited_s += pause_s


def _add_functions(db: sqlite3.Connection) -> None:
    """What migrations and queries may use; SQLite's own `lower` knows ASCII alone."""
    db.create_function("casefold", 1, str.casefold, deterministic=True)
