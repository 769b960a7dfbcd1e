"""Exchanges that a person can pass on: ids, names, links and numbers become placeholders of the same shape."""

import re
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue

from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.doctor.asking import Heard
from autobg_mcp.files.kinds import kind_of
from autobg_mcp.files.spreadsheet import table_in
from autobg_mcp.text import shortened

_MOST_ITEMS: Final = 3
_MOST_CHARS: Final = 200
_DEEPEST: Final = 20
_MOST_FIELDS: Final = 100
_LARGEST_KEPT: Final = 9
_LARGEST_SHOWN: Final = 10**18
_TELLING_HEADERS: Final = re.compile(
    r"content-type|content-length|content-encoding|retry-after|.*rate-?limit.*"
)
"""Headers whose values are kept; of the others only the names."""

_LIMITED: Final = re.compile(r"[^\W\d_]{2,}")
"""Who or what is limited, in the value of a header about limits; `100;w=60` stays."""

_SCHEME: Final = re.compile(r"(?:data:[\w/+.-]*;base64,|\w+://)")
_WORDS: Final = ("message", "error", "errormsg", "reason")
"""Names of fields whose words say why the API did something; they are kept, but for what may be a name in them."""

_NAMES: Final = re.compile(
    r"\S+://\S+|\S+@\S+|\S*[\w-]\.\w+\S*|[“\"'‘][^”\"'’]+[”\"'’]|\S*\d\S*|(?<=[^.!?]\s)(?!API\b|HTTP\b|ID\b)[^\W\d_a-z]\S*"  # noqa: RUF001  # as people quote
)
_CAPITAL, _SMALL, _DIGIT = re.compile(r"[^\W\d_a-z]"), re.compile(r"[a-z]"), re.compile(r"\d")


class Blanks:
    """Puts placeholders in place of values; equal numbers become equal ones, so that what belongs together is seen."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._of_length = Counter[int]()

    def exchange(self, asked: Heard) -> dict[str, JsonValue]:
        """One request and its answer."""
        return {
            "tool": asked.request.tool,
            "request": self._request(asked.request),
            "answer": self._answer(asked.answer),
            "understood": type(asked.refusal).__name__ if asked.refusal else "a success",
        }

    def _request(self, request: Request) -> dict[str, JsonValue]:
        parts: dict[str, JsonValue] = {"method": request.method, "path": request.path}
        if request.query:
            parts["query"] = self.value(dict(request.query))
        if request.body is not None:
            parts["body"] = self.value(dict(request.body))
        return parts

    def _answer(self, answer: Answer) -> dict[str, JsonValue]:
        try:
            body = self.value(answer.json())
        except ValueError:
            body = self._bytes(answer.content)
        return {"status": answer.status, "headers": _headers(answer.headers), "body": body}

    def _bytes(self, content: bytes) -> JsonValue:
        """What is no JSON: its kind and size, and of a table the names of its columns."""
        kind = kind_of(content)
        told: dict[str, JsonValue] = {"bytes": len(content), "kind": kind or "unknown"}
        if not kind.startswith("image/"):
            with suppress(ValueError):
                header, *rows = table_in(content).rows
                return told | {"columns": [self._words(str(name)) for name in header], "rows": len(rows)}
        if kind.startswith("text/"):
            told["beginning"] = self.text(content[:_MOST_CHARS].decode("utf-8", "replace"))
        return told

    def value(self, value: JsonValue, name: str = "", depth: int = 0) -> JsonValue:
        """A value with placeholders; the names of fields, true, false and null stay."""
        if depth > _DEEPEST:
            return "…"
        if isinstance(value, list):
            left_out = len(value) - _MOST_ITEMS
            more: list[JsonValue] = [f"… {left_out:,} more"] if left_out > 0 else []
            return [*(self.value(item, name, depth + 1) for item in value[:_MOST_ITEMS]), *more]
        if isinstance(value, dict):
            items = islice(value.items(), _MOST_FIELDS)
            return {self._field(key): self.value(item, key, depth + 1) for key, item in items}
        return self._single(value, name)

    def _single(self, value: str | float | bool | None, name: str) -> JsonValue:
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, str):
            return self._words(value) if name.casefold() in _WORDS else self.text(value)
        return self._number(value, name) if isinstance(value, int) else 0.5 if value >= 0 else -0.5

    def text(self, text: str) -> str:
        """Letters become a and A, digits 0, a number another of as many digits; a scheme stays."""
        if text.isdecimal() and text.isascii():
            return str(self._number(int(text[:_MOST_CHARS]), "id")).zfill(min(len(text), _MOST_CHARS))
        scheme = found[0] if (found := _SCHEME.match(text)) else ""
        rest = shortened(text[len(scheme) :], _MOST_CHARS)
        return scheme + _DIGIT.sub("0", _SMALL.sub("a", _CAPITAL.sub("A", rest)))

    def _words(self, text: str) -> str:
        """A sentence of the API without what may be a name, an id or a link in it."""
        return _NAMES.sub(lambda found: self.text(found[0]), shortened(text, 2 * _MOST_CHARS))

    def _field(self, name: str) -> str:
        """The name of a field; what cannot be one is a value in its place."""
        return (
            name
            if re.fullmatch(r"[A-Za-z_]\w{0,40}", name) and not re.search(r"\d{3}", name)
            else self.text(name)
        )

    def _number(self, number: int, name: str) -> int:
        is_id = name.casefold().endswith(("id", "ids"))
        if abs(number) <= _LARGEST_KEPT and not is_id:
            return number
        bounded = min(abs(number), _LARGEST_SHOWN)
        length = len(str(bounded))
        if bounded not in self._numbers:
            first = 10 ** (length - 1) if length > 1 else 0
            self._numbers[bounded] = first + self._of_length[length]
            self._of_length[length] += 1
        return self._numbers[bounded] * (1 if number >= 0 else -1)


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: (_LIMITED.sub("…", value) if "limit" in name else value)
        if _TELLING_HEADERS.fullmatch(name)
        else "…"
        for name, value in sorted(headers.items())
    }
