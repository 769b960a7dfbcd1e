"""The values of the tables' columns: how they are stored, and held to their bounds when they are read."""

import re
from typing import Final

from autobg_mcp.state import ImpossibleValueError, moment, text_up_to

LARGEST_WHOLE: Final = 2**63 - 1
"""The largest whole number of SQLite."""

_MOST_CHARS = 1_000_000  # the names of a long list of links
_ID = re.compile(r"[\w.-]{1,64}")


def storable(value: str | int | None) -> str | int | None:
    """A value without lone surrogates, which SQLite refuses."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def words(value: object) -> str:
    """A text as it was read.

    Raises:
        ImpossibleValueError: It is none.
    """
    return text_up_to(value, _MOST_CHARS)


def api_id(value: object) -> str:
    """An id of the API as it was read: such as an answer must hold before it is written down.

    Raises:
        ImpossibleValueError: It is none.
    """
    text = words(value)
    if not _ID.fullmatch(text):
        raise ImpossibleValueError(f"{text!r:.50} where an id belongs")
    return text


def words_or_none(value: object) -> str | None:
    """A text as it was read, or nothing.

    Raises:
        ImpossibleValueError: It is neither.
    """
    return None if value is None else words(value)


def moment_or_none(value: object) -> float | None:
    """A time as it was read, or nothing.

    Raises:
        ImpossibleValueError: It is neither.
    """
    return None if value is None else moment(value)
