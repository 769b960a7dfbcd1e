"""What goes into a step and what comes out: what one process wants of one bucket, and what it gets.

Moments and spans are whole microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autobg_mcp.throttle.policy import Limit


@dataclass(frozen=True, slots=True)
class Ask:
    """One waiter of the process that makes the step.

    Attributes:
        left_us: How much longer it may wait; below zero when its time is over.
        place: Its number in the queue; 0 before it has one. That of a refused attempt is the front of its class.
        background: Whether nobody waits for the call.
    """

    left_us: int
    place: int = 0
    background: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call.

    Attributes:
        slot: The slot's number.
        granted_us: When the slot was given, in the bucket's time.
        late_us: Time between being given the slot and the last byte.
        refused: Whether it was a 429.
        retry_after_us: What the server said with it; None when it said nothing.
        ago_us: How long ago it arrived when the step was asked for.
    """

    slot: int
    granted_us: int
    late_us: int = 0
    refused: bool = False
    retry_after_us: int | None = None
    ago_us: int = 0


@dataclass(frozen=True, slots=True)
class Delayed:
    """A call is still being sent long after its grant: its slot, and until when it can take to arrive."""

    slot: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Returned:
    """A slot was never used."""

    slot: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A waiter left: its place."""

    place: int


Note = Answered | Delayed | Returned | Dropped
"""What a process has to say of one of its calls."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one process wants of one bucket in one step.

    Attributes:
        owner: The process.
        limit: The limit it knows.
        reach_us: The longest a request takes from its grant until it has reached the server.
        asks: All its waiters, in order.
        notes: What happened to its calls since its last step, in that order.
    """

    owner: str
    limit: Limit
    reach_us: int
    asks: Sequence[Ask] = ()
    notes: Sequence[Note] = ()

    @property
    def refused(self) -> bool:
        """Whether a 429 is among the news."""
        return any(isinstance(note, Answered) and note.refused for note in self.notes)

    @property
    def noted(self) -> list[int]:
        """Slots that the news speak of."""
        return [note.slot for note in self.notes if not isinstance(note, Dropped)]

    @property
    def extra(self) -> int:
        """How many slots, beyond those that decide without this process, the step may look at."""
        return len(self.asks) + len(self.noted) + 1


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may go out: its place, its slot, when that was given, and what is left of the allowance after it."""

    place: int
    slot: int
    granted_us: int
    left: int


@dataclass(frozen=True, slots=True)
class Queued:
    """The call has to wait.

    Attributes:
        place: Its number in the queue.
        position: How many are served before and with it; 1 is next.
        left_us: How long, by estimate.
        closed_us: How long the server's gate stays closed after a 429; 0 when it is open.
    """

    place: int
    position: int
    left_us: int
    closed_us: int


@dataclass(frozen=True, slots=True)
class TooFar:
    """The call's time does not reach to its slot, which comes after `retry_after_us`. Its place is void.

    Attributes:
        place: Its number.
        retry_after_us: When to come back.
        allowance: Calls per window that may be used at present.
        closed_us: How long the server's gate stays closed after a 429; 0 when it is open.
    """

    place: int
    retry_after_us: int
    allowance: int
    closed_us: int


Reply = Granted | Queued | TooFar


@dataclass(frozen=True, slots=True)
class Replies:
    """What a step gave, one entry per ask, and when the process should step again.

    Attributes:
        replies: One per ask, in the same order.
        wake_us: Microseconds until the next step is due.
        look_us: How often to look, until then, whether another process has changed the bucket.
    """

    replies: list[Reply]
    wake_us: int
    look_us: int
