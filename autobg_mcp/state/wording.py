"""What can go wrong with a SQLite file, in words for the person who can mend it."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 5.0
"""How long a transaction waits for other processes before it gives up."""

DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_WRITABLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_PRIMARY_CODE = 0xFF  # the low byte of an extended result code: https://sqlite.org/rescode.html


@dataclass(frozen=True)
class Wording:
    """The words for one file.

    Attributes:
        path: Where it is.
        called: What it is for people.
        if_lost: What is forgotten once it is moved away, in whole sentences.
    """

    path: Path
    called: str
    if_lost: str

    def of(self, error: sqlite3.Error | OSError) -> str:
        """What is wrong and how to mend it."""
        code, name = code_of(error), f"The {self.called} {self.path}"
        if code in DAMAGED or str(error).startswith("Could not decode to UTF-8"):
            return self.damaged(error)
        if code in BUSY:
            return (
                f"{name} was held by other programs for {PATIENCE_S:g} s. Call again; if it stays so, "
                "close the program that keeps the file open."
            )
        if code == sqlite3.SQLITE_FULL:
            return f"{name} cannot grow ({error}). Free space on its disk and call again."
        if code in _NOT_WRITABLE or isinstance(error, OSError):
            reason = error.strerror if isinstance(error, OSError) else error
            return (
                f"{name} cannot be written ({reason}). Give the account that this server runs as write access to the "
                "file and its folder, or set AUTOBG_STATE_DIR to a folder it may write to."
            )
        return f"{name} failed ({error}). Check its disk, or set AUTOBG_STATE_DIR to another folder."

    def damaged(self, error: Exception) -> str:
        """That it holds what no such file holds, and how to go on without it."""
        return f"The {self.called} {self.path} is damaged ({error}). To mend it, {self.move_it_away()}"

    def move_it_away(self) -> str:
        """How to begin a new file, and what that costs."""
        name = self.path.name
        return (
            f"end every autobg-mcp process, move it away together with {name}-wal and {name}-shm, and keep that copy; "
            f"the next call makes a new one. {self.if_lost}"
        )


def code_of(error: sqlite3.Error | OSError) -> int | None:
    """The primary result code; None on errors raised by Python's own checks."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE
