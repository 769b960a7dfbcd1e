"""The one way text is cleaned: what comes from outside, what nobody may read, what is wrong with a value, what time it was."""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST_TOLD_CHARS = 2000
"""The longest line of ours that anybody is told."""

REDACTED = "[API key]"
"""What stands in place of a secret."""

State = TypeVar("State", bound=str)

_QUOTED_CHARS = 200

# One of them is in every spelling but the bare one; to look for them takes no time.
_ESCAPES = ("\\", "%", "&#")
_PIECE_CHARS = 2**18
_LONGEST_SPELLING_CHARS = len("&#x0041;")
_SHORTEST_SECRET_CHARS = 8

# C0/C1 controls, zero-width and bidirectional marks, the tag block and variation selectors: they hide text from people.
# Halves of characters, which a file name that is not UTF-8 holds too: no transport can send them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,500}>")
_NO_TAGS = str.maketrans("<>“”", "????")


def whole(text: str) -> str:
    """Text that anyone can send and show, on one line: what cannot be seen or sent becomes a space."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub(" ", text)


def cleaned(text: str, max_chars: int = _QUOTED_CHARS) -> str:
    """Text from outside on one line, without tags and invisible characters, at most `max_chars` long."""
    return shortened(" ".join(_TAG.sub(" ", _INVISIBLE.sub(" ", text)).split()), max_chars)


def shortened(text: str, max_chars: int) -> str:
    """The text, or its beginning and an ellipsis where it is longer."""
    return text if len(text) <= max_chars else text[: max(0, max_chars - 1)] + "…"


def quoted(text: str, max_chars: int = _QUOTED_CHARS) -> str:
    """The same in quotation marks, so that a reader knows the words are not ours."""
    return "“" + cleaned(text, max_chars).replace("“", "'").replace("”", "'") + "”"


def counted(count: int, noun: str) -> str:
    """How many there are: `1 picture`, `2,880 pictures`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def by_state(counts: Mapping[State, int]) -> str:
    """How many are in each state, such as `120 done, 3 partly`; a state that holds none is left out."""
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "none"


def some(items: Sequence[str], most: int = 5) -> str:
    """The first of the items, and how many more there are: `a, b and 3 more`."""
    more = len(items) - most
    return ", ".join(items[:most]) + (f" and {more:,} more" if more > 0 else "")


def first_sentence(text: str) -> str:
    """The text up to the first full stop that ends a sentence."""
    return text.partition(". ")[0].rstrip(".") + "."


def folded(text: str) -> str:
    """A text by its letters and digits alone, in whatever case, width and punctuation it was written."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def local_path(path: object) -> str:
    """A path on this machine as others may read it: what hides text or makes a tag becomes `?`.

    Blanks stay as they are, and a name with `?` is a pattern, so that a caller can name the file by what it was told.
    """
    return _INVISIBLE.sub("?", str(path)).translate(_NO_TAGS)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with `[API key]` in place of each secret, however a transport or a table has escaped it.

    A secret of less than 8 characters is none, and would be found everywhere.
    """
    for secret in secrets:
        bare, key = (one.replace("\\/", "/") for one in (text, secret.strip()))  # base64 is full of slashes
        if key in bare or any(mark in bare for mark in _ESCAPES):
            text = "".join(_parts_without(secret, text))
    return text


def _parts_without(secret: str, text: str) -> Iterator[str]:
    """The text piece by piece: one search through all of a long text would stop every other thread."""
    start, spelled = 0, _spellings(secret)
    while start < len(text):
        end = start + _PIECE_CHARS
        found = spelled.search(text, start, end + _LONGEST_SPELLING_CHARS * len(secret))
        if found is None or found.start() >= end:
            yield text[start:end]
            start = end
        else:
            yield text[start : found.start()] + REDACTED
            start = found.end()


@functools.lru_cache(maxsize=16)
def _spellings(secret: str) -> re.Pattern[str]:
    """A secret, each of its characters as it is, percent-encoded, or escaped as JSON or HTML does it."""
    forms = (
        rf"(?:\\?{re.escape(one)}|%(?i:{ord(one):02x})|\\u00(?i:{ord(one):02x})|&#(?:{ord(one)}|(?i:x{ord(one):x}));)"
        for one in secret.strip()
    )
    return re.compile("".join(forms) if len(secret.strip()) >= _SHORTEST_SECRET_CHARS else "(?!)")


_EXPECTED = {
    "missing": "required",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text",
    "string_unicode": "a text",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "too_long": "at most {max_length} items, got {actual_length}",
    "too_short": "a list of at least {min_length}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "extra_forbidden": "unknown",
}


def expected(problem: "ErrorDetails") -> str:
    """What would have been right, such as `a whole number` or `at most 10 items, got 11`."""
    form = _EXPECTED.get(problem["type"])
    if form is not None:
        bounds = problem.get("ctx", {}).items()
        return form.format_map(
            {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in bounds}
        )
    message = problem["msg"].removeprefix("Value error, ")
    return cleaned(message[:1].lower() + message[1:])


def place(problem: "ErrorDetails", start: str = "") -> str:
    """Where the value stands, such as `reportReason.0`; `start` goes before it."""
    return cleaned(".".join([start, *map(str, problem["loc"])]).strip("."), 80)


def at(moment: float) -> str:
    """A moment by the clock here, as people read it: `2026-11-22 06:10 CET`."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M %Z}"


def clock_time(moment: float, now: float) -> str:
    """A moment by the clock here: `10:24`, of another day than now `10:24 on 2026-11-22`."""
    told, today = (datetime.fromtimestamp(one).astimezone() for one in (moment, now))
    return f"{told:%H:%M}{'' if told.date() == today.date() else f' on {told:%Y-%m-%d}'}"


def time_ahead(seconds: float, now: float) -> str:
    """A moment so many seconds from now as people say it: `10:24, in about 3 min`."""
    minutes = max(1, round(seconds / 60))
    ahead = f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"  # noqa: PLR2004
    return f"{clock_time(now + seconds, now)}, in about {ahead}"


def amount(number: float) -> str:
    """A number of credits with all its digits, and without a fraction where there is none."""
    return f"{number:.12g}"
