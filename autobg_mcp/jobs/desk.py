"""All that a call sees of jobs."""

from dataclasses import dataclass
from typing import Self

from autobg_mcp.jobs.awaited import Awaited
from autobg_mcp.jobs.book import Book
from autobg_mcp.jobs.plans import Plans
from autobg_mcp.jobs.queue import Queue
from autobg_mcp.jobs.signs import Signs
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.jobs.turns import SqliteQueue


@dataclass(frozen=True)
class Jobs:
    """Jobs as they are kept on this machine.

    Attributes:
        book: What is to be done, and what came of it.
        plans: What was planned and waits for a word.
        queue: Whose turn it is.
        signs: Who works, and why work stands still.
        awaited: What a task sees that waits for its job.
    """

    book: Book
    plans: Plans
    queue: Queue
    signs: Signs
    awaited: Awaited

    @classmethod
    def on(cls, storage: Storage) -> Self:
        """The jobs in a file."""
        return cls(Book(storage), Plans(storage), SqliteQueue(storage), Signs(storage), Awaited(storage))
