"""The hosts on this machine whose files name this server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autobg_mcp.errors import AutobgError
from autobg_mcp.hosts import formats
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.shapes import ServerEntry, servers_under
from autobg_mcp.hosts.table import HOSTS, McpHost, files

_OURS = re.compile(r"(?:^|[/\\])autobg[-_]mcp(?:\.exe)?(?:[@\[=<>~! ].*)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A place where a host's file names this server.

    Attributes:
        host: The host.
        file: Its file.
        server: What the server is called there.
        entry: How it is started; None where the file cannot be read, and `problem` says why.
        problem: Why not; empty where it can.
    """

    host: McpHost
    file: Path
    server: str
    entry: ServerEntry | None
    problem: str = ""

    @property
    def command(self) -> str:
        """The program; empty where the file cannot be read."""
        return self.entry.command if self.entry else ""

    @property
    def args(self) -> tuple[str, ...]:
        """Its arguments."""
        return self.entry.args if self.entry else ()


def mentions(machine: Machine) -> list[Mention]:
    """The places where hosts' files name this server, by its usual name or by its command."""
    return [mention for host in HOSTS.values() for mention in mentions_of(host, machine)]


def mentions_of(host: McpHost, machine: Machine) -> Iterator[Mention]:
    """The places where one host's files name this server."""
    for scope in host.scopes():
        for file in files(host, scope, machine):
            yield from mentions_in(host, file, machine.cwd)


def mentions_in(host: McpHost, file: Path, cwd: Path) -> Iterator[Mention]:
    """The places where a host's file names this server; none where it is missing or this user cannot read it."""
    try:
        text = formats.text_of(file)
        if "autobg" not in text.casefold():
            return
        document = formats.load(text, host.format, file)
    except OSError:
        return
    except AutobgError as error:
        yield Mention(host, file, "", None, str(error))
        return
    for table in host.shape.tables(cwd):
        for server, written in servers_under(document, table).items():
            entry = host.shape.read(written)
            if entry and (server == "autobg" or any(map(_OURS.search, (entry.command, *entry.args)))):
                yield Mention(host, file, server, entry)
