"""Edits of JSON with comments: whatever stands there, a change changes the value it names and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobg_mcp.hosts.json_edits import put, remove
from autobg_mcp.hosts.jsonc import parse

names = st.sampled_from(["a", "b", "mcpServers", "autobg", "x//y", 'q"', "é"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)
tables = st.dictionaries(names, values, max_size=4)
indents = st.sampled_from([None, 2, 4, "\t"])
COMMENTS = ("// ] one", "/* } two */", '// "three": 1,')


def commented(document: Any, indent: int | str | None) -> str:
    """The document with a comment behind and below every line, and commas where only some readers take them."""
    lines = json.dumps(document, indent=indent, ensure_ascii=False).split("\n")
    if indent is None:
        return lines[0]
    return "\n".join(
        f"{line} {COMMENTS[number % 3]}\n{COMMENTS[(number + 1) % 3]}" for number, line in enumerate(lines)
    )


def comments(text: str) -> int:
    return sum(text.count(comment) for comment in COMMENTS)


@settings(deadline=None)
@given(document=tables, indent=indents, path=st.lists(names, min_size=1, max_size=3), value=values)
def test_put_changes_what_it_names_and_keeps_every_other_line(
    document: dict[str, Any], indent: int | str | None, path: list[str], value: Any
) -> None:
    text, table = commented(document, indent), document
    for name in path[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            with pytest.raises(ValueError, match="is no table"):
                put(text, path, value)
            return
    is_new = path[-1] not in table
    table[path[-1]] = value
    after = put(text, path, value)
    assert parse(after).plain() == document
    assert not is_new or comments(after) == comments(text)


@settings(deadline=None)
@given(document=tables, indent=indents, name=names)
def test_remove_takes_one_member_away(document: dict[str, Any], indent: int | str | None, name: str) -> None:
    text = commented(document, indent)
    document.pop(name, None)
    assert parse(remove(text, [name])).plain() == document


@settings(deadline=None)
@given(document=tables, indent=indents, value=values)
def test_what_was_put_is_taken_away_again_to_the_last_blank(
    document: dict[str, Any], indent: int | str | None, value: Any
) -> None:
    document = {"first": 1, **document}
    text = json.dumps(document, indent=indent)
    assert remove(put(text, ["new"], value), ["new"]) == text


@given(values)
def test_json_is_read_as_python_reads_it(document: Any) -> None:
    assert parse(json.dumps(document)).plain() == document
