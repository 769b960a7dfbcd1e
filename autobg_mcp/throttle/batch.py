"""What a process hands into a step on a bucket, and what it gets back. Moments and spans are microseconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from autobg_mcp.throttle.policy import Limit


@dataclass(frozen=True, slots=True)
class Ask:
    """One waiter of the process that makes the step.

    Attributes:
        left_us: How much longer it may wait; below zero when its time is over.
        number: Its ticket; 0 before it has one. The ticket of a refused attempt is the front of the queue.
        is_new: Whether this step is the first to see it.
    """

    left_us: int
    number: int = 0
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call: which slot, how long after the grant its last byte went out, and whether it was a 429.

    Attributes:
        number: The slot's ticket.
        late_us: Time between being given the slot and the last byte.
        refused: Whether it was a 429.
        retry_after_us: What the server said with it; None when it said nothing.
    """

    number: int
    late_us: int = 0
    refused: bool = False
    retry_after_us: int | None = None


@dataclass(slots=True)
class Notes:
    """What one process has to say about its calls.

    Attributes:
        answers: Calls that were answered.
        delays: Calls still being sent long after their grant: ticket, and microseconds since then.
        returned: Tickets of slots that were never used.
        dropped: Tickets of waiters that left.
    """

    answers: list[Answered] = field(default_factory=list)
    delays: list[tuple[int, int]] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.answers or self.delays or self.returned or self.dropped)


@dataclass(slots=True)
class Wishes:
    """What one process wants of one bucket in one step.

    Attributes:
        owner: The process.
        limit: The limit it knows.
        reach_us: The longest a request takes from its grant until it has reached the server.
        asks: All its waiters, in order.
        notes: What happened to its calls since its last step.
    """

    owner: str
    limit: Limit
    reach_us: int
    asks: Sequence[Ask] = ()
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True, slots=True)
class Granted:
    """The call may go out: its ticket, and what is left of the allowance right after it."""

    number: int
    left: int


@dataclass(frozen=True, slots=True)
class Queued:
    """The call has to wait: its ticket, its place (1 = next), and how long by estimate."""

    number: int
    place: int
    left_us: int


@dataclass(frozen=True, slots=True)
class TooFar:
    """The call's time does not reach to its slot, which comes after `retry_after_us`. Its ticket is void."""

    number: int
    retry_after_us: int


@dataclass(frozen=True, slots=True)
class Replies:
    """What a step gave, one entry per ask, and when the process should step again.

    Attributes:
        replies: One per ask, in the same order.
        wake_us: Microseconds until the next step is due.
        look_us: How often to look, until then, whether another process has changed the bucket.
    """

    replies: list[Granted | Queued | TooFar]
    wake_us: int
    look_us: int
