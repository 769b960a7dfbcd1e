"""What is to stand in a host's file for this server, given what stands there: the rest of its entry stays a person's own."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.hosts.formats import FileChange
from autobg_mcp.hosts.shapes import ServerEntry, servers_under
from autobg_mcp.hosts.table import McpHost

NAME = "autobg"
"""What the server is called in a host's file."""

_ADDRESS = re.compile(r"\w*ur[il]", re.IGNORECASE)
"""What hosts call the address of a server that they do not start: `url`, `httpUrl`, `serverUrl`, `uri`."""

KEY, KEY_FILE = "AUTOBG_API_KEY", "AUTOBG_API_KEY_FILE"


@dataclass(frozen=True)
class Wish:
    """How a person wants the server to be started.

    Attributes:
        command: The program and its arguments, without those of the sandbox.
        image_dirs: Folders whose pictures may be read.
        output_dir: The folder for results; None leaves it to the server.
        sandbox: Whether the sandbox stands in for the API, so that no key is needed.
        key_file: The file that holds the key, where one is named.
        by_file: Whether the file is named even where the host could refer to a variable.
        key: The key of this environment, for a key file that is not there yet; empty for none.
        lock: The file that processes which rewrite a host's file wait for one another at.
    """

    command: tuple[str, ...]
    image_dirs: tuple[Path, ...]
    output_dir: Path | None
    sandbox: bool
    key_file: Path
    by_file: bool
    key: str = field(repr=False)
    lock: Path

    def entry(self, host: McpHost) -> ServerEntry:
        """The server as the host is to start it."""
        env: dict[str, str] = {}
        if self.image_dirs:
            env["AUTOBG_IMAGE_DIRS"] = os.pathsep.join(map(str, self.image_dirs))
        if self.output_dir:
            env["AUTOBG_OUTPUT_DIR"] = str(self.output_dir)
        if not self.sandbox:
            env |= {KEY_FILE: str(self.key_file)} if self.by_file or not host.key else {KEY: host.key}
        program, *args = self.command
        return ServerEntry(program, (*args, *(["serve", "--sandbox"] if self.sandbox else [])), env)


def additions(host: McpHost, document: dict[str, JsonValue], wish: Wish) -> list[FileChange]:
    """What to change so that the host starts the server as wished.

    Command and arguments are as wished. Of the rest, what a person has written stays: fields of the host, variables that the
    wish does not name, and a key that is told already, unless the wish wants it in a file.

    Raises:
        FileRefusedError: What bears our name there is another server, which is reached by its address.
    """
    return [*_additions(host, document, wish)]


def _additions(host: McpHost, document: dict[str, JsonValue], wish: Wish) -> Iterator[FileChange]:
    at, old = _place(host, document)
    if host.shape.read(old) is None and any(_ADDRESS.fullmatch(name) for name in old):
        raise FileRefusedError(
            f"“{NAME}” in the file of {host.title} is a server that is reached by its address. Nothing was changed.",
            next_step=f"Give it another name there, or take it out: autobg-mcp config {host.name} --remove",
        )
    entry = wish.entry(host)
    env = old.get(host.shape.env)
    names = set(env) if isinstance(env, dict) else set()
    for name, value in host.shape.write(ServerEntry(entry.command, entry.args)).items():
        if name not in old or name not in host.shape.always or name == "type":
            yield FileChange((*at, name), value)
    if wish.by_file and not wish.sandbox and KEY in names:
        yield FileChange((*at, host.shape.env, KEY), kind="remove")
    is_told = bool(names & {KEY, KEY_FILE}) and not wish.by_file
    for name, text in entry.env.items():
        if name not in (KEY, KEY_FILE) or not is_told:
            yield FileChange((*at, host.shape.env, name), text)


def removals(host: McpHost, document: dict[str, JsonValue], cwd: Path) -> list[FileChange]:
    """What to change so that the host knows nothing of the server any more, for all projects and for the one in `cwd`."""
    tables = [table for table in host.shape.tables(cwd) if NAME in servers_under(document, table)]
    return [FileChange((*table, NAME), kind="remove") for table in tables]


def _place(host: McpHost, document: dict[str, JsonValue]) -> tuple[tuple[str, ...], dict[str, JsonValue]]:
    """The names that lead to the server's entry, and what stands there; Cline's own command writes one level deeper."""
    at, old = (*host.shape.under, NAME), servers_under(document, host.shape.under).get(NAME)
    if isinstance(old, dict) and isinstance(inner := old.get("transport"), dict):
        return (*at, "transport"), inner
    return at, old if isinstance(old, dict) else {}
