"""Changes to a file in YAML, by `ruamel.yaml`, which keeps comments and order."""

import io
import re
from collections.abc import Callable
from typing import Any

from autobg_mcp.hosts.absent_library import told_what_to_install

with told_what_to_install("ruamel.yaml", "YAML"):
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.util import load_yaml_guess_indent

_INNER = re.compile(r"^\w.*:[ \t]*(?:#.*)?\n( +)\w", re.MULTILINE)
"""The first name in a table of a file, and the blanks before it."""


def load(text: str) -> Any:
    """What stands in the text, in tables that remember their comments; None for nothing.

    Raises:
        ValueError: It is not YAML.
    """
    try:
        return _yaml().load(text)
    except YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def edited(text: str, apply: Callable[[Any], None]) -> str:
    """The text after changes to what it holds.

    Raises:
        ValueError: The text is broken, or cannot be changed so.
    """
    document = load(text)
    document = CommentedMap() if document is None else document
    apply(document)
    return _dumped(document, text)


def table(_: bool) -> Any:
    """A new table."""
    return CommentedMap()


def _dumped(document: Any, before: str) -> str:
    """The document, indented as it was."""
    _, step, offset = load_yaml_guess_indent(before)
    sequence = (2, 0) if offset is None else (step, offset)  # without a list, the step is that of tables
    inner = _INNER.search(before)
    yaml = _yaml()
    yaml.explicit_start = before.startswith("---")
    yaml.indent(len(inner[1]) if inner else 2, *sequence)
    written = io.StringIO()
    yaml.dump(document, written)
    return written.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 2**16  # no line is broken anew
    return yaml
