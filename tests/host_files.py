"""Hosts' files as people have them, and `autobg-mcp config` for a person whose home is in a test's folder."""

import json
import os
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from autobg_mcp.commands import main
from autobg_mcp.hosts.jsonc import parse
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.table import HOSTS, McpHost, files


class Ended(NamedTuple):
    """How a command ended."""

    code: object
    out: str
    err: str


class Person:
    """A person's machine, and the command line on it.

    Args:
        folder: Where their home is, and the folder that they work in.
        capsys: Reads what is printed.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.home, self.cwd = folder / "ho me", folder / "pro ject"
        self.state = folder / "state"
        self.home.mkdir()
        (self.cwd / "photos").mkdir(parents=True)

    def config(self, *arguments: object) -> Ended:
        """Run `autobg-mcp config`."""
        with pytest.raises(SystemExit) as exit_:
            main(["config", *map(str, arguments)])
        return Ended(exit_.value.code, *self._capsys.readouterr())

    def file(self, name: str) -> Path:
        """The file of a host for all of their work."""
        machine = Machine(self.home, self.cwd, "linux", os.environ)
        return files(HOSTS[name], HOSTS[name].scopes()[0], machine)[0]

    def has(self, name: str, text: str) -> Path:
        """Let a host's file hold a text, to the last byte."""
        file = self.file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        return file

    def entry(self, name: str) -> dict[str, Any]:
        """Our entry in a host's file."""
        table = read(HOSTS[name], self.file(name))
        for key in HOSTS[name].shape.under:
            table = table[key]
        entry: dict[str, Any] = table["autobg"]
        return entry


def read(host: McpHost, file: Path) -> Any:
    """A host's file as a host reads it."""
    text = file.read_text("utf-8-sig")
    if host.format == "json":
        return parse(text).plain()
    return tomllib.loads(text) if host.format == "toml" else YAML(typ="safe", pure=True).load(text)


OTHERS = {
    "json": '{{\n    // mine\n    "theme": "dark", /* keep */\n    "{under}": {{\n        "other": {{"{command}": "x"}}, // theirs\n    }},\n}}\n',
    "toml": '# mine\nmodel = "o3" # keep\n\n[{under}.other]\ncommand = "x" # theirs\n\n[tui]\ntheme = "dark"\n',
    "yaml": "# mine\nGOOSE_MODEL: x # keep\n{under}:\n  other:  # theirs\n    cmd: 'x'\n    args:\n      - a\n\nlast: 1\n",
}
"""A file with comments, an entry of another server, and settings of the host."""


def with_others(host: McpHost) -> str:
    """The same for a host."""
    return OTHERS[host.format].format(under=host.shape.under[0], command=host.shape.command)


def strict(text: str) -> str:
    """The same in JSON that hosts without comments take."""
    return json.dumps(parse(text).plain(), indent=2)
