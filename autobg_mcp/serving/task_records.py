"""What is known of tasks, for every process of the machine: which call, how far it is, and what came of it."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from pydantic import JsonValue

from autobg_mcp.clock import Clock
from autobg_mcp.serving.task_rows import ABANDONED, ALIVE, MIGRATIONS, MOST_CHARS, found, read
from autobg_mcp.serving.tickets import LEASE_S, TTL_S, Json, TaskRecord, TaskStatus
from autobg_mcp.state import StateFile, Transactions

T = TypeVar("T")

FILE_NAME: Final = "tasks.sqlite3"
_MOST_TASKS: Final = 1000
_IF_LOST: Final = "Hosts that ask for a task of before hear that there is none; what was paid for stands in the ledger, and listBatches tells."


class TaskRecords(Transactions):
    """The file of all tasks; each method is one transaction in a worker thread.

    Args:
        folder: Where the file lives.
        clock: Tells the time; only the wall's is asked.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        file = StateFile(
            folder / FILE_NAME,
            called="record of tasks",
            if_lost=_IF_LOST,
            migrations=MIGRATIONS,
            flushed=False,
        )
        super().__init__(file, clock)

    async def add(
        self, task: str, account: str, *, host: str, asks: bool, tool: str, arguments: str
    ) -> TaskRecord | None:
        """Write down a new task that this process works on; None where there are too many, or it is too long.

        Raises:
            StateError: The file cannot be used; so for every method.
        """

        def work(db: sqlite3.Connection, now_s: float) -> TaskRecord | None:
            db.execute("DELETE FROM tasks WHERE created_at <= ?", (now_s - TTL_S,))
            [count] = db.execute("SELECT count(*) FROM tasks").fetchone()
            if count >= _MOST_TASKS or len(arguments) > MOST_CHARS:
                return None
            db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, 'working', '', ?, ?, ?, ?, 1, '{}', '{}', '{}')",
                (task, account, host, asks, tool, arguments, now_s, now_s, self.owner, now_s + LEASE_S),
            )
            return found(db, now_s, task, account)

        return await self._write(work)

    async def find(self, task: str, account: str) -> TaskRecord | None:
        """The task, if it is this account's and its time is not over."""
        return await self._read(lambda db, now_s: found(db, now_s, task, account))

    async def take_up(self, task: str) -> bool:
        """Whether this process works on an abandoned task from now on; what was asked has to be asked again."""
        return await self._change(
            task,
            "owner = :owner, lease_until = :now + :lease, attempts = attempts + 1, status = 'working', "
            "questions = '{}', updated_at = :now",
            where=ABANDONED,
        )

    async def hold(self, task: str, message: str) -> bool:
        """Give a sign of life; False where the task was ended, or another process has it."""
        return await self._change(
            task,
            "lease_until = :now + :lease, updated_at = CASE message WHEN :message THEN updated_at ELSE :now END, message = :message",
            where="owner = :owner",
            message=message,
        )

    async def let_go(self, task: str) -> None:
        """Leave the task to whichever process is asked for it next; one that has ended stays as it is."""
        await self._change(task, "lease_until = 0", where="owner = :owner")

    async def end(
        self, task: str, status: TaskStatus, message: str, outcome: Json, *, anyones: bool = False
    ) -> None:
        """Write down what came of it, unless it has ended already.

        Args:
            task: Its id.
            status: One of those that end it.
            message: The same in a sentence.
            outcome: The result or the error.
            anyones: Whether another process may work on it, which then hears of it with its next sign of life.
        """
        await self._change(
            task,
            "status = :status, message = :message, outcome = :outcome, updated_at = :now, arguments = '{}', "
            "questions = '{}', answers = '{}'",
            where="1" if anyones else "owner = :owner",
            status=status,
            message=message,
            outcome=json.dumps(outcome),
        )

    async def is_cancelled(self, task: str) -> bool:
        """Whether somebody has cancelled it, in whichever process."""
        ended = "SELECT 1 FROM tasks WHERE id = ? AND status = 'cancelled'"
        return await self._read(lambda db, _: db.execute(ended, (task,)).fetchone() is not None)

    async def forget(self, task: str) -> None:
        """Strike out a task whose handle nobody has."""
        await self._write(lambda db, _: db.execute("DELETE FROM tasks WHERE id = ?", (task,)))

    async def ask(self, task: str, key: str, question: Json) -> None:
        """Put a question, unless it is answered already."""
        await self._exchange(task, lambda asked, said: None if key in said else asked.update({key: question}))

    async def answer(self, task: str, answers: Mapping[str, JsonValue]) -> None:
        """Take answers; only those to open questions count."""

        def keep(asked: Json, said: Json) -> None:
            said.update({key: one for key, one in answers.items() if asked.pop(key, None) is not None})

        await self._exchange(task, keep)

    async def answered(self, task: str, key: str) -> JsonValue:
        """The answer to a question, which is used up with it; None while there is none."""
        return await self._exchange(task, lambda _, said: said.pop(key, None))

    async def _exchange(self, task: str, change: Callable[[Json, Json], T]) -> T | None:
        """Change what is asked and what was said in a task that goes on, and its status with them."""

        def work(db: sqlite3.Connection, now_s: float) -> T | None:
            exchanged = f"SELECT questions, answers FROM tasks WHERE id = ? AND {ALIVE}"  # noqa: S608 - all ours
            row = db.execute(exchanged, (task,)).fetchone()
            if row is None:
                return None
            asked, said = (read(text) for text in row)
            changed = change(asked, said)
            after = json.dumps(asked), json.dumps(said)
            if after != tuple(row):
                status = "input_required" if asked else "working"
                db.execute(
                    "UPDATE tasks SET questions = ?, answers = ?, status = ?, updated_at = ? WHERE id = ?",
                    (*after, status, now_s, task),
                )
            return changed

        return await self._write(work)

    async def _change(self, task: str, changes: str, *, where: str, **values: str) -> bool:
        statement = f"UPDATE tasks SET {changes} WHERE id = :id AND {ALIVE} AND {where}"  # noqa: S608 - all ours

        def work(db: sqlite3.Connection, now_s: float) -> bool:
            own = {"id": task, "owner": self.owner, "now": now_s, "lease": LEASE_S}
            return db.execute(statement, own | values).rowcount == 1

        return await self._write(work)
