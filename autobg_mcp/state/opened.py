"""The SQLite files that this process has open: each once, and none across a fork."""

import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import Final

_FORK_WAIT_S: Final = 5.0
_registry: weakref.WeakValueDictionary[Path, "Opened"] = weakref.WeakValueDictionary()
_registry_lock = threading.Lock()
_abandoned: list[sqlite3.Connection] = []
_closes_at_forks = False


class Opened:
    """A file, and its connection while there is one; whoever uses it holds `lock`.

    Attributes:
        lock: Held by the thread that uses the connection.
        users: Who has not closed it yet.
        db: The connection; None while the file is closed.
        identity: Which file that is; see `identity_of`.
        openings: How often it was opened.
        commits: How often this process has written to it.
        synchronous: How carefully the connection commits; None until it was told.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users: weakref.WeakSet[object] = weakref.WeakSet()
        self.db: sqlite3.Connection | None = None
        self.identity: tuple[int, int] | None = None
        self.openings = 0
        self.commits = 0
        self.synchronous: str | None = None

    def connect(self, db: sqlite3.Connection, identity: tuple[int, int] | None) -> None:
        """Take a new connection."""
        self.db = db
        self.identity = identity
        self.synchronous = None
        self.openings += 1

    def disconnect(self) -> None:
        """Close the connection, if there is one."""
        if self.db is not None:
            self.db.close()
            self.db = None

    def before_fork(self) -> None:
        """Close the connection when no transaction runs, and let none begin until after the fork."""
        if self.lock.acquire(timeout=_FORK_WAIT_S) and self.db is not None and not self.db.in_transaction:
            self.disconnect()

    def after_fork_in_parent(self) -> None:
        """Go on; the next transaction opens the file again."""
        try:
            self.lock.release()
        except RuntimeError:  # another thread did not finish in time and still holds it
            return

    def after_fork_in_child(self) -> None:
        """Forget what the parent has: a lock, and a connection that must not even be closed here."""
        self.lock = threading.RLock()
        if self.db is not None:
            _abandoned.append(self.db)
            self.db = None


def opened(path: Path) -> Opened:
    """What this process has of a file, the same for everyone who names it."""
    global _closes_at_forks  # noqa: PLW0603 - registered once in a process, and not by an import
    with _registry_lock:
        if not _closes_at_forks and hasattr(os, "register_at_fork"):
            # https://sqlite.org/howtocorrupt.html, 2.6: a connection never crosses a fork.
            os.register_at_fork(
                before=_before_fork,
                after_in_parent=_after_fork_in_parent,
                after_in_child=_after_fork_in_child,
            )
            _closes_at_forks = True
        return _registry.setdefault(Path(os.path.realpath(path.parent)) / path.name, Opened())


def identity_of(path: Path) -> tuple[int, int] | None:
    """Device and number of a file, which differ once another is put in its place; None where there is none."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _before_fork() -> None:
    _registry_lock.acquire()
    for file in list(_registry.values()):
        file.before_fork()


def _after_fork_in_parent() -> None:
    for file in list(_registry.values()):
        file.after_fork_in_parent()
    _registry_lock.release()


def _after_fork_in_child() -> None:
    for file in list(_registry.values()):
        file.after_fork_in_child()
    _registry_lock.release()
