"""Refusals: what the API's words mean."""

import re

from autobg_mcp.errors import OutOfCreditsError, RequestRefusedError
from autobg_mcp.text import quoted

_NO_CREDITS = re.compile(r"credit", re.IGNORECASE)


def refusal(what: str, said: str) -> RequestRefusedError:
    """The error that words of the API mean; `what` says what they are about."""
    kind = OutOfCreditsError if _NO_CREDITS.search(said) else RequestRefusedError
    return kind(f"{what}: {quoted(said)}")
