"""Which pictures were reported for which reasons."""

import json
import sqlite3
from collections.abc import Iterable, Mapping


def known(
    db: sqlite3.Connection, account: str, reports: Mapping[str, Iterable[str]], since: float
) -> set[str]:
    """The pictures that were reported for the same reasons after a time."""
    return {
        pic_id
        for pic_id, reasons in reports.items()
        if db.execute(
            "SELECT 1 FROM reports WHERE account = ? AND pic_id = ? AND reasons = ? AND at > ?",
            (account, pic_id, _key(reasons), since),
        ).fetchone()
    }


def add(
    db: sqlite3.Connection,
    account: str,
    pic_ids: Iterable[str],
    reasons: Iterable[str],
    comment: str,
    now: float,
) -> None:
    """Keep one accepted report."""
    reasons_key = _key(reasons)
    db.executemany(
        "INSERT INTO reports VALUES (?, ?, ?, ?, ?)",
        [(account, pic_id, reasons_key, comment, now) for pic_id in pic_ids],
    )


def _key(reasons: Iterable[str]) -> str:
    """The same text for the same reasons in any order."""
    return json.dumps(sorted(set(reasons)))
