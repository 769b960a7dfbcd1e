"""Questions that no host could put to a person: each has a code, and its answer at a terminal holds for one submission alone."""

import secrets
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.state import StateFile, Transactions, moment, text_up_to
from autobg_mcp.text import at, quoted

VALID_S: Final = 900.0
"""How long a question waits for its answer, and how long the answer then waits for its call."""

_FILE_NAME: Final = "permits.sqlite3"
_IF_LOST: Final = "The new one knows of no question: the same call asks again under another code."
_CODE_CHARS: Final = 6
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is read as something else
_MOST_KEPT: Final = 200
_LONGEST_CHARS: Final = 10_000
_MIGRATIONS: Final = (
    (
        """CREATE TABLE questions (
            code TEXT NOT NULL PRIMARY KEY,
            account TEXT NOT NULL,
            subject TEXT NOT NULL,
            host TEXT NOT NULL,
            question TEXT NOT NULL,
            since REAL NOT NULL,
            until REAL NOT NULL,
            approved INTEGER,
            UNIQUE (account, subject)
        ) WITHOUT ROWID""",
    ),
)


class Permit(NamedTuple):
    """What a call hears that needs a person.

    Attributes:
        code: Under which the question waits; empty once it is answered.
        approved: The person's answer, which is used up with this; None while there is none.
    """

    code: str
    approved: bool | None


class AskedQuestion(NamedTuple):
    """A question that waits for a person.

    Attributes:
        question: What they are asked.
        host: The program that called.
        account: Whose credits would be spent.
        until: When it ends, in seconds since 1970.
    """

    question: str
    host: str
    account: str
    until: float

    def introduction(self) -> str:
        """Who asks, of whose credits, and until when."""
        return f"{quoted(self.host, 60)} asks, for account {self.account[:6]}, until {at(self.until)}:"


class Permits(Transactions):
    """The questions of every account, which all processes of a user share. Every method raises `StateError` where the file cannot be used.

    Args:
        folder: Where the file lives; made at the first question.
        clock: Tells the time; only the wall's is asked. Once it is set back, no earlier answer counts.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM) -> None:
        file = StateFile(
            folder / _FILE_NAME,
            called="record of permits",
            if_lost=_IF_LOST,
            migrations=_MIGRATIONS,
            flushed=True,
        )
        super().__init__(file, clock)

    async def ask(self, account: str, subject: str, question: str, host: str) -> Permit:
        """The answer to a question, used up with this; where there is none, the code under which it waits from now on.

        Of several calls at once, in any process, exactly one gets an answer.

        Args:
            account: Whose credits would be spent.
            subject: Hash of exactly what is approved.
            question: What the person is asked; the same subject that waits already keeps its code.
            host: The program that calls.
        """

        def work(db: sqlite3.Connection, now: float) -> Permit:
            db.execute("DELETE FROM questions WHERE until <= ? OR since > ?", (now, now))
            found = "SELECT code, approved FROM questions WHERE account = ? AND subject = ?"
            row = db.execute(found, (account, subject)).fetchone()
            if row is not None and row["approved"] is not None:
                db.execute("DELETE FROM questions WHERE code = ?", (row["code"],))
                return Permit("", row["approved"] == 1)
            code = _new_code(db) if row is None else text_up_to(row["code"], _CODE_CHARS)
            db.execute(
                "INSERT OR REPLACE INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (code, account, subject, host, question, now, now + VALID_S),
            )
            return Permit(code, None)

        return await self._write(work)

    async def find(self, code: str) -> AskedQuestion | None:
        """The question that waits under a code; None where there is none, or no more."""
        if not self._file.path.exists():  # who only asks makes no file
            return None

        def work(db: sqlite3.Connection, now: float) -> AskedQuestion | None:
            row = db.execute(
                "SELECT * FROM questions WHERE code = ? AND approved IS NULL AND since <= ? AND ? < until",
                (code, now, now),
            ).fetchone()
            if row is None:
                return None
            question, host, account = (
                text_up_to(row[name], _LONGEST_CHARS) for name in ("question", "host", "account")
            )
            return AskedQuestion(question, host, account, moment(row["until"]))

        return await self._read(work)

    async def answer(self, code: str, *, approved: bool) -> float | None:
        """Write a person's answer down; answers until when it counts, None where the question waits no more."""

        def work(db: sqlite3.Connection, now: float) -> float | None:
            until = now + VALID_S
            written = db.execute(
                "UPDATE questions SET approved = ?, since = ?, until = ? "
                "WHERE code = ? AND approved IS NULL AND since <= ? AND ? < until",
                (approved, now, until, code, now, now),
            )
            return until if written.rowcount else None

        return await self._write(work)


def _new_code(db: sqlite3.Connection) -> str:
    """A code that no question has; where too many wait, the oldest gives way."""
    db.execute(
        "DELETE FROM questions WHERE code IN (SELECT code FROM questions ORDER BY since DESC LIMIT -1 OFFSET ?)",
        (_MOST_KEPT - 1,),
    )
    taken = {row["code"] for row in db.execute("SELECT code FROM questions")}
    while (code := "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARS))) in taken:
        pass
    return code
