"""Sends requests under the API's limits: waits for a free slot, and repeats what is safe to repeat."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from autobg_mcp.api.call import Call, OnWire
from autobg_mcp.api.exchange import Answer, Request, error_in
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
class Wire:
    """Whom to tell how far a request is on its way.

    Args:
        begin: Awaited just before the first byte goes out.
        gone: Called when the last byte has gone out: a server may count a request only when it is whole.
    """

    begin: Callable[[], Awaitable[None]]
    gone: Callable[[], None]


Transfer = Callable[[Request, Call, Wire], Awaitable[Answer]]
"""Puts one request on the wire and reads its answer."""


class Sender:
    """Sends requests, each in a slot of its account's budget.

    Args:
        throttle: Keeps the budgets.
        limits: The operator's limits by tool, `*` for all others; the rest are those that the endpoints declare.
        account: Names the account of a call.
        transfer: Puts a request on the wire.
    """

    def __init__(
        self,
        throttle: Throttle,
        limits: Mapping[str, Limit],
        *,
        account: Callable[[Call], str],
        transfer: Transfer,
    ) -> None:
        self._throttle = throttle
        self._limits = limits
        self._account = account
        self._transfer = transfer

    def limit(self, tool: str, declared: Limit) -> Limit:
        """The limit that holds for a tool: the operator's, else the declared one."""
        return self._limits.get(tool) or self._limits.get("*") or declared

    async def send(self, request: Request, call: Call, on_wire: OnWire) -> Answer:
        """Send one request as often as is safe, and answer its success.

        A 429 means that the API did not act, so any request is tried again once its gate opens. A request that never
        reached the API is tried again once; a lost answer only where asking again changes nothing.

        Raises:
            AutobgError: There is no success; the error says whether credits may have been spent.
        """
        tries_left: dict[type[ApiError], int] = {
            RateLimitedError: 3,
            ConnectionFailedError: 1,
            OutcomeUnknownError: 1,
            ServerFaultError: 1,
        }
        outcome: Answer | ApiError | None = None
        refused: Slot | None = None
        while True:
            try:
                outcome, refused = await self._outcome(request, call, on_wire, refused)
            except ThrottledError as error:
                if not isinstance(outcome, RateLimitedError):
                    raise
                outcome.retry_after_s = error.retry_after_s
                raise outcome from None
            if isinstance(outcome, Answer):
                return outcome
            kind = next((kind for kind in tries_left if isinstance(outcome, kind)), None)
            if kind is None or not outcome.repeatable or not tries_left[kind]:
                raise outcome
            tries_left[kind] -= 1

    async def _outcome(
        self, request: Request, call: Call, on_wire: OnWire, refused: Slot | None
    ) -> tuple[Answer | ApiError, Slot | None]:
        """What comes of one try; `refused` is the slot of a try that a 429 turned away, and keeps its place."""
        limit = self.limit(request.tool, request.rate)

        async def tell(waiting: Waiting) -> None:
            await call.progress(
                f"Waiting about {math.ceil(waiting.left_s)} s for a free slot of {request.tool} "
                f"({limit.calls} calls per {limit.window_s:g} s), number {waiting.place} in the queue."
            )

        slots = self._throttle.slot(
            f"{self._account(call)}:{request.tool}",
            limit,
            max_wait_s=call.time_left_s(),
            on_wait=tell,
            after=refused,
        )
        async with slots as slot:
            call.waited_s += slot.waited_s
            call.left[request.tool] = slot.left

            async def begin() -> None:
                await on_wire(True)
                slot.sent()

            try:
                answer = await self._transfer(request, call, Wire(begin, slot.sent))
            except (ConnectionFailedError, OutcomeUnknownError) as failure:
                return failure, None
            refusal = error_in(request, answer)
            limited = isinstance(refusal, RateLimitedError)
            await slot.answered(refused=limited, retry_after_s=answer.retry_after_s)
            if limited:
                await on_wire(False)
            return refusal or answer, slot if limited else None
