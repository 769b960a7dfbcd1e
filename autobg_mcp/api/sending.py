"""Sends requests under the API's limits: each in a slot of its account's budget, and as often as is safe.

    tries = Tries(sender, request, account, time, progress, call)
    while True:
        async with tries.attempt() as one_try:
            return await one_try.send()

An attempt waits for its slot and holds it for the block; a failure that may be tried again ends the block without a word.
"""

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autobg_mcp.api.call import Account, Call, Progress, TimeBudget
from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.api.http import Http
from autobg_mcp.api.refusals import classify
from autobg_mcp.errors import (
    ApiError,
    ConnectionFailedError,
    OutcomeUnknownError,
    RateLimitedError,
    ServerFaultError,
    ThrottledError,
)
from autobg_mcp.throttle import Limit, Slot, Throttle, Waiting


@dataclass(frozen=True)
class Try:
    """The right to send one request now."""

    _request: Request
    _account: Account
    _slot: Slot
    _http: Http
    _time: TimeBudget

    async def send(self) -> Answer:
        """Send the request once and answer its success.

        Raises:
            ApiError: There is no success; the error says whether credits may have been spent.
        """
        answer, refusal = await self.exchange()
        if refusal is not None:
            raise refusal
        return answer

    async def exchange(self) -> tuple[Answer, ApiError | None]:
        """Send the request once; the answer, whatever it is, and the error that it means, None for a success.

        Raises:
            ApiError: There is no whole answer.
        """
        answer = await self._http.transfer(self._request, self._account.key, self._slot, self._time)
        refusal = classify(self._request, answer)
        limited = isinstance(refusal, RateLimitedError)
        await self._slot.answered(refused=limited, retry_after_s=answer.retry_after_s)
        return answer, refusal


@dataclass(frozen=True)
class Sender:
    """Whatever sends needs.

    Attributes:
        http: Puts a request on the wire.
        throttle: Keeps the budgets.
        limits: The operator's limits by tool, `*` for all others; the rest are those that the endpoints declare.
    """

    http: Http
    throttle: Throttle
    limits: Mapping[str, Limit]

    def limit(self, tool: str, declared: Limit) -> Limit:
        """The limit that holds for a tool: the operator's, else the declared one."""
        return self.limits.get(tool) or self.limits.get("*") or declared


class Tries:
    """One request on its way to a success.

    A 429 means that the API did not act, so any request is tried again once its gate opens, in its old place. A request
    that never reached the API is tried again once; a lost answer only where asking again changes nothing.

    What is free is not begun once the time of its call is over. So every loop over requests ends by itself: it meets the
    error of a slot that lies beyond the call, and answers what it has.
    """

    def __init__(
        self,
        sender: Sender,
        request: Request,
        account: Account,
        time: TimeBudget,
        progress: Progress,
        call: Call,
    ) -> None:
        self._sender = sender
        self._request = request
        self._account = account
        self._time = time
        self._progress = progress
        self._call = call
        self._left: dict[type[ApiError], int] = {
            RateLimitedError: 3,
            ConnectionFailedError: 1,
            OutcomeUnknownError: 1,
            ServerFaultError: 1,
        }
        self.has_slot = False
        """Whether an attempt had its slot, so that something may have been sent."""
        self._refused: Slot | None = None
        self._limited: RateLimitedError | None = None

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[Try]:
        """Wait for a slot and hold it for the block.

        Raises:
            ThrottledError: The slot lies beyond the call's time, or that is over; nothing was sent.
            ApiError: What the block raised, where it may not be tried again.
        """
        self._check_time()
        try:
            async with self._slot() as slot:
                self._refused, self.has_slot = slot, True
                yield Try(self._request, self._account, slot, self._sender.http, self._time)
        except ThrottledError as error:
            if self._limited is None:
                raise
            # Our clock knows better when the gate opens.
            raise RateLimitedError(
                f"{self._limited} {error.why}", retry_after_s=error.retry_after_s
            ) from None
        except ApiError as error:
            kind = next((kind for kind in self._left if isinstance(error, kind)), None)
            wants_pause = isinstance(error, ServerFaultError) and error.retry_after_s is not None
            may_repeat = error.repeatable and not wants_pause and not self._is_late()
            if kind is None or not may_repeat or not self._left[kind]:
                raise
            self._left[kind] -= 1
            self._limited = error if isinstance(error, RateLimitedError) else None
            self._refused = self._refused if self._limited else None

    def _is_late(self) -> bool:
        return not self._request.spends and not self._time.may_begin()

    def _check_time(self) -> None:
        if self._is_late():
            raise ThrottledError(
                f"{self._request.tool}: the time of this call was over; it was not sent.",
                next_step="Call again for what is missing.",
                retry_after_s=0.0,
            )

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[Slot]:
        tool, limit = self._request.tool, self._sender.limit(self._request.tool, self._request.rate)

        async def tell(waiting: Waiting) -> None:
            why = waiting.closed or f"{limit.calls} calls per {limit.window_s:g} s"
            await self._progress(
                f"Waiting about {math.ceil(waiting.left_s)} s for a free slot of {tool} ({why}), "
                f"number {waiting.place} in the queue."
            )

        async with self._sender.throttle.slot(
            f"{self._account.id}:{tool}",
            limit,
            max_wait_s=self._time.left_s(),
            on_wait=tell,
            after=self._refused,
            background=self._call.background,
        ) as slot:
            self._call.allowances.waited_s += slot.waited_s
            self._call.allowances.left[tool] = slot.left
            yield slot
