"""Whose turn it is. An engine schedules the work of vehicles and remembers nothing else: what was sent stands in the ledger.

An engine that forgets a turn, gives it twice, or gives it to two processes costs time and no credit: every photo is claimed in
the ledger before it is sent, and whoever begins to work offers again what is still to be done.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class JobTurn:
    """The right to work on one vehicle for a while.

    Attributes:
        account: Whose credits are spent.
        job: The job it belongs to: jobs take turns.
        vehicle: The vehicle's number in the book of jobs.
        lane: What the work waits for, the tool or `results`: lanes do not stand in each other's way.
    """

    account: str
    job: str
    vehicle: int
    lane: str


class Queue(Protocol):
    """What an engine does: it takes offers of work, gives turns, and takes them back. Every method raises `StateError`."""

    async def offer(self, turns: Iterable[JobTurn], *, due_at: float) -> None:
        """Put work into the queue; work that is there already stays as it is.

        Args:
            turns: What is to be done.
            due_at: When it may be taken at the earliest, in seconds since 1970.
        """
        ...

    async def take(self, account: str, *, full: Collection[str], besides: Collection[int]) -> JobTurn | None:
        """The next turn of an account, which nobody else gets until it is given back or its holder is dead; None where none is due.

        The job that has waited longest for a turn is next; within a job, its vehicles in order.

        Args:
            account: Whose.
            full: Lanes in which there is no room.
            besides: Vehicles that are being worked on.
        """
        ...

    async def give_back(self, turn: JobTurn, *, due_at: float | None) -> None:
        """End a turn. The work may be taken again from `due_at` on; None is never: it is done."""
        ...

    async def withdraw(self, job: str) -> None:
        """Take the work of a job that has ended out of the queue; turns that are given are ended by their holder."""
        ...

    async def hold(self, account: str) -> bool:
        """Whether this process may take turns of an account now: one does at a time. Ask again every `HOLD_EVERY_S`."""
        ...

    async def release(self, account: str) -> None:
        """Let another process take turns."""
        ...


HOLD_EVERY_S = 2.0
"""How often the process that works shows that it is alive, and how often the others look."""

DEAD_AFTER_S = 6.0
"""After so many seconds without a sign another process takes over."""

RESULTS = "results"
"""The lane of looks at batches and of downloads."""
