"""What a caller of the throttle sees: the slot it holds, the news while it waits, the state of a budget."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from autobg_mcp.throttle.policy import Limit


@dataclass(frozen=True)
class Waiting:
    """News for a call that waits.

    Attributes:
        place: Its place in the queue; 1 is next. Of a background call it grows when somebody comes who waits.
        left_s: Seconds until the slot, by estimate.
        closed: That the server has closed its gate, and until when, in words; empty where the allowance is used up.
    """

    place: int
    left_s: float
    closed: str


@dataclass(frozen=True)
class Budget:
    """One budget at this moment.

    Attributes:
        bucket: Its name, as callers gave it.
        used: Slots that count now.
        left: Slots that are free now.
        waiting: Calls in the queue that somebody waits for, of all processes.
        waiting_background: Calls in the queue that nobody waits for; they stand behind the others.
        next_free_s: Seconds until a new call that somebody waits for would get a slot, behind the others of its kind.
        closed_s: Seconds for which a 429 still closes the gate; 0 when it is open.
        rule: Until when the server has closed its gate, and how much of the limit is used, in words.
    """

    bucket: str
    used: int
    left: int
    waiting: int
    waiting_background: int
    next_free_s: float
    closed_s: float
    rule: str


class Slot(Protocol):
    """The right to send one request now.

    Attributes:
        waited_s: Seconds the call waited for it.
        left: Calls left in the allowance right after this one.
    """

    waited_s: float
    left: int

    def sent(self) -> None:
        """Says that bytes may have left; from here on the slot is spent whatever happens.

        Call it again when the last byte has left: from the last call on, the request is taken to reach the server
        within 4 s, so a slow answer does not hold the slot, and a slow upload does not give it back too early.
        """

    async def answered(self, *, retry_after_s: float | None = None, refused: bool = False) -> None:
        """Says that the answer's headers are here, which starts the slot's window.

        Does not wait until that is written down; only a refusal is known to every process when this returns.
        Never raises: a store that fails now leaves the slot counted a little longer.

        Args:
            retry_after_s: What a refusal said about when to come back; None where it said nothing.
            refused: Whether the answer was a 429; closes the gate for everybody.
        """


class Throttle(Protocol):
    """Gives out slots so that a server's limit is never exceeded: people first, and each class as it came."""

    def slot(
        self,
        bucket: str,
        limit: Limit,
        *,
        max_wait_s: float,
        on_wait: Callable[[Waiting], Awaitable[None]] | None = None,
        after: Slot | None = None,
        background: bool = False,
    ) -> AbstractAsyncContextManager[Slot]:
        """Waits for a slot and holds it for the block.

        Leaving the block without `sent()` gives the slot back; with `sent()` but without `answered()` it stays
        spent, counted from the latest moment at which the request can have arrived.

        Args:
            bucket: The budget, `<hash of account>:<endpoint>`.
            limit: The limit of that budget.
            max_wait_s: The longest to wait, in seconds; 0 takes a slot only if it is free now.
            on_wait: Called when the call has to wait, then at least every 5 s.
            after: The slot of a refused attempt; this call takes its place in the queue.
            background: That nobody waits for the call, as for one of a job. It stands behind every call that somebody
                waits for, whichever process makes that, and comes no sooner after the background call before it than
                the window divided by the allowance: 6.025 s at 10 calls in 60 s.

        Raises:
            ThrottledError: The slot lies further off than `max_wait_s`, or for a background call has come to do so
                while others passed it; nothing was taken.
            StateError: The store cannot be used.
        """

    async def budgets(self, prefix: str) -> list[Budget]:
        """Every budget whose name starts with `prefix`, sorted by name.

        Raises:
            StateError: The store cannot be used.
        """

    async def aclose(self) -> None:
        """Gives back what was not used, forgets whoever waits, and closes the store."""
