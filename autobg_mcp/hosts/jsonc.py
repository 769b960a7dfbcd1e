"""JSON with comments and trailing commas: read with the place of every value, so that one can be changed and the rest stays."""

import functools
import json
import re
from dataclasses import dataclass, field

from pydantic import JsonValue

_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_STRINGS = json.JSONDecoder()


@dataclass(frozen=True)
class Node:
    """A value and where it stands.

    Attributes:
        start: Its first character.
        end: The character behind its last.
        scalar: What it is, where it holds no others.
        members: What it holds.
        closes: The bracket that ends it; empty for a scalar.
    """

    start: int
    end: int
    scalar: JsonValue = None
    members: tuple["Member", ...] = ()
    closes: str = ""

    def find(self, key: str) -> "Member | None":
        """The member of this name; of several the last, which is what a host takes."""
        return next((one for one in reversed(self.members) if one.key == key), None)

    def plain(self) -> JsonValue:
        """The value without its places."""
        if self.closes == "}":
            return {str(one.key): one.node.plain() for one in self.members}
        return [one.node.plain() for one in self.members] if self.closes else self.scalar


@dataclass(frozen=True)
class Member:
    """A member of an object or a list.

    Attributes:
        key: Its name; None in a list.
        start: Where it begins, with its name.
        node: Its value.
        comma: Where the comma behind it stands; None for none.
    """

    key: str | None
    start: int
    node: Node
    comma: int | None


@functools.lru_cache(
    maxsize=2
)  # a change reads the same text several times, and hosts keep megabytes in such a file
def parse(text: str) -> Node:
    """The whole text as one value.

    Raises:
        ValueError: It is not JSON with comments; the message says where.
    """
    reader = _Reader(text)
    node = reader.value(reader.blank(0))
    if reader.blank(node.end) != len(text):
        raise reader.fault("something follows behind its end", reader.blank(node.end))
    return node


@dataclass
class _Reader:
    text: str
    depth: int = field(default=0)

    def blank(self, at: int) -> int:
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int) -> Node:
        opening = self.text[at : at + 1]
        if opening in ("{", "["):
            return self._container(at, "}" if opening == "{" else "]")
        if opening == '"':
            scalar, end = self._string(at)
            return Node(at, end, scalar)
        found = _SCALAR.match(self.text, at)
        if not found:
            raise self.fault("a value is missing", at)
        return Node(at, found.end(), json.loads(found[0]))

    def _container(self, start: int, closes: str) -> Node:
        self.depth += 1
        if self.depth > 200:  # noqa: PLR2004  # no host's file is that deep, and Python's own stack is near
            raise self.fault("it is nested too deeply", start)
        members: list[Member] = []
        at = self.blank(start + 1)
        while self.text[at : at + 1] != closes:
            if members and members[-1].comma is None:
                raise self.fault(f"a comma or {closes} is missing", at)
            members.append(self._member(at, keyed=closes == "}"))
            last = members[-1]
            at = self.blank(last.node.end if last.comma is None else last.comma + 1)
        self.depth -= 1
        return Node(start, at + 1, None, tuple(members), closes)

    def _member(self, start: int, *, keyed: bool) -> Member:
        key, at = None, start
        if keyed:
            if self.text[at : at + 1] != '"':
                raise self.fault("a name in quotation marks is missing", at)
            key, at = self._string(at)
            at = self.blank(at)
            if self.text[at : at + 1] != ":":
                raise self.fault("a colon is missing", at)
            at = self.blank(at + 1)
        node = self.value(at)
        behind = self.blank(node.end)
        return Member(key, start, node, behind if self.text[behind : behind + 1] == "," else None)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            text, end = _STRINGS.raw_decode(self.text, at)
        except ValueError:
            raise self.fault("a text is not ended, or holds what no text may", at) from None
        return text, end

    def fault(self, what: str, at: int) -> ValueError:
        line = self.text.count("\n", 0, at) + 1
        return ValueError(f"{what} in line {line}, column {at - self.text.rfind(chr(10), 0, at)}")
