"""The file of jobs: each call is one transaction, in a worker thread."""

from pathlib import Path
from typing import Final, TypeVar

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.state import StateFile, Transaction, Transactions

T = TypeVar("T")

_IF_LOST: Final = (
    "The new one knows of no job: what was queued is not sent. What was sent before stands in the ledger, so the same plan "
    "sends only the rest."
)
MIGRATIONS: Final = (
    (
        "CREATE TABLE plans (id TEXT PRIMARY KEY, account TEXT NOT NULL, at REAL NOT NULL, plan TEXT NOT NULL, job TEXT)",
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            account TEXT NOT NULL,
            host TEXT NOT NULL,
            made_by TEXT NOT NULL,
            created_at REAL NOT NULL,
            ends_at REAL NOT NULL,
            approved INTEGER NOT NULL,
            follows INTEGER NOT NULL,
            download INTEGER NOT NULL,
            state TEXT NOT NULL
        )""",
        "CREATE INDEX jobs_by_account ON jobs (account, state)",
        # No number twice: an engine may still have a turn for a vehicle that was forgotten.
        """CREATE TABLE vehicles (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            job TEXT NOT NULL,
            account TEXT NOT NULL,
            vehicle TEXT NOT NULL,
            tool TEXT NOT NULL,
            arguments TEXT NOT NULL,
            per_request INTEGER NOT NULL,
            queued INTEGER NOT NULL,
            taken INTEGER NOT NULL DEFAULT 0,
            refused INTEGER NOT NULL DEFAULT 0,
            unknown INTEGER NOT NULL DEFAULT 0,
            stopped INTEGER NOT NULL DEFAULT 0,
            doubts INTEGER NOT NULL DEFAULT 0,
            sent_at REAL NOT NULL DEFAULT 0,
            results TEXT NOT NULL DEFAULT 'waiting'
        )""",
        "CREATE INDEX vehicles_by_job ON vehicles (job)",
        "CREATE INDEX vehicles_open ON vehicles (account) WHERE queued > 0",
        """CREATE TABLE photos (
            vehicle INTEGER NOT NULL,
            number INTEGER NOT NULL,
            picture TEXT NOT NULL,
            size_bytes INTEGER,
            mtime_ns INTEGER,
            identity TEXT,
            state TEXT NOT NULL DEFAULT 'queued',
            reason TEXT,
            PRIMARY KEY (vehicle, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE batches (
            vehicle INTEGER NOT NULL,
            account TEXT NOT NULL,
            batch_id TEXT NOT NULL,
            PRIMARY KEY (vehicle, batch_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX batches_by_id ON batches (account, batch_id)",
        """CREATE TABLE minutes (
            job TEXT NOT NULL,
            minute INTEGER NOT NULL,
            taken INTEGER NOT NULL,
            PRIMARY KEY (job, minute)
        ) WITHOUT ROWID""",
        "CREATE TABLE turnarounds (account TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID",
        """CREATE TABLE refusals (
            job TEXT NOT NULL,
            reason TEXT NOT NULL,
            photos INTEGER NOT NULL,
            PRIMARY KEY (job, reason)
        ) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE turns (
            vehicle INTEGER NOT NULL,
            lane TEXT NOT NULL,
            account TEXT NOT NULL,
            job TEXT NOT NULL,
            due_at REAL NOT NULL,
            holder TEXT,
            PRIMARY KEY (vehicle, lane)
        ) WITHOUT ROWID""",
        "CREATE INDEX turns_due ON turns (account, lane, due_at)",
        "CREATE TABLE took (job TEXT NOT NULL, lane TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (job, lane)) WITHOUT ROWID",
        "CREATE TABLE holders (account TEXT PRIMARY KEY, holder TEXT NOT NULL, seen_at REAL NOT NULL)",
        """CREATE TABLE waits (
            account TEXT NOT NULL,
            lane TEXT NOT NULL,
            since REAL NOT NULL,
            until REAL NOT NULL,
            why TEXT NOT NULL,
            PRIMARY KEY (account, lane)
        ) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE jobs ADD COLUMN task TEXT",
        "ALTER TABLE photos ADD COLUMN batch_id TEXT",
        "ALTER TABLE vehicles RENAME COLUMN taken TO accepted",
        "ALTER TABLE minutes RENAME COLUMN taken TO accepted",
        "UPDATE photos SET state = 'accepted' WHERE state = 'taken'",
    ),
)


class Storage(Transactions):
    """Reads and writes of the file of jobs.

    Args:
        path: The file; made with its folder at the first use.
        clock: Tells the time; only the wall's is asked.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM) -> None:
        file = StateFile(
            path, called="jobs' state file", if_lost=_IF_LOST, migrations=MIGRATIONS, flushed=True
        )
        super().__init__(file, clock)

    async def read(self, work: Transaction[T], *, without: T) -> T:
        """Do something in one reading transaction.

        Args:
            work: What is done.
            without: What is answered where there never was a job: who only asks makes no file.

        Raises:
            StateError: The file cannot be used.
        """
        return await self._read(work) if self._file.path.exists() else without

    async def write(self, work: Transaction[T], *, flushed: bool = True) -> T:
        """Do something in one writing transaction.

        Args:
            work: What is done.
            flushed: Whether it must be on the disk when this returns; a machine that loses its power may forget it otherwise.

        Raises:
            StateError: The file cannot be used.
        """
        return await self._write(work, flushed=flushed)
