"""How long work stands still after what it met, and why, for people."""

import random
from dataclasses import dataclass
from typing import Final

from autobg_mcp.clock import day_start_s, local_day
from autobg_mcp.errors import (
    AuthenticationError,
    AutobgError,
    BlockedError,
    ConfigurationError,
    ConnectionFailedError,
    OutcomeUnknownError,
    OutOfCreditsError,
    ServerFaultError,
    SpendingRefusedError,
    StateError,
)
from autobg_mcp.text import first_sentence

LONGEST_PAUSE_S: Final = 600.0
_FIRST_PAUSE_S: Final = 10.0
_ONE_LOST_S: Final = 1.0
"""After one lost answer, which is no outage yet."""
_DAY_S: Final = 86_400.0
_OUTAGES: Final = (ConnectionFailedError, ServerFaultError, BlockedError, OutcomeUnknownError)
_NEEDS_A_PERSON: Final = (AuthenticationError, ConfigurationError, OutOfCreditsError, StateError)


@dataclass(frozen=True)
class Pause:
    """A pause.

    Attributes:
        seconds: How long it is.
        why: What it is for, in words.
    """

    seconds: float
    why: str


def pause_after(error: AutobgError, failures: int, now: float) -> Pause:
    """The pause after an error that would meet the rest of the work, too.

    Args:
        error: What was met.
        failures: How many turns in a row have met one before.
        now: Seconds since 1970.
    """
    said = first_sentence(str(error).partition("\n")[0]).rstrip(".")
    if isinstance(error, SpendingRefusedError):
        return Pause(_until_midnight_s(now), "the daily limit (AUTOBG_DAILY_CREDIT_LIMIT) is used up")
    if error.retry_after_s is not None:
        return Pause(max(1.0, error.retry_after_s), said)
    if isinstance(error, OutOfCreditsError):
        return Pause(_jittered(LONGEST_PAUSE_S), "credits are used up")
    if isinstance(error, _NEEDS_A_PERSON):
        return Pause(_jittered(LONGEST_PAUSE_S), said)
    if isinstance(error, OutcomeUnknownError) and not failures:
        return Pause(_ONE_LOST_S, said)
    longest_s = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures, 10))
    return Pause(_jittered(longest_s), "the API cannot be reached" if isinstance(error, _OUTAGES) else said)


def _until_midnight_s(now: float) -> float:
    """Seconds until the next local day begins, whatever its offset."""
    return day_start_s(local_day(day_start_s(local_day(now)) + 1.5 * _DAY_S)) - now + 1.0


def _jittered(seconds: float) -> float:
    """A little less than so many seconds, so that many who wait for one thing do not all come at once."""
    return seconds * random.uniform(0.7, 1.0)  # noqa: S311  # spreads, protects nothing
