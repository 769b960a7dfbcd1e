"""One call of a tool: who makes it, how long it may wait, how far it is and what it waited for."""

import time
from collections.abc import Awaitable, Callable

import anyio
from pydantic import SecretStr

from autobg_mcp.errors import SpendingRefusedError

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Tells whoever called how far a tool is: progress, total (None: unknown), and a sentence."""


async def unheard(_progress: float, _total: float | None, _message: str) -> None:
    """A report nobody listens to."""


OnWire = Callable[[bool], Awaitable[None]]
"""Told True just before a request's bytes go out, and False when the API surely did not act on them."""


async def unwatched(_on: bool) -> None:
    """For requests whose moment on the wire matters to nobody."""


Ask = Callable[[str, str], Awaitable[bool]]
"""Asks the person at the host to allow something: the question, and the hash of exactly what is allowed."""


class QuestionPendingError(Exception):
    """The host puts a question to its user first, and then repeats the call with the answer."""


async def nobody_to_ask(_question: str, _subject: str) -> bool:
    """For callers that have no way to ask a person.

    Raises:
        SpendingRefusedError: Always.
    """
    raise SpendingRefusedError(
        "AUTOBG_APPROVE=paid wants a person's approval, but this host cannot ask one (it has no elicitation).",
        next_step="Ask the user to use a host with elicitation, or the operator to unset AUTOBG_APPROVE.",
    )


class Call:
    """One call of a tool: who makes it, how long it may wait, how far it is and what it waited for.

    Args:
        max_wait_s: Seconds the call may spend waiting in all.
        report: Where progress goes.
        ask: Asks a person; only used where the settings want approval.
        host: Name of the program that calls, such as an MCP host.
        key: The caller's own API key; None takes the one in the settings.
        clock: Seconds that only grow.
        sleep: Passes seconds.
    """

    def __init__(
        self,
        *,
        max_wait_s: float = 45.0,
        report: Report = unheard,
        ask: Ask = nobody_to_ask,
        host: str = "python",
        key: SecretStr | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.host = host
        self.ask = ask
        self.sleep = sleep
        self.key = key
        self.waited_s = 0.0
        self.left: dict[str, int] = {}
        """Calls left in the allowance of each endpoint used, by tool name."""
        self._report = report
        self._clock = clock
        self._ends_at = clock() + max_wait_s
        self._progress = 0.0

    def time_left_s(self) -> float:
        """Seconds this call may still wait, at least 0."""
        return max(0.0, self._ends_at - self._clock())

    def limit_wait(self, most_s: float) -> None:
        """Wait at most this many seconds from now, where less was asked for than is allowed."""
        self._ends_at = min(self._ends_at, self._clock() + most_s)

    def give_back(self, seconds: float) -> None:
        """Do not count seconds that a person took to answer."""
        self._ends_at += max(0.0, seconds)

    async def progress(self, message: str, *, done: float | None = None, total: float | None = None) -> None:
        """Tell the caller how far the call is; `done` of `total`, or only that it goes on.

        MCP wants every report to be larger than the one before, so a standstill moves by a thousandth.
        """
        self._progress = max(self._progress + 0.001, done or 0.0)
        await self._report(self._progress, total, message)
