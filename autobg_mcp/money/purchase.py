"""Spends credits once: looks for an earlier submission, writes the intent down before the first byte, the outcome after."""

import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

import anyio

from autobg_mcp.api.call import Call, OnWire
from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.errors import AutobgError, SpendingRefusedError, StateError, StillUnknownError
from autobg_mcp.money.ledger import Entry, Intent, Ledger, Outcome
from autobg_mcp.settings import Settings
from autobg_mcp.text import at, quoted

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_SEE_LEDGER = (
    "Call listBatches to see it; allowDuplicate: true sends it all the same and may be charged again."
)


class Till(Protocol):
    """What a purchase works with."""

    @property
    def ledger(self) -> Ledger:
        """Where intents and outcomes are kept."""

    @property
    def settings(self) -> Settings:
        """What the operator set."""

    @property
    def call(self) -> Call:
        """The call that pays."""

    async def send(self, request: Request, on_wire: OnWire) -> Answer:
        """The API's successful answer to one request."""

    async def consult(self, method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run a method that blocks in a worker thread."""
        ...


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


async def earlier(picture: Intent, till: Till) -> Entry | None:
    """The accepted submission that a picture repeats; waits for one that is under way.

    Raises:
        StillUnknownError: There is one whose outcome nobody knows, or not within the call's time.
    """
    window_s = _window_s(till)
    if not window_s:
        return None
    while entry := await till.consult(till.ledger.duplicate, picture, duplicate_window_s=window_s):
        if entry.state == "accepted":
            return entry
        if entry.state == "unknown":
            raise StillUnknownError(
                f"{picture.tool}: {quoted(picture.file_name, 80)} was sent at {at(entry.at)} and nobody knows what came "
                f"of it ({entry.reason}); it was not sent again.",
                next_step=_SEE_LEDGER,
            )
        if not till.call.time_left_s():
            raise StillUnknownError(
                f"{picture.tool}: {quoted(picture.file_name, 80)} is being sent by another call right now.",
                repeatable=True,
                next_step="Call again; it answers with the batch once there is one.",
                retry_after_s=10,
            )
        await till.call.sleep(_LOOK_EVERY_S)
    return None


class Purchase:
    """One request that costs credits.

    Args:
        request: What is to be sent.
        pictures: How the ledger writes down each picture in it, in order.
        till: What it works with.
        allow_duplicate: Send them even if the ledger has them.
    """

    def __init__(
        self, request: Request, pictures: list[Intent], till: Till, *, allow_duplicate: bool
    ) -> None:
        self._request = request
        self._pictures = pictures
        self._till = till
        self._allow_duplicate = allow_duplicate
        self._entries: list[Entry] = []

    async def send(self, read: Callable[[Answer], Awaitable[tuple[T, list[Verdict]]]]) -> T:
        """Send the request once and record what came of it, whatever happens meanwhile.

        Args:
            read: Turns the answer into the result and what it means for each picture.

        Raises:
            AlreadySubmittedError: Another call sent one of them in this very moment.
            AutobgError: It was not accepted, or nobody knows.
        """
        with anyio.CancelScope() as scope:
            try:
                answer = await self._till.send(self._request, partial(self._on_wire, scope))
                result, verdicts = await read(answer)
            except AutobgError as error:
                await self._settle_all("unknown" if error.spent == "unknown" else "refused", str(error))
                raise
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await self._settle_all("unknown", "the call was broken off")
                raise
            for entry, verdict in zip(self._entries, verdicts, strict=True):
                await self._settle(entry, verdict)
        return result

    async def _on_wire(self, scope: anyio.CancelScope, on: bool) -> None:
        """Bytes go out from here on: the intent is on disk, and a cancellation waits for the outcome."""
        if not on:
            await self._settle_all("refused", "the API was over its rate limit")
            scope.shield = False
            return
        scope.shield = True
        try:
            for picture in self._pictures:
                self._entries.append(await self._claimed(picture))
            for entry in self._entries:
                await self._till.consult(self._till.ledger.sent, entry.id)
        except Exception:
            await self._settle_all("refused", "not sent")
            raise

    async def _claimed(self, picture: Intent) -> Entry:
        settings = self._till.settings
        claim = await self._till.consult(
            self._till.ledger.claim,
            picture,
            duplicate_window_s=_window_s(self._till),
            allow_duplicate=self._allow_duplicate or not settings.duplicate_window_h,
            daily_limit=settings.daily_credit_limit,
            day_start=day_start(),
        )
        if claim.duplicate_of is not None:
            raise AlreadySubmittedError
        if claim.entry is None:
            raise SpendingRefusedError(
                f"{picture.tool}: AUTOBG_DAILY_CREDIT_LIMIT leaves {(claim.over_limit or 0) + len(self._entries)} credits "
                f"today, this needs {len(self._pictures)}. Nothing was sent."
            )
        return claim.entry

    async def _settle_all(self, state: Outcome, reason: str) -> None:
        while self._entries:
            await self._settle(self._entries[-1], Verdict(state, "", reason))
            self._entries.pop()

    async def _settle(self, entry: Entry, verdict: Verdict) -> None:
        """Write an outcome down. A ledger that fails now must not hide the API's answer, so it is only logged."""
        batch_id = verdict.batch_id or None
        try:
            await self._till.consult(
                self._till.ledger.settle, entry.id, verdict.state, batch_id=batch_id, reason=verdict.reason
            )
        except StateError as error:
            _log.warning("Submission %s is %s (batch %s), but: %s", entry.id, verdict.state, batch_id, error)


def _window_s(till: Till) -> float:
    return till.settings.duplicate_window_h * 3600


def day_start(now: float | None = None) -> float:
    """When the local day began, in seconds since 1970; None means now."""
    local = time.localtime(now)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))
