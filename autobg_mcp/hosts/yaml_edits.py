"""Changes to a file in YAML, by `ruamel.yaml`, which keeps comments and order."""

import io
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from autobg_mcp.hosts.absent_library import told_what_to_install

with told_what_to_install("ruamel.yaml", "YAML"):
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.util import load_yaml_guess_indent


def load(text: str) -> Any:
    """What stands in the text, in tables that remember their comments; None for nothing.

    Raises:
        ValueError: It is not YAML.
    """
    try:
        return _yaml().load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def put(text: str, path: Sequence[str], value: JsonValue) -> str:
    """The text with the value under these names; tables that are missing on the way are made.

    Raises:
        ValueError: The text is broken, or something else stands where a table should.
    """
    document = load(text)
    document = CommentedMap() if document is None else document
    table = document
    for depth, name in enumerate(path[:-1]):
        _check_table(table, path[:depth])
        if table.get(name) is None:
            table[name] = CommentedMap()
        table = table[name]
    _check_table(table, path[:-1])
    table[path[-1]] = value
    return _dumped(document, text)


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands under these names."""
    document = load(text)
    table = document
    for name in path[:-1]:
        table = table.get(name) if isinstance(table, dict) else None
    if not isinstance(table, dict) or path[-1] not in table:
        return text
    del table[path[-1]]
    return _dumped(document, text)


def _check_table(table: object, path: Sequence[str]) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{'.'.join(path) or 'it'} is no table")  # noqa: TRY004  # the text is wrong, no caller of ours


def _dumped(document: Any, before: str) -> str:
    """The document, indented as it was."""
    _, step, offset = load_yaml_guess_indent(before)
    yaml = _yaml()
    yaml.explicit_start = before.startswith("---")
    yaml.indent(mapping=2, sequence=step or 2, offset=offset or 0)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**16  # no line is broken anew
    return yaml
