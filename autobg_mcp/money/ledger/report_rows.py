"""Which pictures were reported, for what, and what is known of each since: a status may not show that one is redone."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from autobg_mcp.money.ledger.columns import words, words_or_none
from autobg_mcp.money.ledger.records import Complaint, PictureState, Rework
from autobg_mcp.state import moment

# A look that shows a picture done proves nothing where the bytes are still the same, unless it was seen in work.
_CAME_BACK = """CASE
    WHEN since_sha256 IS NULL THEN seen_done
    WHEN since_sha256 = before_sha256 THEN seen_done AND seen_in_work
    ELSE 1
END"""

# What came back answers every report before it, too, whatever the picture looks like by now.
_OPEN = f"""SELECT comment FROM reports
    WHERE account = :account AND pic_id = :pic_id AND reasons = :reasons AND at > :since AND rowid > coalesce((
        SELECT max(rowid) FROM reports INDEXED BY reports_by_picture
        WHERE account = :account AND pic_id = :pic_id AND {_CAME_BACK}
    ), 0)"""  # noqa: S608  # a constant


def known(db: sqlite3.Connection, account: str, reports: Mapping[str, Complaint], since: float) -> set[str]:
    """The pictures of which the same was reported after a time, and which are not known to have come back."""
    return {pic_id for pic_id, report in reports.items() if _is_known(db, account, pic_id, report, since)}


def add(db: sqlite3.Connection, account: str, pic_ids: Iterable[str], report: Complaint, now: float) -> None:
    """Keep one accepted report, with what each picture was when it was last fetched."""
    db.executemany(
        "INSERT INTO reports (account, pic_id, reasons, comment, at, before_sha256) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (account, pic_id, _key(report.reasons), report.comment, now, _as_reported(db, account, pic_id))
            for pic_id in pic_ids
        ],
    )


def seen(db: sqlite3.Connection, account: str, pictures: Sequence[PictureState]) -> None:
    """Keep what a look at pictures means for their reports; what has not changed is not written."""
    db.executemany(
        """UPDATE reports INDEXED BY reports_by_picture SET seen_in_work = max(seen_in_work, NOT :done), seen_done = :done
        WHERE account = :account AND pic_id = :pic_id AND (seen_done != :done OR seen_in_work < NOT :done)""",
        [{"account": account, "pic_id": one.pic_id, "done": one.processed or one.failed} for one in pictures],
    )


def fetched(db: sqlite3.Connection, account: str, pic_id: str, sha256: str) -> set[str]:
    """Keep what a picture is now; answers what else it ever was."""
    rows = db.execute("SELECT sha256 FROM results WHERE account = ? AND pic_id = ?", (account, pic_id))
    earlier = {words(row["sha256"]) for row in rows} - {sha256}
    if newest(db, account, pic_id) != sha256:
        db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (account, pic_id, sha256))
    db.execute(
        "UPDATE reports INDEXED BY reports_by_picture SET since_sha256 = :sha256 "
        "WHERE account = :account AND pic_id = :pic_id AND since_sha256 IS NOT :sha256",
        {"account": account, "pic_id": pic_id, "sha256": sha256},
    )
    return earlier


def rework(db: sqlite3.Connection, account: str, pic_id: str) -> Rework | None:
    """What is known of a picture since its newest report; None where it was not reported from here."""
    row = db.execute(
        "SELECT * FROM reports INDEXED BY reports_by_picture WHERE account = ? AND pic_id = ? ORDER BY rowid DESC LIMIT 1",
        (account, pic_id),
    ).fetchone()
    if row is None:
        return None
    before, now = words_or_none(row["before_sha256"]), words_or_none(row["since_sha256"])
    return Rework(
        reported_at=moment(row["at"]),
        by_people=row["reasons"] == _key(()),
        redone=bool(row["seen_in_work"] and row["seen_done"]),
        fetched=now is not None,
        changed=None if before is None or now is None else before != now,
    )


def _is_known(db: sqlite3.Connection, account: str, pic_id: str, report: Complaint, since: float) -> bool:
    rows = db.execute(
        _OPEN,
        {"account": account, "pic_id": pic_id, "reasons": _key(report.reasons), "since": since},
    )
    said = {_folded(words(row["comment"])) for row in rows}
    return bool(said) and (not report.comment.strip() or _folded(report.comment) in said)


def _as_reported(db: sqlite3.Connection, account: str, pic_id: str) -> str | None:
    """The picture that a report speaks of; None where it was not fetched since it came back from an earlier one."""
    before = rework(db, account, pic_id)
    return None if before and before.redone and not before.fetched else newest(db, account, pic_id)


def newest(db: sqlite3.Connection, account: str, pic_id: str) -> str | None:
    """The digest of a picture as it was fetched last; None where it never was."""
    row = db.execute(
        "SELECT sha256 FROM results WHERE account = ? AND pic_id = ? ORDER BY rowid DESC LIMIT 1",
        (account, pic_id),
    ).fetchone()
    return words(row["sha256"]) if row else None


def _folded(comment: str) -> str:
    return " ".join(comment.casefold().split())


def _key(reasons: Iterable[str]) -> str:
    """The same text for the same reasons in any order."""
    return json.dumps(sorted(set(reasons)))
