"""How a task is written down, and read back within the bounds that were kept when it was written."""

import json
import sqlite3
from typing import Final, cast, get_args

from autobg_mcp.serving.tickets import LEASE_S, TTL_S, Json, TaskRecord, TaskStatus
from autobg_mcp.state import ImpossibleValueError, moment, text_up_to, whole_between

MOST_CHARS: Final = 1_000_000
"""The longest arguments of a task, as JSON."""

ALIVE: Final = "status IN ('working', 'input_required')"
"""The condition of tasks that go on, in SQL."""

_LONGEST_CHARS: Final = 4 * MOST_CHARS
_MOST_ATTEMPTS: Final = 1000
ABANDONED: Final = f"lease_until NOT BETWEEN :now AND :now + {2 * LEASE_S}"
"""The condition of those that no living process works on: its lease is over, or was written before the clock was set back."""

MIGRATIONS: Final = (
    (
        """CREATE TABLE tasks (
            id TEXT NOT NULL PRIMARY KEY,
            account TEXT NOT NULL,
            host TEXT NOT NULL,
            asks INTEGER NOT NULL,
            tool TEXT NOT NULL,
            arguments TEXT NOT NULL,
            status TEXT NOT NULL,
            message TEXT NOT NULL,
            created_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            owner TEXT NOT NULL,
            lease_until REAL NOT NULL,
            attempts INTEGER NOT NULL,
            questions TEXT NOT NULL,
            answers TEXT NOT NULL,
            outcome TEXT NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX tasks_by_time ON tasks (created_at)",
    ),
)


def found(db: sqlite3.Connection, now_s: float, task: str, account: str) -> TaskRecord | None:
    """The task, if it is this account's and its time is not over.

    Raises:
        ImpossibleValueError: The file holds what was never written.
    """
    row = db.execute(
        f"SELECT *, {ALIVE} AND {ABANDONED} AS abandoned FROM tasks WHERE id = :id AND account = :account AND created_at > :since",  # noqa: S608
        {"now": now_s, "id": task, "account": account, "since": now_s - TTL_S},
    ).fetchone()
    if row is None:
        return None
    status = row["status"]
    if status not in get_args(TaskStatus):
        raise ImpossibleValueError("a status that no task has")
    return TaskRecord(
        id=task,
        host=text_up_to(row["host"], _LONGEST_CHARS),
        asks=bool(row["asks"]),
        tool=text_up_to(row["tool"], _LONGEST_CHARS),
        arguments=read(row["arguments"]),
        status=status,
        message=text_up_to(row["message"], _LONGEST_CHARS),
        created_s=moment(row["created_at"]),
        updated_s=moment(row["updated_at"]),
        abandoned=bool(row["abandoned"]),
        attempts=whole_between(row["attempts"], 1, _MOST_ATTEMPTS),
        questions=read(row["questions"]),
        outcome=read(row["outcome"]),
    )


def read(text: object) -> Json:
    """A JSON object as it was written.

    Raises:
        ImpossibleValueError: It is none.
    """
    try:
        value = json.loads(text_up_to(text, _LONGEST_CHARS))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImpossibleValueError("a text where a JSON object belongs")
    return cast("Json", value)
