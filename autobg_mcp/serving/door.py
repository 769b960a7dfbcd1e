"""The door out: what leaves for a host or a terminal goes through here, and comes out whole, short and without a key."""

import json
import re
from collections.abc import Callable, Iterable

from pydantic import JsonValue

from autobg_mcp.text import LONGEST_TOLD_CHARS, redacted, shortened, whole

MOST_BYTES = 60_000
"""The longest text of one answer, in UTF-8: about 20,000 tokens, below the 25,000 at which terminal hosts cut."""

MOST_BASE64_CHARS = 1_000_000
"""The longest base64 of all pictures of one answer."""

_LONGEST_NAME_CHARS = 200
_NOTE_BYTES = 3000  # room for what was left out and where the whole is, in words
_SMALLEST_SHARE_BYTES = 40
_LARGEST_WHOLE = 2**63  # of a number that every host can read
_LONG_NUMBERS = (re.compile(r" -?\d{19}"), re.compile(r"\[-?\d{19}"))


class Door:
    """Lets text out, for one call.

    Args:
        secrets: The keys in use; see `Settings.secrets`.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secrets)

    def line(self, text: str) -> str:
        """One line of ours, such as a progress message or a question to a person."""
        return shortened(redacted(whole(text), self._secrets), LONGEST_TOLD_CHARS)

    def text(self, text: str) -> str:
        """A text of ours with its line breaks; what is quoted in it has none."""
        lines = "\n".join(redacted(whole(line), self._secrets) for line in text.split("\n"))
        return lines if size_of(lines) <= MOST_BYTES else _beginning(lines, MOST_BYTES)

    def data(self, value: JsonValue) -> JsonValue:
        """A value with every text in it whole and without a key, and every number one that JSON knows."""
        if isinstance(value, str):
            return redacted(whole(value), self._secrets)
        if isinstance(value, list):
            return [self.data(item) for item in value]
        if isinstance(value, dict):
            return {self._name(name): self.data(item) for name, item in value.items()}
        return _known_number(value) if isinstance(value, int | float) else value

    def _name(self, name: str) -> str:
        return shortened(redacted(whole(name), self._secrets), _LONGEST_NAME_CHARS)

    def fields(self, result: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """A result's fields, each as `data` lets it out; most need no change, which their JSON shows at a glance."""
        text = json.dumps(result, ensure_ascii=False)
        if _is_plain(text) and redacted(text, self._secrets) == text:
            return result
        return {name: self.data(value) for name, value in result.items()}

    def cut(self, result: dict[str, JsonValue], keep: Callable[[bytes], str]) -> dict[str, JsonValue]:
        """The same of a result that is too long for an answer: shortened, kept as a file, and saying so.

        Args:
            result: The result.
            keep: Saves the whole of it, as JSON, and answers in a sentence where that is. It may block.
        """
        told = {name: self.data(value) for name, value in result.items()}
        kept = keep(json.dumps(told, ensure_ascii=False, indent=1).encode())
        short = _fair_shares(told, MOST_BYTES - _NOTE_BYTES)
        left_out = ", ".join(
            _difference(name, value, short.get(name))
            for name, value in told.items()
            if short.get(name) != value
        )
        return short | {"leftOut": self.line(f"Too long to be told whole: {left_out}. {kept}")}


def _is_plain(text: str) -> bool:
    """Whether JSON holds only visible ASCII without escapes, and no number that a host may not know."""
    odd = ("\\", "NaN", "Infinity")
    shown = text.isascii() and text.isprintable() and not any(word in text for word in odd)
    return shown and not any(number.search(text) for number in _LONG_NUMBERS)


def size_of(value: JsonValue) -> int:
    """Bytes of a value as JSON in UTF-8."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _known_number(value: float) -> float | None:
    """A number that JSON knows and every host can read; None for one that is none."""
    try:
        number = value if -_LARGEST_WHOLE <= value < _LARGEST_WHOLE else float(value)
    except OverflowError:
        return None
    return number if number - number == 0 else None


def _within(value: JsonValue, room_bytes: int) -> JsonValue:
    """The value in about so many bytes of JSON: a list loses its end, an object's fields share the room, a text is cut."""
    if size_of(value) <= room_bytes:
        return value
    if isinstance(value, str):
        return _beginning(value, room_bytes)
    if isinstance(value, list):
        return _first_items(value, room_bytes)
    return _fair_shares(value, room_bytes) if isinstance(value, dict) else value


def _beginning(text: str, room_bytes: int) -> str:
    while size_of(text) > max(room_bytes, size_of("…")):
        spare = size_of(text) - room_bytes
        text = text[: max(0, min(len(text) - 2, len(text) - spare // 4))].rstrip("…") + "…"
    return text


def _first_items(items: list[JsonValue], room_bytes: int) -> list[JsonValue]:
    """As many items as fit, each whole; at least the first, which is cut if need be."""
    kept: list[JsonValue] = []
    for item in items:
        size = size_of(item) + len(", ")
        if size > room_bytes:
            return kept or [_within(item, room_bytes - len("[]"))]
        kept.append(item)
        room_bytes -= size
    return kept


def _fair_shares(fields: dict[str, JsonValue], room_bytes: int) -> dict[str, JsonValue]:
    """Small fields stay whole and large ones share what is left; where there are too many, the last ones go."""
    names = list(fields)[: max(1, room_bytes // _SMALLEST_SHARE_BYTES)]
    own = {name: size_of(name) + len(": , ") for name in names}
    sizes = {name: own[name] + size_of(fields[name]) for name in names}
    shares: dict[str, int] = {}
    for left, name in zip(range(len(names), 0, -1), sorted(names, key=sizes.__getitem__), strict=True):
        shares[name] = min(sizes[name], room_bytes // left)
        room_bytes -= shares[name]
    return {name: _within(fields[name], shares[name] - own[name]) for name in names}


def _difference(name: str, before: JsonValue, after: JsonValue) -> str:
    """What was left out of one field, in a few words."""
    if isinstance(before, list) and isinstance(after, list):
        return f"{name} ends after {len(after):,} of {len(before):,}"
    return f"{name} is shortened"
