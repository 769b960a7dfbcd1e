"""One budget: who holds slots, who waits, and the one step by which a process moves it on.

The step is pure: a bucket, the moment and what one process wants go in; what that process gets comes out.
A store only has to run it in a transaction. All moments are integer microseconds of the store's clock.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from autobg_mcp.throttle.policy import SECOND_US, Limit, window_opens

LEASE_US = 6 * SECOND_US
"""How long the places of a process that no longer shows itself are kept."""
RENEW_US = LEASE_US // 3
_LONGEST_PAUSE_US = 900 * SECOND_US
_ESTIMATE_SLACK_US = SECOND_US  # a waiter keeps its place while its estimate wavers by less


@dataclass(slots=True)
class Permit:
    """A slot that was given out and still counts, or did lately.

    Attributes:
        number: The ticket it was given for while the call is in flight; 0 once it is answered.
        granted_us: When it was given out.
        stamp_us: The latest moment at which the server can have counted the call.
        refused: Whether the answer was a 429.
    """

    number: int
    granted_us: int
    stamp_us: int
    refused: bool = False


@dataclass(slots=True)
class Bucket:
    """The whole state of one budget.

    Attributes:
        limit: As the last process gave it.
        seen_us: The store's clock at the last step.
        tickets: How many tickets have been drawn.
        permits: Slots given out, oldest first.
        queue: (ticket, process) of every waiter, next first.
        leases: Until when each waiting process is taken to be alive.
        closed_us: Until when nothing goes out after a 429.
        latency_us: What an answer usually takes; only estimates use it.
    """

    limit: Limit
    seen_us: int = 0
    tickets: int = 0
    permits: list[Permit] = field(default_factory=list)
    queue: list[tuple[int, str]] = field(default_factory=list)
    leases: dict[str, int] = field(default_factory=dict)
    closed_us: int = 0
    latency_us: int = 0

    def allowance(self) -> int:
        """Calls per window that may be used now."""
        return self.limit.calls

    def used(self, now_us: int) -> int:
        """Slots that count at this moment."""
        return sum(permit.stamp_us + self.limit.span_us > now_us for permit in self.permits)

    def opens_us(self, now_us: int) -> int:
        """The first moment from `now_us` on at which one more call may go out, if nothing else happens."""
        stamps = [permit.stamp_us for permit in self.permits]
        return max(self.closed_us, window_opens(stamps, self.allowance(), self.limit.span_us, now_us))

    def estimate_us(self, place: int, now_us: int) -> int:
        """When the waiter at `place` (1 = next) gets its slot, if answers take what they usually take."""
        calls, span_us = self.allowance(), self.limit.span_us
        expiries = sorted(self._expected_us(permit, now_us) + span_us for permit in self.permits)
        free = ([now_us] * calls + [moment for moment in expiries if moment > now_us])[-calls:]
        rounds, index = divmod(place - 1, calls)
        return max(free[index], self.closed_us, now_us) + rounds * (span_us + self.latency_us)

    def _expected_us(self, permit: Permit, now_us: int) -> int:
        if not permit.number:
            return permit.stamp_us
        return min(permit.stamp_us, max(now_us, permit.granted_us + self.latency_us))


@dataclass(slots=True, eq=False)
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
class Answer:
    """The answer to a call: which slot, how long after the grant it was sent, and whether it was a 429.

    Attributes:
        number: The slot's ticket.
        late_us: Time between being given the slot and sending.
        refused: Whether it was a 429.
        retry_after_us: What the server said with it; None when it said nothing.
    """

    number: int
    late_us: int = 0
    refused: bool = False
    retry_after_us: int | None = None


@dataclass(slots=True)
class Batch:
    """What one process wants of one bucket in one step.

    Attributes:
        owner: The process.
        limit: The limit it knows.
        reach_us: The longest a request takes from its grant until it has reached the server.
        asks: All its waiters, in order.
        answers: Calls that were answered.
        returned: Tickets of slots that were never used.
        dropped: Tickets of waiters that left.
    """

    owner: str
    limit: Limit
    reach_us: int
    asks: Sequence[Ask] = ()
    answers: Sequence[Answer] = ()
    returned: Sequence[int] = ()
    dropped: Sequence[int] = ()


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
class Refused:
    """The call's time does not reach to its slot, which comes after `retry_after_us`. It has no place."""

    retry_after_us: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step gave, one entry per ask, and when the process should step again.

    Attributes:
        replies: One per ask, in the same order.
        wake_us: Microseconds until the next step is due.
        overdue: The next slot is free, but it belongs to another process that has not taken it yet.
    """

    replies: list[Granted | Queued | Refused]
    wake_us: int
    overdue: bool


def step(bucket: Bucket, now_us: int, batch: Batch) -> Outcome:
    """Moves the bucket on to `now_us` and does what the batch asks. The bucket is changed in place."""
    if now_us < bucket.seen_us:
        shift(bucket, now_us - bucket.seen_us)
    bucket.seen_us, bucket.limit = now_us, batch.limit
    _take_back(bucket, now_us, batch)
    _renew(bucket, now_us, batch)
    for ask in batch.asks:
        _join(bucket, ask, batch.owner)
    granted = _grant(bucket, now_us, batch)
    replies = [granted.get(ask.number) or _place(bucket, now_us, ask, batch.owner) for ask in batch.asks]
    return Outcome(replies, *_wake(bucket, now_us, batch, replies))


def shift(bucket: Bucket, by_us: int) -> None:
    """Moves every moment of the bucket, so that a clock that jumped neither frees nor freezes it."""
    bucket.seen_us += by_us
    bucket.closed_us += by_us
    for permit in bucket.permits:
        permit.granted_us += by_us
        permit.stamp_us += by_us
    bucket.leases = {owner: lease + by_us for owner, lease in bucket.leases.items()}


def _take_back(bucket: Bucket, now_us: int, batch: Batch) -> None:
    returned, answers = set(batch.returned), {answer.number: answer for answer in batch.answers}
    horizon_us = now_us - 2 * bucket.limit.span_us
    kept = []
    for permit in bucket.permits:
        answer = answers.get(permit.number)
        if answer is not None:
            _settle(bucket, now_us, permit, answer, batch.reach_us)
        if permit.number not in returned and permit.stamp_us > horizon_us:
            kept.append(permit)
    bucket.permits = kept


def _settle(bucket: Bucket, now_us: int, permit: Permit, answer: Answer, reach_us: int) -> None:
    latency_us = now_us - permit.granted_us
    bucket.latency_us += (latency_us - bucket.latency_us) // (4 if bucket.latency_us else 1)
    permit.stamp_us = min(now_us, permit.granted_us + answer.late_us + reach_us)
    permit.number, permit.refused = 0, answer.refused
    if answer.refused:
        pause_us = bucket.limit.window_us if answer.retry_after_us is None else answer.retry_after_us
        pause_us = min(max(0, pause_us), _LONGEST_PAUSE_US)
        bucket.closed_us = max(
            bucket.closed_us, now_us + pause_us + bucket.limit.span_us - bucket.limit.window_us
        )


def _renew(bucket: Bucket, now_us: int, batch: Batch) -> None:
    mine = bucket.leases.pop(batch.owner, 0)
    bucket.leases = {owner: lease for owner, lease in bucket.leases.items() if lease > now_us}
    if batch.asks:
        bucket.leases[batch.owner] = mine if mine - now_us > LEASE_US - RENEW_US else now_us + LEASE_US
    gone = set(batch.dropped)
    bucket.queue = [
        (number, owner) for number, owner in bucket.queue if owner in bucket.leases and number not in gone
    ]


def _join(bucket: Bucket, ask: Ask, owner: str) -> None:
    if not ask.number:
        bucket.tickets += 1
        ask.number = bucket.tickets
    elif ask.is_new:  # a second attempt: the first keeps its stamp, but nobody will answer for it again
        for permit in bucket.permits:
            permit.number = 0 if permit.number == ask.number else permit.number
    if (ask.number, owner) not in bucket.queue:
        insort(bucket.queue, (ask.number, owner))


def _grant(bucket: Bucket, now_us: int, batch: Batch) -> dict[int, Granted]:
    granted: dict[int, Granted] = {}
    while bucket.queue and bucket.queue[0][1] == batch.owner and bucket.opens_us(now_us) <= now_us:
        number, _ = bucket.queue.pop(0)
        bucket.permits.append(Permit(number, now_us, now_us + batch.reach_us))
        granted[number] = Granted(number, max(0, bucket.allowance() - bucket.used(now_us)))
    return granted


def _place(bucket: Bucket, now_us: int, ask: Ask, owner: str) -> Queued | Refused:
    place = bucket.queue.index((ask.number, owner)) + 1
    left_us = bucket.estimate_us(place, now_us) - now_us
    slack_us = 0 if ask.is_new else _ESTIMATE_SLACK_US
    if ask.left_us <= 0 or left_us > ask.left_us + slack_us:
        bucket.queue.remove((ask.number, owner))
        return Refused(left_us)
    return Queued(ask.number, place, left_us)


def _wake(
    bucket: Bucket, now_us: int, batch: Batch, replies: list[Granted | Queued | Refused]
) -> tuple[int, bool]:
    first = next((reply for reply in replies if isinstance(reply, Queued)), None)
    if first is None:
        return LEASE_US, False
    mine = first.place == 1
    due_us = bucket.opens_us(now_us) - now_us if mine else first.left_us
    waiting = [
        ask.left_us for ask, reply in zip(batch.asks, replies, strict=True) if isinstance(reply, Queued)
    ]
    others = [lease - now_us for owner, lease in bucket.leases.items() if owner != batch.owner]
    overdue = due_us <= 0 and not mine
    return max(0, min([RENEW_US, *waiting, *others, *([] if overdue else [due_us])])), overdue
