"""A host's own command that adds this server, as a person types it."""

import json
import shlex
import subprocess

from pydantic import JsonValue

from autobg_mcp.hosts.merging import NAME, Wish
from autobg_mcp.hosts.places import System
from autobg_mcp.hosts.table import McpHost, Scope


def own_command(host: McpHost, scope: Scope, wish: Wish, system: System) -> str:
    """The host's own command that adds the server, as this system's shell takes it; empty where it has none for that scope."""
    if scope == "project" and "{scope}" not in host.own:
        return ""
    entry = wish.entry(host)
    env = [word for name, value in entry.env.items() for word in ("--env", f"{name}={value}")]
    plain: dict[str, JsonValue] = {"name": NAME, **host.shape.write(entry)}
    words: dict[str, list[str]] = {
        "{scope}": [scope],
        "{env}": env,
        "{server}": [entry.command, *entry.args],
        "{json}": [json.dumps(plain)],
    }
    typed = [one for word in host.own.split() for one in words.get(word, [word])]
    return subprocess.list2cmdline(typed) if system == "windows" else shlex.join(typed)
