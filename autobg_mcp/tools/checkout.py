"""One paying call, from the first look at its pictures to its receipt: nothing is paid twice, and no stop is without its reason."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import anyio

from autobg_mcp.errors import StateError, ThrottledError
from autobg_mcp.money.evidence import still_unknown
from autobg_mcp.money.ledger import Intent
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.attempt import Attempt, Paying
from autobg_mcp.tools.consent import Consent
from autobg_mcp.tools.doubts import settle_doubts
from autobg_mcp.tools.dry_run import planned
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.receipt import receipt
from autobg_mcp.tools.rest import leave_to_job, queue_rest, rest_of
from autobg_mcp.tools.submitted import Submitted, submitted
from autobg_mcp.tools.tally import Tally

MOST_AT_ONCE: Final = 3
"""The most requests of one call that are under way: each holds its photo in memory."""

_SLOW_AFTER_S: Final = 2.0
"""A request that is on the wire for so long does not keep the next one waiting."""

_LOOK_EVERY_S: Final = 0.5


async def check_out(submission: Submission, context: Context) -> Submitted:
    """Submit what was not submitted before, until all is, the call's time is over, or something would meet the rest too.

    Raises:
        AutobgError: Not one picture is in a batch, or will be.
    """
    roll = await submission.roll(context)
    begun_at, now = context.call.begun_at, context.clock.wall_s()
    carries_on = None if begun_at is None else (begun_at, now)
    tally = Tally(roll, context.settings.duplicate_window_h, carries_on=carries_on)
    outlook = submission.outlook(context)
    if not submission.allowDuplicate:
        known = await roll.known()
        repeats = await context.till.repeats(known.values())
        for picture, intent in known.items():
            if entry := repeats.get(intent.fingerprint):
                tally.recognise(picture, entry)
    await leave_to_job(submission, tally, context)
    if submission.dryRun:
        return await planned(submission, roll, tally, outlook, context)
    consent = await Consent.asked(submission, roll, tally, outlook, context)
    limit = context.sender.limit(submission.tool, submission.rate)
    checkout = Checkout(Paying(submission, context, roll, tally, outlook, consent, limit.calls // 2))
    try:
        await checkout.submit_all()
        await checkout.settle()
    finally:  # a call that is cancelled has paid for what it sent
        with anyio.CancelScope(shield=True):
            await roll.keep()
    await queue_rest(submission, roll, tally, context)
    rest = await rest_of(submission, tally, context)
    told = await receipt(tally, outlook, context)
    return submitted(tally, submission.vehicle(), told, outlook.notes, rest)


class Checkout:
    """The pictures of one call on their way.

    Args:
        paying: What its requests share.
    """

    def __init__(self, paying: Paying) -> None:
        self._paying, self._tally, self._context = paying, paying.tally, paying.context
        self._under_way: dict[asyncio.Task[None], Attempt] = {}
        self._slow_from_s: dict[Attempt, float] = {}
        self._parts = deque[list[str]]()
        self._is_broken_off = False

    async def submit_all(self) -> None:
        """Submit until nothing is left, the call's time is over or something stops it.

        What was refused before comes after what was never tried. The first picture goes alone until one is in a batch:
        whether two at once open two batches is not known. After that the next goes out when one is answered, or takes long.
        """
        left, total = list(self._tally.in_state("left")), len(self._tally.fates)
        step = self._paying.submission.per_request(self._context.settings)
        self._parts.extend(left[start : start + step] for start in range(0, len(left), step))
        try:
            while await self._may_go_on():
                done = total - sum(map(len, self._parts))
                await self._context.progress(f"Photo {done + 1} of {total}", done=done, total=total)
                attempt = Attempt(self._paying, self._parts.popleft(), others=bool(self._parts))
                self._under_way[attempt.task] = attempt
                self._context.lingering.keep(attempt.task)
                await self._room()
        except BaseException:
            self._is_broken_off = True
            for attempt in self._under_way.values():
                attempt.call_off()
            raise
        self._hand_over()
        taken, done = self._tally.count("accepted", "paid before"), total - self._tally.count("left")
        await self._context.progress(f"{taken} of {total} photos submitted", done=done, total=total)

    async def _may_go_on(self) -> bool:
        """Whether there is another request to begin; waits for those under way where they may leave one."""
        while not self._parts and self._under_way and self._context.time.ends_in_s():
            await self._pause()
        if self._tally.stopped is None and self._parts and not self._context.time.may_begin():
            self._tally.stopped = ThrottledError("The time of this call is over.", retry_after_s=1)
        if self._tally.stopped is None and self._parts:
            return True
        await self._ended()
        return False

    async def _ended(self) -> None:
        """Wait for what is under way, as long as the call may last."""
        while self._under_way and self._context.time.ends_in_s():
            await self._pause()

    async def _room(self) -> None:
        """Wait until the next request may be begun."""
        while self._under_way and self._context.time.ends_in_s():
            is_open = bool(self._tally.count("accepted") and self._parts)
            may_overlap = is_open and len(self._under_way) < MOST_AT_ONCE
            if may_overlap and all(map(self._is_slow, self._under_way.values())):
                return
            await self._pause(most_s=_LOOK_EVERY_S if may_overlap else None)

    def _is_slow(self, attempt: Attempt) -> bool:
        now_s = self._context.clock.monotonic_s()
        return attempt.has_slot and now_s - self._slow_from_s.setdefault(attempt, now_s) >= _SLOW_AFTER_S

    async def _pause(self, *, most_s: float | None = None) -> None:
        """Wait until a request is answered, `most_s` are over or the call has to end; gather what is still to be sent of it."""
        timer = None if most_s is None else asyncio.create_task(self._context.clock.sleep(most_s))
        try:
            with suppress(TimeoutError), self._context.time.ending():
                waited_for = [*self._under_way, *([timer] if timer else [])]
                await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if timer is not None:
                timer.cancel()
        for task in [task for task in self._under_way if task.done()]:
            attempt = self._under_way.pop(task)
            self._slow_from_s.pop(attempt, None)  # else its photo stays in memory
            self._parts.extendleft(reversed(attempt.sooner))
            self._parts.extend(attempt.later)

    def _hand_over(self) -> None:
        """The call's time is over: what is on the wire goes on without it, what is not does not go."""
        for attempt in self._under_way.values():
            attempt.call_off()
            for picture in attempt.part if attempt.has_slot else ():
                self._tally.hand_over(picture)

    async def answered(self) -> None:
        """Wait for what is on the wire of a call that was broken off, so that what came of it is known.

        What outlasts a call whose time is over is not waited for.
        """
        if self._is_broken_off and self._under_way:
            await asyncio.wait(self._under_way)

    async def settle(self) -> None:
        """Use what is free to know of the pictures of unknown outcome, those of this call and of earlier ones."""
        doubtful = self._paying.doubtful
        unknown = [one for one in self._tally.in_state("unknown") if one in doubtful]
        if not unknown:
            return
        await settle_doubts(self._context, self._paying.submission.vehicle())
        with suppress(StateError):  # which must not hide what was sent
            for picture in unknown:
                await self._settle(picture, doubtful[picture])

    async def _settle(self, picture: str, intent: Intent) -> None:
        till, is_own = self._context.till, self._tally.fates[picture].was_sent
        entry = await till.submitted(intent)
        if entry is not None and entry.state == "accepted":
            note = self._tally.prove if is_own else self._tally.recognise
            note(picture, entry)
        elif entry is not None and entry.state == "unknown":
            verdict = await till.verdict(entry)
            if is_own:
                self._tally.doubt(picture, verdict)
            else:
                self._tally.fail(picture, still_unknown(intent, entry, verdict))
