"""The one step by which a process moves a budget on.

It is pure: a bucket, the moment and what one process wants go in; what that process gets comes out. A store only
has to load what the step needs, run it in a transaction, and write what it changed. The same step serves every store.
Moments and spans are whole microseconds.
"""

from dataclasses import replace

from autobg_mcp.throttle.bucket import DAY_US, Bucket, Waiter
from autobg_mcp.throttle.policy import SECOND_US, Limit, span_us
from autobg_mcp.throttle.wishes import (
    Answered,
    Ask,
    Delayed,
    Dropped,
    Granted,
    Queued,
    Replies,
    Reply,
    Returned,
    TooFar,
    Wishes,
)

LEASE_US = 6 * SECOND_US
"""How long the places of a process that no longer shows itself are kept."""
RENEW_US = LEASE_US // 3
TRANSIT_US = 4 * SECOND_US
"""The longest a request can still be on its way after its last byte was handed to the network."""
_LOOKS_PER_WINDOW = 20
_NEXT_LOOK_US = 10_000  # another process takes its slot first, at any moment now


def step(bucket: Bucket, now_us: int, wishes: Wishes) -> Replies:
    """Moves the bucket on to `now_us` and does what is wished. The bucket is changed in place."""
    bucket.calls, bucket.window_us = wishes.limit.calls, wishes.limit.window_us
    _take_back(bucket, now_us, wishes)
    _renew(bucket, now_us, wishes)
    places = [_join(bucket, now_us, ask, wishes.owner) for ask in wishes.asks]
    granted = _grant(bucket, now_us, wishes)
    moments_us = bucket.estimates_us(now_us, wishes.reach_us) if bucket.queue else []
    order = {place: index for index, place in enumerate(bucket.order())}
    replies = [
        granted.get(place)
        or _wait(bucket, now_us, ask, place, order[place], moments_us[order[place]] - now_us)
        for ask, place in zip(wishes.asks, places, strict=True)
    ]
    return Replies(replies, *_wake(bucket, now_us, wishes, replies))


def _take_back(bucket: Bucket, now_us: int, wishes: Wishes) -> None:
    for note in wishes.notes:
        match note:
            case Answered():
                _settle(bucket, now_us, note, wishes.reach_us)
            case Delayed(slot, until_us) if slot in bucket.slots:
                bucket.slots[slot] = max(bucket.slots[slot], min(until_us, now_us + DAY_US))
            case Returned(slot) if slot in bucket.slots:
                del bucket.slots[slot]
                bucket.used -= 1
            case Dropped(place):
                bucket.queue.pop(place, None)


def _settle(bucket: Bucket, now_us: int, answer: Answered, reach_us: int) -> None:
    arrived_us = now_us - answer.ago_us
    latency_us = min(max(0, arrived_us - answer.granted_us), DAY_US)
    bucket.latency_us += (latency_us - bucket.latency_us) // (4 if bucket.latency_us else 1)
    if answer.slot in bucket.slots:
        sent_us = answer.granted_us + answer.late_us
        stamps_us = bucket.slots[answer.slot], arrived_us, sent_us + min(TRANSIT_US, reach_us)
        bucket.slots[answer.slot] = min(stamps_us)
    if answer.refused:
        _close(bucket, now_us, answer)


def _close(bucket: Bucket, now_us: int, answer: Answered) -> None:
    """Closes the gate, and halves the allowance unless the call went out before that was done for another."""
    pause_us = bucket.window_us if answer.retry_after_us is None else answer.retry_after_us
    guard_us = span_us(bucket.window_us) - bucket.window_us
    bucket.closed_us = max(bucket.closed_us, now_us + min(max(0, pause_us), DAY_US) + guard_us)
    if not bucket.halved or answer.granted_us >= bucket.since_us:
        bucket.halved = max(1, bucket.allowance(now_us) // 2)
    bucket.since_us = bucket.closed_us


def _renew(bucket: Bucket, now_us: int, wishes: Wishes) -> None:
    """Keeps this process's places, and drops those of processes that no longer show themselves."""
    for place, waiter in list(bucket.queue.items()):
        if waiter.owner == wishes.owner and wishes.asks:
            if waiter.lease_us - now_us <= LEASE_US - RENEW_US:
                bucket.queue[place] = replace(waiter, lease_us=now_us + LEASE_US)
        elif waiter.lease_us <= now_us:
            del bucket.queue[place]


def _join(bucket: Bucket, now_us: int, ask: Ask, owner: str) -> int:
    """Puts the ask into the queue if it is not there; its number."""
    if not ask.place:
        bucket.drawn += 1
    place = ask.place or bucket.drawn
    if place not in bucket.queue:
        bucket.queue[place] = Waiter(owner, now_us + LEASE_US, ask.background)
    return place


def _grant(bucket: Bucket, now_us: int, wishes: Wishes) -> dict[int, Granted]:
    """Takes every slot that is this process's by its place in the queue."""
    granted: dict[int, Granted] = {}
    people = bucket.people()
    for index, place in enumerate(bucket.order()):
        waiter = bucket.queue[place]
        if waiter.owner != wishes.owner:
            continue
        opens_us = bucket.opens_us(now_us, index - len(granted), paced=max(0, index + 1 - people))
        if opens_us is None or opens_us > now_us:
            break
        if waiter.background:
            bucket.paced_us = now_us
        bucket.drawn += 1
        bucket.used += 1
        bucket.slots[bucket.drawn] = now_us + wishes.reach_us
        granted[place] = Granted(place, bucket.drawn, now_us, bucket.left(now_us))
        del bucket.queue[place]
    return granted


def _wait(bucket: Bucket, now_us: int, ask: Ask, place: int, ahead: int, left_us: int) -> Queued | TooFar:
    closed_us = max(0, bucket.closed_us - now_us)
    if 0 < ask.left_us >= left_us:
        return Queued(place, ahead + 1, left_us, closed_us)
    del bucket.queue[place]
    return TooFar(place, left_us, bucket.allowance(now_us), closed_us)


def _wake(bucket: Bucket, now_us: int, wishes: Wishes, replies: list[Reply]) -> tuple[int, int]:
    waiting = [
        (reply, ask) for reply, ask in zip(replies, wishes.asks, strict=True) if isinstance(reply, Queued)
    ]
    if not waiting:
        return LEASE_US, LEASE_US
    first = min((reply for reply, _ in waiting), key=lambda reply: reply.position)
    look_us = usual_look_us(wishes.limit)
    ahead = bucket.order().index(first.place)
    opens_us = bucket.opens_us(now_us, ahead, paced=max(0, ahead + 1 - bucket.people()))
    due_us = max(first.left_us, look_us) if opens_us is None else opens_us - now_us
    if opens_us is None and first.left_us <= 0:
        look_us = _NEXT_LOOK_US
    leases = [each.lease_us - now_us for each in bucket.queue.values() if each.owner != wishes.owner]
    is_near = first.position <= bucket.allowance(now_us)  # only they can gain by what others do
    wake_us = min([due_us, RENEW_US, *(ask.left_us for _, ask in waiting), *leases])
    return max(0, wake_us), look_us if is_near else RENEW_US


def usual_look_us(limit: Limit) -> int:
    """How often a process looks whether another has changed the bucket: once a second, more for short windows."""
    return min(SECOND_US, limit.window_us // _LOOKS_PER_WINDOW)
