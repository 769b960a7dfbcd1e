"""The one step by which a process moves a bucket on.

It is pure: a bucket, the moment and what one process wants go in; what that process gets comes out. A store
only has to run it in a transaction. The same step serves every store.
"""

from bisect import bisect_left
from collections.abc import Sequence

from autobg_mcp.throttle.batch import Answered, Ask, Granted, Notes, Queued, Replies, TooFar, Wishes
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.policy import SECOND_US, Limit, Permit

LEASE_US = 6 * SECOND_US
"""How long the places of a process that no longer shows itself are kept."""
RENEW_US = LEASE_US // 3
TRANSIT_US = 4 * SECOND_US
"""The longest a request can still be on its way after its last byte was handed to the network."""
_REMEMBERED_WINDOWS = 2  # as far as any rule looks back
_LOOKS_PER_WINDOW = 20
_NEXT_LOOK_US = 10_000  # another process takes its slot first, at any moment now
_LONGEST_PAUSE_US = 900 * SECOND_US


def step(bucket: Bucket, now_us: int, batch: Wishes) -> Replies:
    """Moves the bucket on to `now_us` and does what the batch asks. The bucket is changed in place."""
    if now_us < bucket.seen_us:
        bucket.shift(now_us - bucket.seen_us)
    bucket.seen_us, bucket.limit = now_us, batch.limit.divided(bucket.share)
    _take_back(bucket, now_us, batch.notes, batch.reach_us)
    _learn(bucket, now_us)
    _renew(bucket, now_us, batch)
    numbers = [_join(bucket, ask, batch.owner) for ask in batch.asks]
    granted = _grant(bucket, now_us, batch)
    moments = bucket.estimates_us(len(bucket.queue), now_us)
    replies = [
        granted.get(number) or _place(bucket, now_us, ask, (number, batch.owner), moments)
        for ask, number in zip(batch.asks, numbers, strict=True)
    ]
    return Replies(replies, *_wake(bucket, now_us, batch, replies))


def _take_back(bucket: Bucket, now_us: int, notes: Notes, reach_us: int) -> None:
    for number, late_us in notes.delays:
        for permit in bucket.permits:
            if permit.number == number:
                permit.stamp_us = max(permit.stamp_us, permit.granted_us + late_us + TRANSIT_US)
    if notes.answers:
        answers = {answer.number: answer for answer in notes.answers}
        for permit in bucket.permits:
            if permit.number and permit.number in answers:
                _settle(bucket, now_us, permit, answers[permit.number], reach_us)
    if notes.returned:
        bucket.permits = [permit for permit in bucket.permits if permit.number not in notes.returned]
    horizon_us = now_us - _REMEMBERED_WINDOWS * bucket.limit.span_us
    if bucket.permits and bucket.permits[0].granted_us < horizon_us:
        bucket.permits = [permit for permit in bucket.permits if permit.stamp_us > horizon_us]


def _settle(bucket: Bucket, now_us: int, permit: Permit, answer: Answered, reach_us: int) -> None:
    latency_us = now_us - permit.granted_us
    bucket.latency_us += (latency_us - bucket.latency_us) // (4 if bucket.latency_us else 1)
    permit.stamp_us = min(now_us, permit.granted_us + answer.late_us + min(TRANSIT_US, reach_us))
    permit.number, permit.refused = 0, answer.refused
    bucket.lesson.settle(permit)
    if answer.refused:
        pause_us = bucket.limit.window_us if answer.retry_after_us is None else answer.retry_after_us
        pause_us = min(max(0, pause_us), _LONGEST_PAUSE_US)
        bucket.closed_us = max(
            bucket.closed_us, now_us + pause_us + bucket.limit.span_us - bucket.limit.window_us
        )


def _learn(bucket: Bucket, now_us: int) -> None:
    lesson = bucket.lesson
    if lesson.refused_us is not None:
        in_flight = any(permit.number for permit in bucket.permits)
        if not in_flight or now_us >= bucket.closed_us:
            lesson.conclude(bucket.permits, bucket.limit, now_us)
    lesson.widen(bucket.limit, now_us)


def _renew(bucket: Bucket, now_us: int, batch: Wishes) -> None:
    """Keeps this process's places, and drops those of processes that no longer show themselves."""
    mine = bucket.leases.pop(batch.owner, 0)
    bucket.leases = {owner: lease for owner, lease in bucket.leases.items() if lease > now_us}
    if batch.asks:
        bucket.leases[batch.owner] = mine if mine - now_us > LEASE_US - RENEW_US else now_us + LEASE_US
    gone = set(batch.notes.dropped)
    bucket.queue = [place for place in bucket.queue if place[1] in bucket.leases and place[0] not in gone]


def _join(bucket: Bucket, ask: Ask, owner: str) -> int:
    """Puts the ask into the queue if it is not there; its ticket."""
    number = ask.number or bucket.tickets + 1
    bucket.tickets = max(bucket.tickets, number)
    if ask.number and ask.is_new:  # a second attempt: nobody will answer for the first any more
        for permit in bucket.permits:
            permit.number = 0 if permit.number == number else permit.number
    index = bisect_left(bucket.queue, (number, owner))
    if bucket.queue[index : index + 1] != [(number, owner)]:
        bucket.queue.insert(index, (number, owner))
    return number


def _grant(bucket: Bucket, now_us: int, batch: Wishes) -> dict[int, Granted]:
    """Takes every slot that is this process's by its place in the queue."""
    granted: dict[int, Granted] = {}
    for index, (number, owner) in enumerate(bucket.queue):
        if owner != batch.owner:
            continue
        opens_us = bucket.opens_us(now_us, ahead=index - len(granted))
        if opens_us is None or opens_us > now_us:
            break
        is_probe = bucket.lesson.is_probe(bucket.permits, bucket.limit, now_us)
        bucket.permits.append(Permit(number, now_us, now_us + batch.reach_us, is_probe))
        granted[number] = Granted(number, bucket.left(now_us))
    if granted:
        bucket.queue = [place for place in bucket.queue if place[0] not in granted]
    return granted


def _place(
    bucket: Bucket, now_us: int, ask: Ask, ticket: tuple[int, str], moments: Sequence[int]
) -> Queued | TooFar:
    index = bisect_left(bucket.queue, ticket)
    left_us = moments[index] - now_us
    if ask.left_us <= 0 or left_us > ask.left_us:
        bucket.queue.pop(index)
        return TooFar(ticket[0], left_us)
    return Queued(ticket[0], index + 1, left_us)


def _wake(
    bucket: Bucket, now_us: int, batch: Wishes, replies: list[Granted | Queued | TooFar]
) -> tuple[int, int]:
    first = next((reply for reply in replies if isinstance(reply, Queued)), None)
    if first is None:
        return LEASE_US, LEASE_US
    opens_us, look_us = bucket.opens_us(now_us, ahead=first.place - 1), usual_look_us(bucket.limit)
    due_us = max(first.left_us, look_us) if opens_us is None else opens_us - now_us
    if opens_us is None and first.left_us <= 0:
        look_us = _NEXT_LOOK_US
    waiting = [
        ask.left_us for ask, reply in zip(batch.asks, replies, strict=True) if isinstance(reply, Queued)
    ]
    others = [lease - now_us for owner, lease in bucket.leases.items() if owner != batch.owner]
    is_near = first.place <= bucket.limit.calls  # only they can gain by what others do
    return max(0, min([due_us, RENEW_US, *waiting, *others])), look_us if is_near else RENEW_US


def usual_look_us(limit: Limit) -> int:
    """How often a process looks whether another has changed the bucket: once a second, more for short windows."""
    return min(SECOND_US, limit.window_us // _LOOKS_PER_WINDOW)
