"""Changes to a file in JSON with comments, as edits of its text: all that is not changed stays as it is, to the last blank."""

import json
import re
from collections.abc import Sequence

from pydantic import JsonValue

from autobg_mcp.hosts.jsonc import Member, Node, parse

_HOLLOW = re.compile(r"\A({)\s*(})")
_SAME_LINE = re.compile(r"[ \t]*(?:/\*[^\n]*?\*/[ \t]*)*(?://[^\n]*)?(?=\n|$)")


def put(text: str, path: Sequence[str], value: JsonValue) -> str:
    """The text with the value under these names; tables that are missing on the way are made.

    Raises:
        ValueError: The text is broken, or something else stands where a table should.
    """
    node = parse(text)
    for depth, key in enumerate(path):
        _check_table(node, path[:depth])
        member = node.find(key)
        if member is None:
            for name in reversed(path[depth + 1 :]):
                value = {name: value}
            return _inserted(text, node, f"{json.dumps(key, ensure_ascii=False)}: ", value)
        node = member.node
    return text if node.plain() == value else _replaced(text, node, value)


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands under these names, and without a comment on its last line."""
    holder = _found(parse(text), path[:-1])
    member = holder.find(path[-1]) if holder else None
    if holder is None or member is None:
        return text
    return remove(
        _without(text, holder, member), path
    )  # a name may stand there twice; a host would take the other


def _check_table(node: Node, path: Sequence[str]) -> None:
    if node.closes != "}":
        raise ValueError(f"{'.'.join(path) or 'it'} is no table")


def _found(node: Node, path: Sequence[str]) -> Node | None:
    for key in path:
        member = node.find(key)
        if member is None:
            return None
        node = member.node
    return node


def _replaced(text: str, node: Node, value: JsonValue) -> str:
    return text[: node.start] + _written(text, value, _margin(text, node.start)) + text[node.end :]


def _inserted(text: str, node: Node, name: str, value: JsonValue) -> str:
    """The text with one member more at the end of an object."""
    if not node.members:
        margin = _margin(text, node.start)
        inner = margin + _unit(text)
        kept = text[: node.end - 1].rstrip(" \t\n\r")
        return f"{kept}\n{inner}{name}{_written(text, value, inner)}\n{margin}{text[node.end - 1 :]}"
    last = node.members[-1]
    if "\n" not in text[node.start : last.start]:
        end = last.node.end if last.comma is None else last.comma + 1
        comma = "" if last.comma is not None else ","
        return f"{text[:end]}{comma} {name}{json.dumps(value, ensure_ascii=False)}{text[end:]}"
    margin = _margin(text, last.start)
    behind = last.node.end if last.comma is None else last.comma + 1
    same_line = _SAME_LINE.match(text, behind)
    place = same_line.end() if same_line else behind
    comma = "," if last.comma is None else ""
    trailing = "," if last.comma is not None else ""
    member = f"\n{margin}{name}{_written(text, value, margin)}{trailing}"
    return text[: last.node.end] + comma + text[last.node.end : place] + member + text[place:]


def _without(text: str, holder: Node, member: Member) -> str:
    """The text without a member, the blanks of its line, and a comma that would be left over."""
    start, end = member.start, member.node.end if member.comma is None else member.comma + 1
    line = text.rfind("\n", 0, start) + 1
    same_line = _SAME_LINE.match(text, end)
    if text[line:start].strip():
        start = len(text[:start].rstrip(" \t"))
    elif same_line:
        start, end = line, min(len(text), same_line.end() + 1)
    rest = text[:start] + text[end:]
    before = holder.members.index(member) - 1
    if member.comma is None and before >= 0 and (comma := holder.members[before].comma) is not None:
        rest = rest[:comma] + rest[comma + 1 :]
    return rest[: holder.start] + _HOLLOW.sub(r"\1\2", rest[holder.start :], count=1)


def _written(text: str, value: JsonValue, margin: str) -> str:
    lines = json.dumps(value, indent=_unit(text), ensure_ascii=False).split("\n")
    return f"\n{margin}".join(lines)


def _unit(text: str) -> str:
    """One step of the text's indentation."""
    first = next(iter(parse(text).members), None)
    return (first and _margin(text, first.start)) or "  "


def _margin(text: str, at: int) -> str:
    """The blanks that the line of this character begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
