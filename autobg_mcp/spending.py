"""Spends credits once: looks for an earlier submission, writes the intent down before the first byte, the outcome after."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar

import anyio

from autobg_mcp.context import Context
from autobg_mcp.errors import AutobgError, SpendingRefusedError, StateError, StillUnknownError
from autobg_mcp.exchange import Answer, Request
from autobg_mcp.ledger import Entry, Outcome, Submission

T = TypeVar("T")

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.5
_SEE_LEDGER = (
    "Call listBatches to see it; allowDuplicate: true sends it all the same and may be charged again."
)


class AlreadySubmittedError(Exception):
    """The same submission stands in the ledger; nothing was sent. Never reaches a caller of a tool."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.id)
        self.entry = entry


class Verdict(NamedTuple):
    """What an answer means for the ledger.

    Attributes:
        state: Accepted where the API took at least one picture.
        batch_id: The batch it named.
        reason: Which pictures it did not take, and its words for each; None where it took all.
    """

    state: Outcome
    batch_id: str
    reason: str | None


class Purchase:
    """One request that costs credits.

    Args:
        request: What is to be sent.
        submission: How the ledger writes it down.
        context: What the running tool may use.
        allow_duplicate: Send it even if the ledger has it.
    """

    def __init__(
        self, request: Request, submission: Submission, context: Context, *, allow_duplicate: bool
    ) -> None:
        self._request = request
        self._submission = submission
        self._context = context
        self._allow_duplicate = allow_duplicate
        self._entry: Entry | None = None

    async def earlier(self) -> Entry | None:
        """The accepted submission that this one repeats; waits for one that is under way.

        Raises:
            StillUnknownError: There is one whose outcome nobody knows, or not within the call's time.
        """
        if self._allow_duplicate:
            return None
        while entry := await self._context.consult(
            self._context.ledger.duplicate, self._submission, duplicate_window_s=self._window_s()
        ):
            if entry.state == "accepted":
                return entry
            if entry.state == "unknown":
                raise StillUnknownError(
                    f"{self._request.tool}: the same picture was sent at {at(entry.at)} and nobody knows what came of it "
                    f"({entry.reason}); it was not sent again.",
                    next_step=_SEE_LEDGER,
                )
            if not self._context.call.time_left_s():
                raise StillUnknownError(
                    f"{self._request.tool}: the same picture is being sent by another call right now.",
                    repeatable=True,
                    next_step="Call again; it answers with the batch once there is one.",
                    retry_after_s=10,
                )
            await self._context.call.sleep(_LOOK_EVERY_S)
        return None

    async def send(self, read: Callable[[Answer], Awaitable[tuple[T, Verdict]]]) -> T:
        """Send the request once and record what came of it, whatever happens meanwhile.

        Args:
            read: Turns the answer into the result and what it means.

        Raises:
            AlreadySubmittedError: Another process sent the same in this very moment.
            AutobgError: It was not accepted, or nobody knows.
        """
        with anyio.CancelScope() as scope:
            try:
                answer = await self._context.api.send(
                    self._request, self._context.call, partial(self._on_wire, scope)
                )
                result, verdict = await read(answer)
            except AutobgError as error:
                await self._failed(error)
                raise
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await self._settle("unknown", reason="the call was broken off")
                raise
            await self._settle(verdict.state, batch_id=verdict.batch_id, reason=verdict.reason)
        return result

    async def _on_wire(self, scope: anyio.CancelScope, on: bool) -> None:
        """Bytes go out from here on: the intent is on disk, and a cancellation waits for the outcome."""
        if not on:
            await self._settle("refused", reason="the API was over its rate limit")
            self._entry = None
            scope.shield = False
            return
        scope.shield = True
        claim = await self._context.consult(
            self._context.ledger.claim,
            self._submission,
            duplicate_window_s=self._window_s(),
            allow_duplicate=self._allow_duplicate,
            daily_limit=self._context.settings.daily_credit_limit,
            day_start=day_start(),
        )
        if claim.duplicate_of is not None:
            raise AlreadySubmittedError(claim.duplicate_of)
        if claim.entry is None:
            raise SpendingRefusedError(
                f"{self._request.tool}: AUTOBG_DAILY_CREDIT_LIMIT leaves {claim.over_limit} credits today, "
                f"this needs {self._submission.pictures}. Nothing was sent."
            )
        self._entry = claim.entry
        await self._context.consult(self._context.ledger.sent, claim.entry.id)

    async def _failed(self, error: AutobgError) -> None:
        await self._settle("unknown" if error.spent == "unknown" else "refused", reason=str(error))

    async def _settle(
        self, state: Outcome, *, batch_id: str | None = None, reason: str | None = None
    ) -> None:
        """Write the outcome down. A ledger that fails now must not hide the API's answer, so it is only logged."""
        if self._entry is None:
            return
        try:
            await self._context.consult(
                self._context.ledger.settle, self._entry.id, state, batch_id=batch_id, reason=reason
            )
        except StateError as error:
            _log.warning("Submission %s is %s (batch %s), but: %s", self._entry.id, state, batch_id, error)

    def _window_s(self) -> float:
        return self._context.settings.duplicate_window_h * 3600


def day_start(now: float | None = None) -> float:
    """When the local day began, in seconds since 1970; None means now."""
    local = time.localtime(now)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))


def at(moment: float) -> str:
    """A moment as people read it: `2026-11-22 06:10 UTC`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
