"""Starting a server as a host would: its command, the few variables that hosts pass on, and those of the host's file."""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import anyio

from autobg_mcp.hosts.merging import KEY
from autobg_mcp.hosts.shapes import ServerEntry
from autobg_mcp.hosts.table import McpHost
from autobg_mcp.text import cleaned, first_sentence

if TYPE_CHECKING:
    from mcp import Client

MOST_S: Final = 30.0
"""How long a server may take to start and to list its tools."""

_TOLD_CHARS: Final = 500
_BACKGROUND = {"AUTOBG_BACKGROUND": "off"}
"""A server that is only looked at carries out no job."""


@dataclass(frozen=True)
class Launch:
    """What came of starting a server.

    Attributes:
        tools: The names of its tools; empty where it did not start.
        problem: Why it did not start, or what every call of it would answer; empty where all is well.
        unset: Variables that the host's file refers to and that are not set here.
    """

    tools: tuple[str, ...]
    problem: str
    unset: tuple[str, ...]


async def launch(
    host: McpHost, entry: ServerEntry, cwd: Path, variables: Mapping[str, str], most_s: float = MOST_S
) -> Launch:
    """Start a server as a host would, list its tools, ask it for its jobs, which costs nothing, and end it.

    Args:
        host: Whose way of writing variables the entry has.
        entry: The server.
        cwd: The folder that the host starts it in.
        variables: What the host is started with.
        most_s: How long it may take, in seconds.
    """
    env, unset = expanded(host, entry.env, variables)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as told:
        try:
            with anyio.fail_after(most_s):
                tools, problem = await _looked_at(entry, env, cwd, told)
        except TimeoutError:
            return Launch((), f"It did not answer within {most_s:g} s.", unset)
        except Exception as error:  # noqa: BLE001  # whatever it was: the server did not start
            told.seek(0)
            words = cleaned(told.read()[-_TOLD_CHARS:], _TOLD_CHARS)
            return Launch((), words or _words(error), unset)
    is_unsure = KEY in unset and ("API key" in problem or KEY in problem)
    return Launch(tools, "" if is_unsure else problem, unset)


def expanded(
    host: McpHost, env: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables of an entry with the host's references replaced, and the names of those that are not set."""
    before, _, behind = (re.escape(part) for part in host.key.partition(KEY))
    reference = re.compile(rf"{before}([A-Za-z_]\w*){behind}" if host.key else r"(?!)")
    unset: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        if found[1] not in variables:
            unset.append(found[1])
        return variables.get(found[1], found[0])

    told = {name: reference.sub(value_of, value) for name, value in env.items()}
    unset += (name for name, value in env.items() if value.startswith("${input:"))  # VS Code asks a person
    return told, tuple(unset)


async def _looked_at(
    entry: ServerEntry, env: Mapping[str, str], cwd: Path, told: TextIO
) -> tuple[tuple[str, ...], str]:
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    server = StdioServerParameters(
        command=entry.command, args=[*entry.args], env={**env, **_BACKGROUND}, cwd=cwd
    )
    async with Client(stdio_client(server, errlog=told)) as client:
        tools = tuple(tool.name for tool in (await client.list_tools()).tools)
        return tools, await _problem(client) if "getJobs" in tools else ""


async def _problem(client: "Client") -> str:
    """What every call would answer where a setting is wrong; empty where none is."""
    answer = await client.call_tool("getJobs", {})
    texts = [block.text for block in answer.content if block.type == "text"]
    return cleaned(texts[0].partition("\n")[0], _TOLD_CHARS) if answer.is_error and texts else ""


def _words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return first_sentence(cleaned(str(error) or type(error).__name__, _TOLD_CHARS))
