"""What one check found."""

from dataclasses import dataclass
from typing import Final, Literal

from autobg_mcp.errors import AutobgError

Health = Literal["ok", "warn", "fail", "skipped"]
"""fail: calls cannot work so; warn: they may not do what is wanted; skipped: it could not be looked at, or need not be."""


_MEND: Final = " To mend it, "


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at, in one or two words.
        verdict: What is to be thought of it.
        seen: What was seen, without a secret.
        remedy: What to do; empty where there is nothing to do.
    """

    check: str
    verdict: Health
    seen: str
    remedy: str = ""

    @classmethod
    def of(cls, check: str, error: AutobgError) -> "Finding":
        """The failure that an error tells, and how to mend it: a broken store names that itself."""
        seen, _, remedy = str(error).partition(_MEND)
        return cls(check, "fail", seen, remedy[:1].upper() + remedy[1:] or error.next_step)
