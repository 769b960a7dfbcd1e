"""The rows of jobs, vehicles and photos, inside a transaction that the caller holds."""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields, replace
from typing import Final, cast, get_args

from autobg_mcp.jobs.job import Job, JobPhoto, JobState, PhotoNote, PhotoState, VehicleWork
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.money.ledger import FileStamp
from autobg_mcp.state import ImpossibleValueError, moment, text_up_to

MOST_DOUBTS: Final = 4
"""How often an unknown outcome is looked after, minutes apart; then a person has to decide."""

_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_JOB: Final = ", ".join(field.name for field in fields(Job))
_JOBS_KEPT_S: Final = 30 * 86_400.0
_MOST_CHARS: Final = 10_000_000
_REASON_CHARS: Final = 300

UNSETTLED: Final = f"(queued > 0 OR (unknown > 0 AND doubts < {MOST_DOUBTS}))"
"""Of a vehicle: that photos of it are still to be sent or to be looked after."""

UNFINISHED: Final = f"""({UNSETTLED} OR
    (jobs.follows AND accepted > 0 AND results = 'waiting'))"""
"""Of a vehicle beside its job: that something is still to be done for it."""


def new_id(kind: str) -> str:
    """A new name for a job or a plan, short enough for a model to repeat: `j-7k2mq9xd`."""
    return f"{kind}-" + "".join(secrets.choice(_ALPHABET) for _ in range(8))


def add(
    db: sqlite3.Connection, job: Job, vehicles: Iterable[PlannedVehicle], per_request: Mapping[str, int]
) -> list[tuple[int, str]]:
    """Write down a job; answers number and tool of each vehicle."""
    marks = ", ".join("?" * len(fields(Job)))
    db.execute(f"INSERT INTO jobs ({_JOB}) VALUES ({marks})", astuple(job))  # noqa: S608  # our own names
    added = []
    for one in vehicles:
        photos = list({photo.picture: photo for photo in one.photos}.values())
        number = db.execute(
            "INSERT INTO vehicles (job, account, vehicle, tool, arguments, per_request, queued) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(job.id, job.account, json.dumps(one.vehicle), one.tool, json.dumps(dict(one.arguments))),
                *(per_request[one.tool], len(photos)),
            ),
        ).lastrowid
        db.executemany(
            "INSERT INTO photos (vehicle, number, picture, size_bytes, mtime_ns, identity) VALUES (?, ?, ?, ?, ?, ?)",
            (_photo_row(number or 0, place, photo) for place, photo in enumerate(photos)),
        )
        added.append((number or 0, one.tool))
    return added


def job(db: sqlite3.Connection, job_id: str) -> Job | None:
    """One job; None where there is none of that name."""
    row = db.execute(f"SELECT {_JOB} FROM jobs WHERE id = ?", (job_id,)).fetchone()  # noqa: S608  # our own names
    return None if row is None else job_of(row)


def job_of(row: sqlite3.Row) -> Job:
    """The job in a row."""
    if row["state"] not in get_args(JobState):
        raise ImpossibleValueError(f"{row['state']!r:.50} where a state belongs")
    return Job(
        id=text_up_to(row["id"], 40),
        account=text_up_to(row["account"], 200),
        host=text_up_to(row["host"], 200),
        made_by=text_up_to(row["made_by"], 200),
        created_at=moment(row["created_at"]),
        ends_at=moment(row["ends_at"]),
        approved=bool(row["approved"]),
        follows=bool(row["follows"]),
        download=bool(row["download"]),
        state=row["state"],
        task=None if row["task"] is None else text_up_to(row["task"], 200),
    )


def vehicle_work(db: sqlite3.Connection, number: int) -> VehicleWork | None:
    """A vehicle with what is still to be done for it; None where there is none of that number."""
    row = db.execute("SELECT * FROM vehicles WHERE id = ?", (number,)).fetchone()
    own = None if row is None else job(db, str(row["job"]))
    if row is None or own is None:
        return None
    batches = db.execute("SELECT batch_id FROM batches WHERE vehicle = ? ORDER BY batch_id", (number,))
    arguments = json_of(row["arguments"])
    if not isinstance(arguments, dict):
        raise ImpossibleValueError("no arguments where some belong")
    return VehicleWork(
        id=number,
        job=own,
        vehicle=str(json_of(row["vehicle"])),
        tool=text_up_to(row["tool"], 200),
        arguments=arguments,
        photos=_open_photos(db, number),
        doubts=int(row["doubts"]),
        sent_at=moment(row["sent_at"]),
        batch_ids=[text_up_to(one["batch_id"], 64) for one in batches],
    )


def note(db: sqlite3.Connection, number: int, notes: Mapping[int, PhotoNote], now: float) -> None:
    """Write down what came of photos of a vehicle; what was accepted stays accepted, and of a job that has ended nothing is queued."""
    found = db.execute(
        "SELECT job, jobs.account, state FROM vehicles JOIN jobs ON jobs.id = job WHERE vehicles.id = ?",
        (number,),
    ).fetchone()
    if found is None:  # the file of jobs was removed meanwhile
        return
    [job_id, account, job_state] = found
    accepted = 0
    for place, new in notes.items():
        state = "stopped" if new.state == "queued" and job_state != "open" else new.state
        changed = _change(db, job_id, (number, place), replace(new, state=state))
        accepted += changed and state == "accepted"
        is_in(db, number, account, () if new.batch_id is None else [new.batch_id])
    if accepted:
        db.execute("UPDATE vehicles SET sent_at = ? WHERE id = ?", (now, number))
        db.execute(
            "INSERT INTO minutes VALUES (?, ?, ?) ON CONFLICT (job, minute) DO UPDATE SET accepted = accepted + excluded.accepted",
            (job_id, int(now // 60), accepted),
        )
    count(db, number)
    close(db, job_id)


def _change(db: sqlite3.Connection, job_id: str, photo: tuple[int, int], new: PhotoNote) -> bool:
    """Write down what came of one photo; answers whether that is new."""
    reason = None if new.reason is None else new.reason[:_REASON_CHARS].encode("utf-8", "replace").decode()
    is_new = db.execute(
        "UPDATE photos SET state = ?, reason = ?, batch_id = ? WHERE vehicle = ? AND number = ? AND state NOT IN ('accepted', ?)",
        (new.state, reason, new.batch_id, *photo, new.state),
    ).rowcount
    if is_new and new.state == "refused":
        db.execute(
            "INSERT INTO refusals VALUES (?, ?, 1) ON CONFLICT (job, reason) DO UPDATE SET photos = photos + 1",
            (job_id, reason or "not told"),
        )
    return bool(is_new)


def is_in(db: sqlite3.Connection, number: int, account: str, batch_ids: Iterable[str]) -> None:
    """Write down that photos of a vehicle are in batches."""
    for batch_id in batch_ids:
        db.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?)", (number, account, batch_id))


def count(db: sqlite3.Connection, number: int) -> None:
    """Let a vehicle tell how many of its photos are in each state."""
    counts = ", ".join(
        f"{state} = (SELECT count(*) FROM photos WHERE vehicle = vehicles.id AND state = '{state}')"  # noqa: S608
        for state in get_args(PhotoState)
    )
    db.execute(f"UPDATE vehicles SET {counts} WHERE id = ?", (number,))  # noqa: S608  # our own names


def close(db: sqlite3.Connection, job_id: str) -> None:
    """Say that a job is done, if it is."""
    db.execute(
        f"""UPDATE jobs SET state = 'done' WHERE id = ? AND state = 'open'
        AND NOT EXISTS (SELECT 1 FROM vehicles WHERE job = jobs.id AND {UNFINISHED})""",  # noqa: S608  # a constant
        (job_id,),
    )


def end(db: sqlite3.Connection, job_id: str, state: JobState) -> None:
    """End an open job: what is queued is not sent."""
    db.execute("UPDATE jobs SET state = ? WHERE id = ? AND state = 'open'", (state, job_id))
    numbers = [
        row["id"] for row in db.execute("SELECT id FROM vehicles WHERE job = ? AND queued > 0", (job_id,))
    ]
    for number in numbers:
        db.execute("UPDATE photos SET state = 'stopped' WHERE vehicle = ? AND state = 'queued'", (number,))
        count(db, number)


def forget_old(db: sqlite3.Connection, now: float) -> None:
    """Drop what ended long ago."""
    old = "SELECT id FROM jobs WHERE state != 'open' AND created_at < ?"
    key = (now - _JOBS_KEPT_S,)
    for table in ("photos", "batches"):
        its_own = f"vehicle IN (SELECT id FROM vehicles WHERE job IN ({old}))"  # noqa: S608  # a constant
        db.execute(f"DELETE FROM {table} WHERE {its_own}", key)  # noqa: S608  # constants
    for table in ("vehicles", "minutes", "refusals"):
        db.execute(f"DELETE FROM {table} WHERE job IN ({old})", key)  # noqa: S608  # constants
    db.execute("DELETE FROM jobs WHERE state != 'open' AND created_at < ?", key)


def _photo_row(number: int, place: int, photo: PlannedPhoto) -> tuple[object, ...]:
    stamp = photo.stamp
    stamped = (None, None, None) if stamp is None else (stamp.size_bytes, stamp.mtime_ns, stamp.identity)
    return number, place, json.dumps(photo.picture), *stamped


def _open_photos(db: sqlite3.Connection, number: int) -> Sequence[JobPhoto]:
    rows = db.execute(
        "SELECT * FROM photos WHERE vehicle = ? AND state IN ('queued', 'unknown') ORDER BY number", (number,)
    )
    return [_photo(row) for row in rows]


def _photo(row: sqlite3.Row) -> JobPhoto:
    picture, stamp = str(json_of(row["picture"])), None
    if row["identity"] is not None:
        stamp = FileStamp(
            picture, int(row["size_bytes"]), int(row["mtime_ns"]), text_up_to(row["identity"], 200)
        )
    return JobPhoto(int(row["number"]), picture, stamp, cast("PhotoState", row["state"]))


def json_of(text: object) -> object:
    """What stands as JSON, which holds a file name that is not UTF-8, too."""
    try:
        return json.loads(text_up_to(text, _MOST_CHARS))
    except ValueError as error:
        raise ImpossibleValueError(f"no JSON where some belongs ({error})") from None
