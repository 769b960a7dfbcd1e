"""What the package imports from others is what pyproject.toml declares, and nothing more."""

import ast
import functools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import autobg_mcp

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"].keys() - {"bench", "dev", "test"}
"""The extras that the package itself uses."""
READ_BY_OTHERS = {"python-multipart", "sniffio"}
"""Declared for another package's sake: Starlette reads the sandbox's forms with the one, httpx asks the other which loop
runs and would look for it on disk at every request."""


def declared(requirements: list[str]) -> set[str]:
    return {spelled(re.split(r"[\[<>=]", requirement)[0]) for requirement in requirements}


def spelled(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


@functools.cache
def imported() -> dict[str, set[str]]:
    """The distributions that the package imports, and the modules that do."""
    modules: dict[str, set[str]] = {}
    owners = packages_distributions()
    for path in Path(autobg_mcp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"autobg_mcp"}:
                for distribution in owners[name]:
                    modules.setdefault(spelled(distribution), set()).add(path.name)
    return modules


ALWAYS = declared(PROJECT["dependencies"])
ON_REQUEST = {
    extra: declared(requirements)
    for extra, requirements in PROJECT["optional-dependencies"].items()
    if extra in EXTRAS
}


def test_every_import_is_declared() -> None:
    assert imported().keys() - ALWAYS - set().union(*ON_REQUEST.values()) == set()


def test_everything_declared_is_imported() -> None:
    assert ALWAYS - imported().keys() == READ_BY_OTHERS


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_each_part_of_an_extra_is_what_one_module_imports(extra: str) -> None:
    assert {len(imported().get(name, ())) for name in ON_REQUEST[extra]} == {1}
