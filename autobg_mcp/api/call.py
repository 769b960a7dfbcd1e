"""One call of a tool: whose credits it spends, what its caller says of it, the time it may take, and how far it is."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Final, Self

from pydantic import SecretStr

from autobg_mcp.clock import SYSTEM, Timekeeper
from autobg_mcp.errors import SpendingRefusedError
from autobg_mcp.setting_values import one_address


@dataclass(frozen=True)
class Account:
    """Whose credits are spent: a key at an address, resolved once when a call begins.

    Attributes:
        key: The API key, bare.
        id: A short hash that stands for the key wherever budgets and submissions are kept.
        name: What people call it.
    """

    key: SecretStr
    id: str
    name: str

    @classmethod
    def of(cls, key: SecretStr, base_url: str) -> Self:
        """The account of a key at an address; the same for every spelling of the address."""
        text = f"autobg-mcp account\0{one_address(base_url)}\0{key.get_secret_value()}"
        own_id = hashlib.sha256(text.encode()).hexdigest()[:24]
        return cls(key, own_id, f"account {own_id[:6]}")


BEGINS_S: Final = 3.0
"""How long after its time for waiting a call still begins a request."""

ENDS_S: Final = 10.0
"""How long after its time for waiting a call ends, whatever is under way."""

Report = Callable[[float, float | None, str], Awaitable[None]]
"""Tells whoever called how far a tool is: progress, total (None: unknown), and a sentence."""


async def unheard(_progress: float, _total: float | None, _message: str) -> None:
    """A report nobody listens to."""


AskPerson = Callable[[str, str], Awaitable[bool]]
"""Asks the person at the host to allow something: the question, and the hash of exactly what is allowed."""


class QuestionPendingError(Exception):
    """The host puts a question to its user first, and then repeats the call with the answer."""


class NobodyToAskError(SpendingRefusedError):
    """The caller has no way to ask a person; one can answer elsewhere."""


async def nobody_to_ask(_question: str, _subject: str) -> bool:
    """For callers that have no way to ask a person.

    Raises:
        NobodyToAskError: Always.
    """
    raise NobodyToAskError(
        "AUTOBG_APPROVE wants a person's approval, but this host cannot ask one (it has no elicitation). Nothing was sent."
    )


@dataclass
class Allowances:
    """What one call waited for and used of the API's limits.

    Attributes:
        waited_s: Seconds it waited for slots.
        left: Calls left in the allowance of each endpoint it used, by tool name.
    """

    waited_s: float = 0.0
    left: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a caller says of one call.

    Attributes:
        host: Name of the program that calls, such as an MCP host.
        max_wait_s: Seconds it may spend waiting in all; None takes `AUTOBG_MAX_WAIT_S`.
        report: Where progress goes.
        ask: Asks a person; only used where the settings want approval.
        key: The caller's own API key; None takes the one in the settings.
        background: Whether nobody waits for it: calls that somebody waits for get their slots first.
        lasts: Whether the process of this call goes on after it, and carries out jobs where its settings let it.
        sends_all: Whether it sends all by itself, however long that takes: a person at a terminal sees it, and nothing goes on after it.
        task: Id of the task that it is answered as: it ends with its work, or with the job that it leaves some of it to. None for none.
        begun_at: When another process began that task, by the wall clock; None where it begins with this call.
        allowances: Filled while the call runs.
    """

    host: str = "python"
    max_wait_s: float | None = None
    report: Report = unheard
    ask: AskPerson = nobody_to_ask
    key: SecretStr | None = None
    background: bool = False
    lasts: bool = False
    sends_all: bool = False
    task: str | None = None
    begun_at: float | None = None
    allowances: Allowances = field(default_factory=Allowances)


class TimeBudget:
    """The time of one call: it waits for slots, then begins no new request, then hands over what is under way, and ends.

    Hosts give up on a call after 60 s, so with the usual 45 s of waiting every call is answered before that, whatever the
    API does.

    Args:
        max_wait_s: Seconds from now that it may wait.
        clock: Tells the time, and breaks off what takes longer.
    """

    def __init__(self, max_wait_s: float, clock: Timekeeper = SYSTEM) -> None:
        self._clock = clock
        self._at_s = clock.monotonic_s() + max_wait_s
        self._waits_until_s = self._at_s

    def left_s(self) -> float:
        """Seconds that it may still wait, at least 0."""
        return self._until(self._waits_until_s)

    def may_begin(self) -> bool:
        """Whether another request may be begun."""
        return self.begins_s() > 0

    def begins_s(self) -> float:
        """Seconds in which another request may be begun, at least 0."""
        return self._until(self._waits_until_s + BEGINS_S)

    def ends_in_s(self) -> float:
        """Seconds until the call has to answer with whatever there is, at least 0."""
        return self._until(self._at_s + ENDS_S)

    def ending(self) -> AbstractContextManager[object]:
        """A block that is broken off, and raises `TimeoutError`, when the call has to answer."""
        return self._clock.deadline(self.ends_in_s())

    def shorten(self, most_s: float) -> None:
        """Leave at most so many seconds of waiting from now; what is begun by then still has until the call's end."""
        self._waits_until_s = min(self._waits_until_s, self._clock.monotonic_s() + most_s)

    def give_back(self, seconds: float) -> None:
        """Do not count seconds that a person took to answer."""
        self._at_s += max(0.0, seconds)
        self._waits_until_s += max(0.0, seconds)

    def _until(self, moment_s: float) -> float:
        return max(0.0, moment_s - self._clock.monotonic_s())


class Progress:
    """Tells a caller how far a call is.

    Args:
        report: Where it goes.
    """

    def __init__(self, report: Report = unheard) -> None:
        self._report = report
        self._told = 0.0

    async def __call__(self, message: str, *, done: float | None = None, total: float | None = None) -> None:
        """Say that `done` of `total` is done, or only that it goes on.

        MCP wants every report to be larger than the one before, so a standstill moves by a thousandth. That nobody
        listens any more, as behind a closed pipe, stops no call that may be spending.
        """
        self._told = max(self._told + 0.001, done or 0.0)
        with suppress(OSError):
            await self._report(self._told, total, message)
