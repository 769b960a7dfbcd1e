"""One call that waits for a slot: where it stands, and what it hears."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from autobg_mcp.throttle.wishes import Granted, Queued, TooFar

T = TypeVar("T")


@dataclass(eq=False)
class Caller:
    """One waiting call.

    Attributes:
        deadline_s: When its time is over, by the local clock.
        place: Its number in the queue; 0 before it has one.
        background: Whether nobody waits for it.
        news: Resolves when it is first told anything.
        done: Resolves with what became of it.
        queued: Where it stood at the last step; None before the first.
        told_s: When it was last told anything, by the local clock.
        granted_s: A moment just before the step that last spoke of it.
    """

    deadline_s: float
    place: int
    background: bool
    news: asyncio.Future[None]
    done: asyncio.Future[Granted | TooFar]
    queued: Queued | None = None
    told_s: float = 0.0
    granted_s: float = 0.0

    def hear(self) -> None:
        """There is news."""
        resolve(self.news, None)

    def end(self, reply: Granted | TooFar) -> None:
        """It waits no longer."""
        resolve(self.done, reply)

    def fail(self, error: Exception) -> None:
        """It waits in vain."""
        if not self.done.done():
            self.done.set_exception(error)
        self.hear()


def resolve(future: asyncio.Future[T], result: T) -> None:
    """Give a future its result, unless it has one or nobody waits for it any more."""
    if not future.done():
        future.set_result(result)
