"""Under which conditions credits are spent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Self

from autobg_mcp.settings import Settings

LEASE_MARGIN_S: Final = 60.0
"""What a request may take beside its timeout: writing down, a machine under load."""

SetAside = Callable[[str], Awaitable[int]]
"""The credits of an account that are set aside."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which conditions credits are spent.

    Attributes:
        duplicate_window_s: How far back an earlier submission is a duplicate; 0 for never.
        daily_limit: Credits that may be spent a local day; None for no limit.
        lease_s: The longest that a request is under way; after that its process counts as dead.
    """

    duplicate_window_s: float
    daily_limit: int | None
    lease_s: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those that the operator set."""
        return cls(
            duplicate_window_s=settings.duplicate_window_h * 3600,
            daily_limit=settings.daily_credit_limit,
            lease_s=settings.timeout_s + LEASE_MARGIN_S,
        )


def set_aside_for_jobs(aside: int) -> str:
    """That credits of the day are set aside, as words to add; empty for none."""
    return f", beside {aside} set aside for jobs" if aside else ""
