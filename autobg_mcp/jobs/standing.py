"""How far jobs are: what `Book` answers of them, inside a transaction that the caller holds."""

import sqlite3
from typing import Final, cast, get_args

from autobg_mcp.jobs import rows
from autobg_mcp.jobs.job import Job, JobStanding, PhotoState, QueuedPicture, VehicleState
from autobg_mcp.state import ImpossibleValueError

_LATELY_MIN: Final = 10

_MOST_REASONS: Final = 5
_STATES: Final = get_args(PhotoState)

# Its batch may be that of the call which has left the rest of it to the job.
_NOTHING_SENT: Final = """accepted = 0 AND unknown = 0
    AND NOT EXISTS (SELECT 1 FROM batches WHERE batches.vehicle = vehicles.id)"""

_VEHICLE_STATE: Final = f"""CASE
    WHEN {_NOTHING_SENT} THEN CASE WHEN queued > 0 THEN 'queued' WHEN stopped > 0 THEN 'new' ELSE 'refused' END
    WHEN queued > 0 OR stopped > 0 THEN 'partly'
    WHEN results = 'fetched' THEN 'done'
    WHEN results = 'ready' THEN 'to review'
    ELSE 'in work' END"""


def of(db: sqlite3.Connection, job: Job, now: float) -> JobStanding:
    """How far a job is, from the counts that its vehicles keep."""
    sums = ", ".join(f"coalesce(sum({state}), 0) AS {state}" for state in _STATES)
    photos = db.execute(f"SELECT {sums} FROM vehicles WHERE job = ?", (job.id,)).fetchone()  # noqa: S608  # our own names
    vehicles = db.execute(
        f"SELECT {_VEHICLE_STATE} AS state, count(*) AS number FROM vehicles WHERE job = ? GROUP BY 1",  # noqa: S608  # a constant
        (job.id,),
    )
    [batches] = db.execute(
        "SELECT count(DISTINCT batch_id) FROM batches WHERE vehicle IN (SELECT id FROM vehicles WHERE job = ?)",
        (job.id,),
    ).fetchone()
    tools = db.execute("SELECT DISTINCT tool FROM vehicles WHERE job = ? AND queued > 0", (job.id,))
    [lately] = db.execute(
        "SELECT coalesce(sum(accepted), 0) FROM minutes WHERE job = ? AND minute > ?",
        (job.id, int(now // 60) - _LATELY_MIN),
    ).fetchone()
    reasons = db.execute(
        "SELECT reason, photos FROM refusals WHERE job = ? ORDER BY photos DESC LIMIT ?",
        (job.id, _MOST_REASONS),
    )
    return JobStanding(
        job=job,
        photos={cast("PhotoState", state): int(photos[state]) for state in _STATES if photos[state]},
        vehicles={cast("VehicleState", row["state"]): int(row["number"]) for row in vehicles},
        batches=int(batches),
        tools=[str(row["tool"]) for row in tools],
        per_minute=round(int(lately) / min(max((now - job.created_at) / 60, 1), _LATELY_MIN), 1),
        refusals={str(row["reason"]): int(row["photos"]) for row in reasons},
    )


def queued(
    db: sqlite3.Connection, account: str, only: QueuedPicture | None = None
) -> dict[QueuedPicture, str]:
    """What the open jobs of an account will send, by the job that does; see `Book.queued_pictures`."""
    pictures: dict[QueuedPicture, str] = {}
    for row in db.execute("SELECT * FROM vehicles WHERE account = ? AND queued > 0", (account,)).fetchall():
        vehicle, arguments = str(rows.json_of(row["vehicle"])), rows.json_of(row["arguments"])
        if not isinstance(arguments, dict):
            raise ImpossibleValueError("no arguments where some belong")
        like = QueuedPicture.of(vehicle, str(row["tool"]), arguments, "")
        if only is not None and only._replace(picture="") != like:
            continue
        own = db.execute("SELECT picture FROM photos WHERE vehicle = ? AND state = 'queued'", (row["id"],))
        pictures |= {like._replace(picture=str(rows.json_of(one["picture"]))): str(row["job"]) for one in own}
    return pictures
