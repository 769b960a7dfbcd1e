"""Commands as people type them: the one that starts this server, and a host's own that adds it."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

from pydantic import JsonValue

from autobg_mcp.hosts.merging import NAME, Wish
from autobg_mcp.hosts.places import System
from autobg_mcp.hosts.table import McpHost, Scope


def server_command() -> tuple[str, ...]:
    """What starts this very installation from anywhere: the command beside this Python, else this Python itself.

    The latter with `-P`, since a project's folder may hold modules of any name.
    """
    script = Path(sys.executable).with_name("autobg-mcp.exe" if sys.platform == "win32" else "autobg-mcp")
    return (str(script),) if script.is_file() else (sys.executable, "-P", "-m", "autobg_mcp")


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
