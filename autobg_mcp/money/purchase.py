"""Spends credits once: looks for an earlier submission, writes the intent down before the first byte, the outcome after."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple, TypeVar

import anyio

from autobg_mcp.api.call import TimeBudget
from autobg_mcp.api.exchange import Answer
from autobg_mcp.api.sending import Tries
from autobg_mcp.clock import Clock, day_start_s, local_day
from autobg_mcp.errors import AutobgError, SpendingRefusedError, StateError, StillUnknownError
from autobg_mcp.money.evidence import still_unknown, told_by_credits
from autobg_mcp.money.ledger import Entry, Intent, Ledger, Outcome
from autobg_mcp.money.terms import SetAside, Terms, set_aside_for_jobs
from autobg_mcp.text import quoted

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5


class AlreadySubmittedError(Exception):
    """The same picture was submitted by another call in this very moment; nothing was sent. Never reaches a caller."""


class Verdict(NamedTuple):
    """What an answer means for one picture.

    Attributes:
        state: What the ledger writes down.
        batch_id: The batch it is in.
        reason: The API's words where it did not take the picture; None where it did.
    """

    state: Outcome
    batch_id: str
    reason: str | None


class Till:
    """Where credits are spent.

    Args:
        ledger: Where intents and outcomes are kept.
        terms: The operator's conditions.
        clock: Tells the time.
        set_aside: Credits of an account that others count on, out of the day's limit; None for none.
    """

    def __init__(self, ledger: Ledger, terms: Terms, clock: Clock, set_aside: SetAside | None = None) -> None:
        self._ledger = ledger
        self._terms = terms
        self._clock = clock
        self._set_aside = set_aside

    def since(self, moment: float, *, sets_aside: bool = False) -> "Till":
        """The same for what was begun at a moment: whatever was sent since is a duplicate.

        Args:
            moment: When, by the wall clock.
            sets_aside: Whether what others count on is set aside from it, too.
        """
        begun_s = max(0.0, self._clock.wall_s() - moment)  # the clock may have been set back
        window_s = begun_s + self._terms.lease_s  # a photo of the call before may be on the wire that long
        terms = replace(self._terms, duplicate_window_s=max(self._terms.duplicate_window_s, window_s))
        return Till(self._ledger, terms, self._clock, self._set_aside if sets_aside else None)

    async def earlier(self, picture: Intent, time: TimeBudget) -> Entry | None:
        """The accepted submission that a picture repeats; waits for one that is under way.

        Raises:
            StillUnknownError: There is one whose outcome nobody knows, or not within the call's time.
        """
        window_s = self._terms.duplicate_window_s
        while window_s:
            found = await self._ledger.duplicates([picture], duplicate_window_s=window_s)
            entry = found.get(picture.fingerprint)
            if entry is None:
                return None
            if entry.state == "accepted":
                return entry
            if entry.state == "unknown":
                raise still_unknown(picture, entry, await self.verdict(entry))
            if not time.left_s():
                raise _under_way(picture)
            await self._clock.sleep(_LOOK_EVERY_S)
        return None

    async def verdict(self, entry: Entry) -> str:
        """What credits say of a submission of unknown outcome, with the ground, in a sentence."""
        evidence = await self._ledger.evidence(entry.account, [entry.id])
        told = told_by_credits(entry, evidence[entry.id])
        return f"{told[:1].upper()}{told[1:]}."

    async def submitted(self, picture: Intent) -> Entry | None:
        """The submission that a picture repeats, whatever came of it or is still to come; None where it repeats none."""
        found = await self._ledger.duplicates([picture], duplicate_window_s=self._terms.duplicate_window_s)
        return found.get(picture.fingerprint)

    async def found(self, pictures: Iterable[Intent]) -> dict[str, Entry]:
        """The submissions that pictures repeat, by fingerprint, whatever came of each, in one look."""
        window_s = self._terms.duplicate_window_s
        return await self._ledger.duplicates(pictures, duplicate_window_s=window_s) if window_s else {}

    async def repeats(self, pictures: Iterable[Intent]) -> dict[str, Entry]:
        """The accepted submissions among them."""
        found = await self.found(pictures)
        return {fingerprint: entry for fingerprint, entry in found.items() if entry.state == "accepted"}

    async def refused(self, pictures: Iterable[Intent]) -> set[str]:
        """The fingerprints of pictures that were sent within the window and that the API did not take."""
        return await self._ledger.refused(pictures, since_s=self._terms.duplicate_window_s)

    async def pay(
        self,
        tries: Tries,
        pictures: Sequence[Intent],
        read: Callable[[Answer], Awaitable[tuple[T, list[Verdict]]]],
        *,
        again: Collection[str] = (),
    ) -> tuple[T, str | None]:
        """Send one request that costs credits, once, and record what came of it, whatever happens meanwhile.

        Args:
            tries: The request on its way.
            pictures: How the ledger writes down each picture in it, in order.
            read: Turns the answer into the result and what it means for each picture.
            again: The fingerprints of those that are paid for even if the ledger has them.

        Returns:
            The result, and why the ledger lacks it; None where it has it.

        Raises:
            AlreadySubmittedError: Another call sent one of them in this very moment.
            AutobgError: It was not accepted, or nobody knows.
        """
        while True:
            async with tries.attempt() as one_try, self._intent(pictures, again) as intent:
                result, verdicts = await read(await one_try.send())
                await intent.settle(verdicts)
                return result, intent.unwritten

    @asynccontextmanager
    async def _intent(self, pictures: Sequence[Intent], again: Collection[str]) -> AsyncIterator["_Written"]:
        """The intent stands in the ledger for the block, which a cancellation does not interrupt; then its outcome does."""
        written = _Written(self._ledger)
        with anyio.CancelScope(shield=True):
            try:
                await self._write_down(written, pictures, again)
            except Exception:
                await written.withdraw("not sent")
                raise
            try:
                yield written
            except AutobgError as error:
                await written.settle_all("unknown" if error.spent == "unknown" else "refused", str(error))
                if written.unwritten:
                    error.add_note(f"The ledger lacks this outcome: {written.unwritten}")
                raise
            except BaseException:
                await written.settle_all("unknown", "the call was broken off")
                raise

    async def _write_down(
        self, written: "_Written", pictures: Sequence[Intent], again: Collection[str]
    ) -> None:
        terms, limit = self._terms, self._terms.daily_limit
        aside = await self._set_aside(pictures[0].account) if limit is not None and self._set_aside else 0
        for picture in pictures:
            claim = await self._ledger.claim(
                picture,
                lease_s=terms.lease_s,
                duplicate_window_s=terms.duplicate_window_s,
                allow_duplicate=picture.fingerprint in again or not terms.duplicate_window_s,
                daily_limit=None if limit is None else max(0, limit - aside),
                day_start=day_start_s(local_day(self._clock.wall_s())),
            )
            if claim.duplicate_of is not None:
                raise AlreadySubmittedError
            if claim.entry is None:
                left = (claim.over_limit or 0) + len(written.entries)
                raise SpendingRefusedError(
                    f"{picture.tool}: AUTOBG_DAILY_CREDIT_LIMIT leaves {left} credits today{set_aside_for_jobs(aside)}, this "
                    f"needs {len(pictures)}. Nothing was sent."
                )
            written.entries.append(claim.entry)
        for entry in written.entries:
            await self._ledger.sent(entry.id, lease_s=terms.lease_s)


class _Written:
    """The entries of one request, from their intent to their outcome."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.entries: list[Entry] = []
        self.unwritten: str | None = None
        """Why an outcome could not be written down; None while all could."""

    async def settle(self, verdicts: Sequence[Verdict]) -> None:
        """Write down what an answer means for each."""
        for entry, verdict in zip(self.entries, verdicts, strict=True):
            await self._settle(entry, verdict)

    async def settle_all(self, state: Outcome, reason: str) -> None:
        """Write down one outcome for all."""
        await self.settle([Verdict(state, "", reason)] * len(self.entries))

    async def withdraw(self, reason: str) -> None:
        """Nothing was sent after all."""
        await self.settle_all("refused", reason)

    async def _settle(self, entry: Entry, verdict: Verdict) -> None:
        """Write an outcome down. A ledger that fails now must not hide the API's answer: it is told beside it."""
        batch_id = verdict.batch_id or None
        try:
            await self._ledger.settle(entry.id, verdict.state, batch_id=batch_id, reason=verdict.reason)
        except StateError as error:
            _log.warning("Submission %s is %s (batch %s), but: %s", entry.id, verdict.state, batch_id, error)
            self.unwritten = str(error)


def _under_way(picture: Intent) -> StillUnknownError:
    return StillUnknownError(
        f"{picture.tool}: {quoted(picture.file_name, 80)} is being sent by another call right now.",
        repeatable=True,
        next_step="Call again; it answers with the batch once there is one.",
        retry_after_s=10,
    )
