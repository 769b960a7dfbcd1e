"""What refusals teach about a server that counts more strictly than its documentation says.

Three things can be learnt of a bucket, each the loosest rule that would have kept the refused calls back:

- smooth: the server weighs the last window into this one, so slots come back gradually;
- burst: it forgives only so many calls at once and wants the rest evenly spaced;
- allowance: it takes fewer calls per window, or another program uses the same key.

Whatever was learnt is tried a little wider after a quiet while, and less often when that failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from autobg_mcp.throttle.policy import (
    SECOND_US,
    Limit,
    Permit,
    burst_level,
    paced_opens,
    smooth_opens,
    window_opens,
)

_MINUTE_US = 60 * SECOND_US
_SHARED_WAITS_US = (2 * _MINUTE_US, 2 * _MINUTE_US)  # usual and longest
_ALLOWANCE_WAITS_US = (5 * _MINUTE_US, 60 * _MINUTE_US)
_BURST_WAITS_US = (10 * _MINUTE_US, 24 * 60 * _MINUTE_US)
_SMOOTH_US = 7 * 24 * 60 * _MINUTE_US


@dataclass(slots=True)
class Lesson:
    """What is known of how a server counts.

    Attributes:
        allowance: Calls per window it takes; 0 for as many as documented.
        burst: Calls it takes at once; 0 for the whole allowance.
        is_smooth: Whether slots must come back gradually.
        trusted: How many calls it took that `smooth` would have kept back.
        refused_us: When the first refused call went out that nothing was learnt from yet; None for none.
        changed_us: When a lesson was last learnt or widened.
        wait_us: How long to be content before the next widening.
    """

    allowance: int = 0
    burst: int = 0
    is_smooth: bool = False
    trusted: int = 0
    refused_us: int | None = None
    changed_us: int = 0
    wait_us: int = 0

    def calls(self, limit: Limit) -> int:
        """Calls per window that may be used."""
        return min(self.allowance or limit.calls, limit.calls)

    @property
    def is_strict(self) -> bool:
        """Whether more than a number of calls per window has been learnt."""
        return self.is_smooth or self.burst > 0

    def is_trusted(self, limit: Limit) -> bool:
        """Whether enough probes were taken to rule out a sliding counter."""
        return self.trusted >= limit.calls

    def opens_us(
        self, stamps: Sequence[int], limit: Limit, now_us: int, *, careful: bool = False, ahead: int = 0
    ) -> int:
        """The first moment from `now_us` on at which one more call may go out.

        Args:
            stamps: What was sent.
            limit: As documented.
            now_us: The moment.
            careful: Whether probes are kept back.
            ahead: Calls to leave room for; only where nothing but the allowance counts.
        """
        calls, span_us = self.calls(limit), limit.span_us
        opens_us = window_opens(stamps, calls - ahead, span_us, now_us)
        if self.burst:
            opens_us = max(opens_us, paced_opens(stamps, calls, self.burst, span_us, now_us))
        if self.is_smooth or careful:
            opens_us = max(opens_us, smooth_opens(stamps, calls, span_us, opens_us))
        return opens_us

    def is_probe(self, permits: Sequence[Permit], limit: Limit, now_us: int) -> bool:
        """Whether a call that goes out now is one that a sliding counter might refuse."""
        if self.is_smooth or self.is_trusted(limit) or len(permits) < self.calls(limit):
            return False
        stamps = [permit.stamp_us for permit in permits]
        return smooth_opens(stamps, self.calls(limit), limit.span_us, now_us) > now_us

    def probes_enough(self, permits: Sequence[Permit], limit: Limit) -> bool:
        """Whether as many probes are in flight as a server of unknown kind may refuse at once."""
        if self.is_trusted(limit):
            return False
        at_once = min(max(1, self.trusted), max(2, limit.calls // 10))
        return sum(permit.is_probe for permit in permits if permit.number) >= at_once

    def settle(self, permit: Permit) -> None:
        """Takes note of an answer."""
        if permit.refused:
            self.refused_us = permit.granted_us if self.refused_us is None else self.refused_us
        elif permit.is_probe:
            self.trusted += 1

    def conclude(self, permits: Sequence[Permit], limit: Limit, now_us: int) -> None:
        """Learns from a refusal, once every call that was in flight with it has been answered."""
        first_us, self.refused_us = self.refused_us, None
        if first_us is None or first_us < self.changed_us:
            return  # it was sent before the last lesson
        before = [permit for permit in permits if permit.granted_us <= first_us]
        taken = [permit.stamp_us for permit in before if not permit.refused]
        calls, span_us = self.calls(limit), limit.span_us
        accepted = sum(stamp + limit.window_us > first_us for stamp in taken)
        level = ceil(burst_level(taken, calls, span_us, first_us))
        fits_smooth = smooth_opens(taken, calls, span_us, first_us) <= first_us
        if not (fits_smooth or self.is_smooth or self.allowance):
            self.is_smooth = True
        elif level and (level < self.burst if self.burst else accepted < calls / 2):
            self.burst = level
            self._wait(_BURST_WAITS_US, now_us)
        else:
            took_more_before = accepted < calls - _widening(limit)  # somebody else takes the rest
            self._wait(_SHARED_WAITS_US if took_more_before else _ALLOWANCE_WAITS_US, now_us)
            self._lower(accepted, limit)
        self.changed_us = now_us

    def widen(self, limit: Limit, now_us: int) -> None:
        """Tries a little more after a quiet while."""
        quiet_us = now_us - self.changed_us
        if self.is_smooth and quiet_us > _SMOOTH_US:
            self.is_smooth, self.trusted = False, 0
        if quiet_us <= self.wait_us or not (self.allowance or self.burst):
            return
        self.changed_us = now_us
        self.allowance = _wider(self.allowance, limit)
        self.burst = _wider(self.burst, limit)

    def words(self, limit: Limit, now_us: int) -> str:
        """What has been learnt, for people."""
        learnt = []
        if self.allowance:
            learnt.append(
                f"only {self.allowance} of {limit.calls} calls (another program, or a smaller limit)"
            )
        if self.burst:
            gap_s = limit.window_s / self.calls(limit)
            learnt.append(f"at most {self.burst} at once, then one every {gap_s:.3g} s")
        if self.allowance or self.burst:
            minutes = max(0, self.changed_us + self.wait_us - now_us) / _MINUTE_US
            learnt.append(f"a little more is tried in {ceil(minutes)} min")
        if self.is_smooth:
            learnt.append("slots come back gradually (the server weighs the last window into this one)")
        if not learnt:
            return "as documented" if limit.documented else "inferred from similar endpoints"
        return "; ".join(learnt)

    def _lower(self, accepted: int, limit: Limit) -> None:
        least = max(1, limit.calls // 4) if limit.documented else 1
        self.allowance = max(accepted, self.calls(limit) * 3 // 4, least)
        # The stricter rules, if any were in force, did not keep this refusal away.
        self.burst, self.is_smooth, self.trusted = 0, False, limit.calls

    def _wait(self, waits_us: tuple[int, int], now_us: int) -> None:
        usual_us, longest_us = waits_us
        has_failed = now_us - self.changed_us <= self.wait_us
        self.wait_us = min(longest_us, max(usual_us, (1 + has_failed) * self.wait_us))


def _widening(limit: Limit) -> int:
    return max(1, limit.calls // 20)


def _wider(learnt: int, limit: Limit) -> int:
    wider = learnt + _widening(limit) if learnt else 0
    return wider if wider < limit.calls else 0
