"""What a person at a terminal is told: words for them, where a model is told to pass them on."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import autobg_mcp
from autobg_mcp.commands.terminal import Terminal

ROOT = Path(autobg_mcp.__file__).parent
THIRD_PERSON = re.compile(r"\bthe (user|operator)\b|(person|people) who runs? this server", re.IGNORECASE)
TO_NOBODY_AT_A_TERMINAL = (
    "sandbox",
    "commands/terminal.py",
    "commands/serve.py",
    "jobs/",
    "serving/introduction.py",
    "serving/prompts.py",
    "tools/listing.json",
)


def sentences() -> Iterator[tuple[str, str]]:
    """Every text in the code that speaks of somebody else, docstrings and descriptions left out."""
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(TO_NOBODY_AT_A_TERMINAL):
            yield from ((name, text) for text in _texts(path) if THIRD_PERSON.search(text))


def _texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documented | parts
        ):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)


@pytest.mark.parametrize(("file", "text"), sorted(set(sentences())))
def test_no_text_speaks_to_a_person_of_somebody_else(file: str, text: str) -> None:
    told = Terminal().text(text)
    assert not THIRD_PERSON.search(told)
    assert re.match(r"[^a-z]|autobg", told) or text[0].islower() or not told
