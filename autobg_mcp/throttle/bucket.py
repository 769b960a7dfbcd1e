"""One budget: who holds slots, who waits, and until when the server has closed its gate.

A slot is a stamp: the latest moment at which the server can have counted the call, which is the moment its answer
arrived, or the longest a request can take to get there. A stamp ahead of now belongs to a call in flight. Since a
call never weighs more with age, calls that fit by these stamps fit into fixed windows of any phase, into a sliding
log, and into a token bucket that holds the limit.

Calls that nobody waits for stand behind all others, and get their slots one pace apart: the window divided by the
allowance. So the slots they hold come free one after another, and a call that somebody waits for, the only one of its
window, gets the next of them after one pace, plus what an answer takes; the n-th of a window after n paces. Slots
come back to a full queue no faster than that, so the pace costs next to nothing of the limit.

All moments are whole microseconds of the bucket's own time: the clock of the store that keeps it, plus what that
clock has ever lost. It never goes back, so a clock that does frees nothing and freezes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from autobg_mcp.state import ImpossibleValueError, text_up_to, whole_between
from autobg_mcp.throttle.policy import DAY_S, SECOND_US, Limit, pace_us, span_us

DAY_US = DAY_S * SECOND_US
_STEPS_BACK = 10  # a halved allowance has all its calls back after five clean windows
_MOST = 2**53  # what every store keeps exactly
_OWNER_CHARS = 100


@dataclass(frozen=True, slots=True)
class Waiter:
    """One place in the queue.

    Attributes:
        owner: The process whose it is.
        lease_us: Until when that process is taken to be alive.
        background: Whether nobody waits for the call.
    """

    owner: str
    lease_us: int
    background: bool = False


@dataclass(slots=True)
class Bucket:
    """What one step needs to know of a budget.

    Attributes:
        calls: The limit as the last process gave it: calls, and the window in microseconds.
        window_us: See `calls`.
        used: Slots that count, loaded or not.
        drawn: The last number drawn; slots and places share one row of numbers.
        seen_us: The bucket's time when it was last written.
        ahead_us: How far the bucket's time is ahead of its store's clock.
        closed_us: Until when nothing goes out after a 429.
        latency_us: What an answer usually takes; only estimates use it.
        halved: What a 429 left of the allowance at `since_us`; 0 before the first.
        since_us: When clean windows began to count.
        paced_us: When the last background call got its slot; 0 before the first.
        slots: Stamps by number, of the oldest slots and of those the step speaks of.
        queue: Waiters by number; see `order`.
    """

    calls: int
    window_us: int
    used: int = 0
    drawn: int = 0
    seen_us: int = 0
    ahead_us: int = 0
    closed_us: int = 0
    latency_us: int = 0
    halved: int = 0
    since_us: int = 0
    paced_us: int = 0
    slots: dict[int, int] = field(default_factory=dict)
    queue: dict[int, Waiter] = field(default_factory=dict)

    @classmethod
    def of(cls, limit: Limit) -> "Bucket":
        """A budget nothing was taken from."""
        return cls(limit.calls, limit.window_us)

    @classmethod
    def read(cls, numbers: Iterable[int]) -> "Bucket":
        """One without slots and waiters, from what `numbers` gave."""
        bucket = cls(1, 1)
        for name, number in zip(NUMBERS, numbers, strict=True):
            setattr(bucket, name, number)
        return bucket

    def numbers(self) -> tuple[int, ...]:
        """Its single numbers, in the order of NUMBERS."""
        return _numbers(self)

    def copy(self) -> "Bucket":
        """The same, to be changed apart."""
        return replace(self, slots=self.slots.copy(), queue=self.queue.copy())

    def now_us(self, clock_us: int) -> int:
        """The bucket's time when its store's clock says `clock_us`."""
        return max(clock_us + self.ahead_us, self.seen_us)

    def allowance(self, now_us: int) -> int:
        """Calls per window: all of them, or what a 429 left and the clean windows since have given back."""
        if not self.halved:
            return self.calls
        clean = max(0, now_us - self.since_us) // self.window_us
        return min(self.calls, self.halved + clean * max(1, self.calls // _STEPS_BACK))

    def pace_us(self, now_us: int) -> int:
        """How long after each other background calls get their slots."""
        return pace_us(self.window_us, self.allowance(now_us))

    def left(self, now_us: int) -> int:
        """Slots of the allowance that are free at this moment."""
        return max(0, self.allowance(now_us) - self.used)

    def order(self) -> list[int]:
        """Numbers of the waiters as they are served: those that somebody waits for first, each class as it came."""
        return sorted(self.queue, key=lambda place: (self.queue[place].background, place))

    def people(self) -> int:
        """How many waiters somebody waits for; they are the first in the order."""
        return sum(not waiter.background for waiter in self.queue.values())

    def deciding(self, calls: int, extra: int, *, halving: bool) -> int:
        """How many of the oldest slots a step can need: those above the allowance, and one for each who waits.

        Args:
            calls: The limit of whoever steps, which may be smaller than that of whoever stepped last.
            extra: Waiters and news that come with the step.
            halving: Whether the allowance may shrink in it.
        """
        least = 0 if halving else min(calls, self.halved or calls)
        return min(self.used, max(0, self.used - least) + len(self.queue) + extra)

    def opens_us(self, now_us: int, ahead: int, paced: int) -> int | None:
        """The first moment from `now_us` on at which one more call may go out, whatever happens to calls in flight.

        Args:
            now_us: The moment.
            ahead: Calls that have a right to go first. They need not have gone: whoever is `ahead`-th in the queue
                has a right to the slot after theirs, so a process that is slow to take its slot holds up nobody.
            paced: How many background calls there are among those ahead and this one, which is one; 0 if it is none.

        Returns:
            None if those ahead have to go first, because they fill the allowance.
        """
        calls = self.allowance(now_us)
        if ahead >= calls:
            return None
        index = self.used + ahead - calls
        stamps = sorted(self.slots.values()) if index >= 0 else ()
        if not paced:
            return max(now_us, self._frees_us(stamps, index))
        slots_us = (self._frees_us(stamps, each) for each in range(index + 1 - paced, index + 1))
        return max(now_us, *self._paced_us(slots_us, now_us))

    def estimates_us(self, now_us: int, reach_us: int) -> list[int]:
        """When those who wait get their slots, in their order, if answers take what they usually take."""
        people = self.people()
        slots_us = self.slots_us(range(len(self.queue)), now_us, reach_us)
        return slots_us[:people] + self._paced_us(slots_us[people:], now_us)

    def slots_us(self, places: Iterable[int], now_us: int, reach_us: int) -> list[int]:
        """When there is a slot for whoever stands at these places (0 is next), if answers take what they usually take."""
        flies_us = self.latency_us - reach_us
        stamps = sorted(
            min(stamp, max(now_us, stamp + flies_us)) if stamp > now_us else stamp
            for stamp in self.slots.values()
        )
        calls = self.allowance(now_us)
        round_us = span_us(self.window_us) + self.latency_us
        rounds = (divmod(place, calls) for place in places)
        return [
            max(now_us, self._frees_us(stamps, self.used + first - calls)) + later * round_us
            for later, first in rounds
        ]

    def words(self, now_us: int) -> str:
        """How much of the limit is used, and why, for people."""
        allowance = self.allowance(now_us)
        if allowance == self.calls:
            return "the whole limit"
        return (
            f"{allowance} of {self.calls} calls since the API answered 429 (another program on the key, or a smaller "
            "limit); each window without one gives some back"
        )

    def _frees_us(self, stamps: Sequence[int], index: int) -> int:
        frees_us = 0 if index < 0 else stamps[index] + span_us(self.window_us)
        return max(frees_us, self.closed_us)

    def _paced_us(self, slots_us: Iterable[int], now_us: int) -> list[int]:
        """When background calls go out that stand behind each other, if there are slots for them at these moments."""
        pace_us = self.pace_us(now_us)
        moments_us, last_us = list[int](), self.paced_us or -pace_us
        for slot_us in slots_us:
            last_us = max(slot_us, last_us + pace_us)
            moments_us.append(last_us)
        return moments_us


NUMBERS = (
    *("calls", "window_us", "used", "drawn", "seen_us", "ahead_us", "closed_us", "latency_us", "halved"),
    *("since_us", "paced_us"),
)
"""The attributes of a bucket that are one whole number each."""
_numbers = attrgetter(*NUMBERS)


def checked(bucket: Bucket, wanted: int = 0) -> Bucket:
    """The bucket as a store gave it, if a step can have written it.

    Args:
        bucket: What was read.
        wanted: How many slots must have been loaded.

    Raises:
        ImpossibleValueError: No step has written it.
    """
    whole_between(bucket.calls, 1, _MOST)
    whole_between(bucket.window_us, 1, DAY_US)
    whole_between(bucket.latency_us, 0, DAY_US)
    whole_between(bucket.halved, 0, _MOST)
    whole_between(bucket.ahead_us, -_MOST, _MOST)
    drawn, seen_us = whole_between(bucket.drawn, 0, _MOST), whole_between(bucket.seen_us, 0, _MOST)
    for number in (bucket.used, *bucket.slots, *bucket.queue):
        whole_between(number, 0, drawn)
    leases = (waiter.lease_us for waiter in bucket.queue.values())
    for moment_us in (bucket.closed_us, bucket.since_us, bucket.paced_us, *bucket.slots.values(), *leases):
        whole_between(moment_us, 0, seen_us + 2 * DAY_US)
    for waiter in bucket.queue.values():
        text_up_to(waiter.owner, _OWNER_CHARS)
    if len(bucket.slots) < wanted:
        raise ImpossibleValueError(f"{len(bucket.slots)} slots where {wanted} belong")
    return bucket
