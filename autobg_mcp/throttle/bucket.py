"""One budget: who holds slots, who waits, and what is known of the server.

All moments are integer microseconds of the clock of the store that keeps the bucket.
"""

from dataclasses import dataclass, field

from autobg_mcp.throttle.learning import Lesson
from autobg_mcp.throttle.policy import Limit, Permit

_REPLAYED = 10


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
        lesson: What is known of how the server counts.
        share: By how many machines the limit is divided; above 1 while a shared store cannot be reached.
    """

    limit: Limit
    seen_us: int = 0
    tickets: int = 0
    permits: list[Permit] = field(default_factory=list)
    queue: list[tuple[int, str]] = field(default_factory=list)
    leases: dict[str, int] = field(default_factory=dict)
    closed_us: int = 0
    latency_us: int = 0
    lesson: Lesson = field(default_factory=Lesson)
    share: int = 1

    def words(self, now_us: int) -> str:
        """What is known of how the server counts, for people."""
        learnt = self.lesson.words(self.limit, now_us)
        if self.share == 1:
            return learnt
        return f"1/{self.share} of the allowance, because the shared store cannot be reached; {learnt}"

    def used(self, now_us: int) -> int:
        """Slots that count at this moment."""
        oldest_us = now_us - self.limit.span_us
        return sum(permit.stamp_us > oldest_us for permit in self.permits)

    def left(self, now_us: int) -> int:
        """Slots of the allowance that are free at this moment."""
        return max(0, self.lesson.calls(self.limit) - self.used(now_us))

    def opens_us(self, now_us: int, ahead: int = 0) -> int | None:
        """The first moment from `now_us` on at which one more call may go out, if nothing else happens.

        Args:
            now_us: The moment.
            ahead: Calls that have a right to go first. They need not have gone: whoever is `ahead`-th in the queue
                has a right to the slot after theirs, so a process that is slow to take its slot holds up nobody.

        Returns:
            None if those ahead have to go first, because the slots are not alike.
        """
        lesson, calls = self.lesson, self.lesson.calls(self.limit)
        if len(self.permits) + ahead < calls and not lesson.burst:
            return max(self.closed_us, now_us)
        alike = not lesson.is_strict and lesson.is_trusted(self.limit)
        if ahead and not (alike and ahead < calls):
            return None
        stamps = [permit.stamp_us for permit in self.permits]
        careful = lesson.probes_enough(self.permits, self.limit)
        opens_us = lesson.opens_us(stamps, self.limit, now_us, careful=careful, ahead=ahead)
        return max(self.closed_us, opens_us)

    def estimates_us(self, places: int, now_us: int) -> list[int]:
        """When the first `places` waiters get their slots, if answers take what they usually take."""
        if not places:
            return []
        calls, span_us = self.lesson.calls(self.limit), self.limit.span_us
        stamps = [self._expected_us(permit, now_us) for permit in self.permits]
        if self.lesson.is_strict:
            return self._replayed_us(stamps, places, now_us)
        opens = sorted(max(now_us, stamp + span_us) for stamp in stamps)
        opens = ([now_us] * calls + opens)[-calls:]
        round_us = span_us + self.latency_us
        return [
            max(opens[place % calls], self.closed_us) + place // calls * round_us for place in range(places)
        ]

    def _replayed_us(self, stamps: list[int], places: int, now_us: int) -> list[int]:
        """The first few exactly, the rest at the sustained rate."""
        moments, moment_us = list[int](), max(now_us, self.closed_us)
        for place in range(places):
            if place < _REPLAYED:
                moment_us = self.lesson.opens_us(stamps, self.limit, moment_us)
                stamps.append(moment_us + self.latency_us)
            else:
                moment_us += self.limit.span_us // self.lesson.calls(self.limit)
            moments.append(moment_us)
        return moments

    def _expected_us(self, permit: Permit, now_us: int) -> int:
        if not permit.number:
            return permit.stamp_us
        return min(permit.stamp_us, max(now_us, permit.granted_us + self.latency_us))

    def shift(self, by_us: int) -> None:
        """Moves every moment of the bucket, so that a clock that jumped neither frees nor freezes it."""
        self.seen_us += by_us
        self.closed_us += by_us
        self.lesson.changed_us += by_us
        if self.lesson.refused_us is not None:
            self.lesson.refused_us += by_us
        for permit in self.permits:
            permit.granted_us += by_us
            permit.stamp_us += by_us
        self.leases = {owner: lease + by_us for owner, lease in self.leases.items()}
