"""Carries out the jobs of an account, turn by turn, in whichever process holds the account: one at a time."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskGroup

from autobg_mcp.clock import Clock
from autobg_mcp.errors import AutobgError
from autobg_mcp.jobs.backoff import pause_after
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.job import Wait
from autobg_mcp.jobs.queue import DEAD_AFTER_S, HOLD_EVERY_S, RESULTS, JobTurn

_AT_ONCE: Final = {RESULTS: 4}
_USUALLY_AT_ONCE: Final = 2
"""Vehicles of one tool that are worked on at once: the next one begins while the last answers of one are still due."""

_OFFERED_EVERY_S: Final = 60.0
_MOST_FAULTS: Final = 5
"""How often in a row jobs may stand still before a process that is to end does."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """How a turn ended.

    Attributes:
        due_at: When the work may be taken again; None where it is done.
        stop: What would meet the rest of its lane, too; None where nothing did.
        went: Whether something was achieved, so that failures are counted anew.
    """

    due_at: float | None
    stop: AutobgError | None = None
    went: bool = True


CarryOut = Callable[[JobTurn], Awaitable[Done]]
"""Works on one vehicle for a while. It sends by the way that every call goes, and writes down what came of each photo."""


class Runner:
    """Takes turns and has them carried out, for as long as it runs.

    Args:
        whose: Whose jobs: the account now, which changes with the key.
        jobs: What is to be done, and whose turn it is.
        carry_out: Does the work.
        clock: Tells the time.
    """

    def __init__(self, whose: Callable[[], str], jobs: Jobs, carry_out: CarryOut, clock: Clock) -> None:
        self._whose, self._account, self._jobs = whose, whose(), jobs
        self._offered_s, self._fault, self._faults = 0.0, "", 0
        self._book, self._queue = jobs.book, jobs.queue
        self._carry_out, self._clock = carry_out, clock
        self._running: dict[JobTurn, anyio.CancelScope] = {}
        self._failures = Counter[str]()
        self._paused_until: dict[str, float] = {}
        self.leads = False
        """Whether this process carries out the jobs now, and no other does."""

    async def run(self, *, once: bool = False) -> None:
        """Work whenever there is something to do and no other process does it.

        Args:
            once: End when no job of the account is open, or another process carries them out, instead of waiting.

        Raises:
            AutobgError: With `once`: jobs stand still, and a few tries have not helped.
        """
        # A dead process seems alive until then.
        gone_at_s = self._clock.monotonic_s() + DEAD_AFTER_S + HOLD_EVERY_S
        while True:
            try:
                self._account = self._whose()
                is_open = await self._book.is_open(self._account)
                if is_open and await self._queue.hold(self._account):
                    await self._lead()
                    continue
                if once and not (is_open and self._clock.monotonic_s() < gone_at_s):
                    return
                self._faults, self._fault = 0, ""
            except Exception as error:  # it may be whole again in a moment, and nobody else would try
                self._note(error)
                if once and self._faults > _MOST_FAULTS and isinstance(error, AutobgError):
                    raise
            await self._clock.sleep(HOLD_EVERY_S)

    def _note(self, error: Exception) -> None:
        """Log why jobs stand still; the same again is not told again."""
        told, self._faults = f"{type(error).__name__}: {error}", self._faults + 1
        if told != self._fault:
            _log.warning("Jobs stand still: %s", error, exc_info=not isinstance(error, AutobgError))
        self._fault = told

    async def _lead(self) -> None:
        """Work until nothing is open, or another process has taken over."""
        self._paused_until.clear()
        await self._queue.release(self._account)  # what this process held and could not give back
        await self._jobs.signs.tries_anew(self._account)
        try:
            async with anyio.create_task_group() as group:
                await self._offer_what_is_open()
                while await self._queue.hold(self._account) and await self._goes_on():
                    self.leads = True
                    await self._begin_turns(group)
                    await self._clock.sleep(HOLD_EVERY_S)
                for scope in self._running.values():
                    scope.cancel()
        finally:
            self.leads = False
            with anyio.CancelScope(shield=True):
                await self._queue.release(self._account)

    async def _begin_turns(self, group: TaskGroup) -> None:
        """Begin what there is room for; after `HOLD_EVERY_S` the hold and the open jobs are looked at first."""
        now_s = self._clock.monotonic_s()
        if now_s - self._offered_s >= _OFFERED_EVERY_S:
            await self._offer_what_is_open()
        while self._clock.monotonic_s() - now_s < HOLD_EVERY_S and (turn := await self._next()):
            self._running[turn] = anyio.CancelScope()
            group.start_soon(self._take, turn)

    async def _offer_what_is_open(self) -> None:
        """Whatever an engine has forgotten, or a process that died could not offer, is offered again."""
        self._offered_s = self._clock.monotonic_s()
        await self._queue.offer(await self._book.unfinished(self._account), due_at=self._clock.wall_s())

    async def _goes_on(self) -> bool:
        """Whether a job is open or work is under way, and the account is the same; work for a job that has ended is broken off."""
        open_jobs = await self._book.open_jobs(self._account)
        for turn, scope in self._running.items():
            if turn.job not in open_jobs:
                scope.cancel()
        return bool(open_jobs or self._running) and self._whose() == self._account

    async def _next(self) -> JobTurn | None:
        """The next turn that there is room for."""
        now_s, counts = self._clock.monotonic_s(), Counter(turn.lane for turn in self._running)
        full = {lane for lane, count in counts.items() if count >= _AT_ONCE.get(lane, _USUALLY_AT_ONCE)}
        full |= {lane for lane, until in self._paused_until.items() if until > now_s}
        besides = {turn.vehicle for turn in self._running}
        return await self._queue.take(self._account, full=full, besides=besides)

    async def _take(self, turn: JobTurn) -> None:
        """Carry out one turn and give it back; what breaks costs its turn, and no other."""
        due_at: float | None = self._clock.wall_s()
        try:
            with self._running[turn]:
                due_at = await self._end(turn, await self._carry_out(turn))
        except Exception as error:  # noqa: BLE001  # whatever breaks is one turn's
            _log.exception("A turn for %s broke", turn.lane)
            stop = (
                error
                if isinstance(error, AutobgError)
                else AutobgError(f"this server has a fault ({type(error).__name__})")
            )
            due_at = await self._end(turn, Done(due_at, stop, went=False))
        finally:
            del self._running[turn]
            with anyio.CancelScope(shield=True):
                await self._queue.give_back(turn, due_at=due_at)

    async def _end(self, turn: JobTurn, done: Done) -> float | None:
        """Let the lane rest after what would meet its rest, too; answers when the work may be taken again.

        The rest is this process's own: the next one tries at once, as its settings, its key or its network may be others.
        """
        if done.stop is None:
            if done.went and turn.lane in self._paused_until:
                del self._paused_until[turn.lane]
                await self._jobs.signs.goes_on(self._account, turn.lane)
            self._failures[turn.lane] = 0
            return done.due_at
        self._failures[turn.lane] = 0 if done.went else self._failures[turn.lane]
        now = self._clock.wall_s()
        pause = pause_after(done.stop, self._failures[turn.lane], now)
        self._failures[turn.lane] += 1
        self._paused_until[turn.lane] = self._clock.monotonic_s() + pause.seconds
        await self._jobs.signs.wait(self._account, Wait(turn.lane, now, now + pause.seconds, pause.why))
        return max(done.due_at or now, now)
