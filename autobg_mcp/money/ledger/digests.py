"""What identifies a local file that was read before, so that it need not be read again."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Final

from autobg_mcp.money.ledger.columns import storable, words
from autobg_mcp.money.ledger.records import FileStamp

_SETTLED_AFTER_NS: Final = 2_000_000_000
"""A file system may give two changes one time: FAT counts in steps of 2 s."""


def known(db: sqlite3.Connection, stamps: Iterable[FileStamp]) -> dict[FileStamp, str]:
    """What was kept for files that have not changed since."""
    found = {
        stamp: db.execute(
            "SELECT digest FROM digests WHERE path = ? AND size_bytes = ? AND mtime_ns = ? AND identity = ?",
            (storable(stamp.path), stamp.size_bytes, stamp.mtime_ns, stamp.identity),
        ).fetchone()
        for stamp in stamps
    }
    return {stamp: words(row["digest"]) for stamp, row in found.items() if row}


def keep(db: sqlite3.Connection, digests: Mapping[FileStamp, str], now: float) -> None:
    """Keep digests, except those of files that were changed a moment ago."""
    db.executemany(
        "INSERT OR REPLACE INTO digests (path, size_bytes, mtime_ns, identity, digest) VALUES (?, ?, ?, ?, ?)",
        [
            (storable(stamp.path), stamp.size_bytes, stamp.mtime_ns, stamp.identity, digest)
            for stamp, digest in digests.items()
            if stamp.mtime_ns + _SETTLED_AFTER_NS <= now * 1e9
        ],
    )
