"""How hosts write a server down: under which names its command, arguments and environment stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue


@dataclass(frozen=True)
class ServerEntry:
    """A server in a host's file.

    Attributes:
        command: The program.
        args: Its arguments.
        env: The variables that the file sets for it; never shown, since a key may stand in them.
    """

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Shape:
    """The names of an entry's parts.

    Attributes:
        under: The names that lead to the table of servers.
        command: The name of the program.
        args: The name of its arguments; None where they stand in one list with the program.
        env: The name of its environment.
        always: What else stands in every entry, as the host wants it.
        also_under: The names that lead to the servers of one project in a file for all; `{cwd}` is its folder. Empty for none.
    """

    under: tuple[str, ...] = ("mcpServers",)
    command: str = "command"
    args: str | None = "args"
    env: str = "env"
    always: Mapping[str, JsonValue] = field(default_factory=dict)
    also_under: tuple[str, ...] = ()

    def tables(self, cwd: Path) -> list[tuple[str, ...]]:
        """The names that lead to each table of servers, the one of the project in `cwd` last."""
        own = tuple(str(cwd) if name == "{cwd}" else name for name in self.also_under)
        return [self.under, own] if own else [self.under]

    def read(self, written: JsonValue) -> ServerEntry | None:
        """An entry as it is written; None where it starts no program, such as a server that is reached by its address."""
        if isinstance(written, dict) and isinstance(written.get("transport"), dict):
            written = written["transport"]  # as Cline's own command writes it
        if not isinstance(written, dict):
            return None
        words, env = written.get(self.command), written.get(self.env)
        words = words if isinstance(words, list) else [words]
        more = written.get(self.args) if self.args else None
        words = [*words, *(more if isinstance(more, list) else [])]
        if not words[0] or not all(isinstance(word, str) for word in words):
            return None
        told = {name: str(value) for name, value in env.items()} if isinstance(env, dict) else {}
        return ServerEntry(str(words[0]), tuple(map(str, words[1:])), told)

    def write(self, entry: ServerEntry) -> dict[str, JsonValue]:
        """An entry as the host reads it."""
        program: dict[str, JsonValue] = (
            {self.command: entry.command, self.args: [*entry.args]}
            if self.args
            else {self.command: [entry.command, *entry.args]}
        )
        first = {name: value for name, value in self.always.items() if name in ("name", "type")}
        env: dict[str, JsonValue] = {self.env: {**entry.env}} if entry.env else {}
        return {**first, **program, **self.always, **env}


def servers_under(document: JsonValue, names: tuple[str, ...]) -> dict[str, JsonValue]:
    """The servers of a file by name; empty where it has no table under these names."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}
