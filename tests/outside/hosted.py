"""Real hosts, each in a home of its own, to which `autobg-mcp config` adds the server: whether they then reach it."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LONGEST_S = 80
MOST_TRIES = 3
LISTS = {
    "gemini-cli": ("gemini", "mcp", "list"),
    "opencode": ("opencode", "mcp", "list"),
    "qwen-code": ("qwen", "mcp", "list"),
}
"""The commands that start each server of the host, and say of it how that went."""

CONNECTED = re.compile("✓.*autobg.*connected", re.IGNORECASE)

ASKED = [
    {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "outside", "version": "1"}}},
    {"method": "initialized"},
    {"id": 2, "method": "mcpServerStatus/list", "params": {}},
]
"""For Codex, whose `mcp list` starts nothing; its app server does, and needs no account for it."""


HOSTS = ("codex", *LISTS)


def faults_of_the_host(host: str, command: str, photos: str) -> Iterator[str]:
    """Let `config` write the host's file, and ask the host; says where that goes wrong.

    Args:
        host: Its name on our command line. Its own command is found on PATH.
        command: The server's command.
        photos: The folder that the server may read.
    """
    home = Path("home").absolute()
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR")}  # a variable may move a host's files
    environment = kept | {"HOME": str(home), "GEMINI_CLI_TRUST_WORKSPACE": "true"}
    wish = ("--write", "--sandbox", "--scope", "user", "--image-dirs", photos)
    told = said(environment, command, "config", host, *wish)
    if not told.startswith("Written: "):
        yield f"config: {told}"
    elif host == "codex":
        yield from faults_of_codex(environment)
    else:
        yield from faults_of_the_list(environment, LISTS[host])


def faults_of_the_list(environment: Mapping[str, str], command: Sequence[str]) -> Iterator[str]:
    """Ask a host for its servers; again where it says no, since it waits for few seconds, and a machine may be busy."""
    told = ""
    for _ in range(MOST_TRIES):
        told = said(environment, *command)
        if CONNECTED.search(told):
            return
    yield f"{' '.join(command)}: {told}"


def said(environment: Mapping[str, str], *command: str) -> str:
    """All that a program prints."""
    run = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONGEST_S,
        check=False,
    )
    return run.stdout.decode(errors="replace")


def faults_of_codex(environment: Mapping[str, str]) -> Iterator[str]:
    """Ask Codex for the tools of its servers; it ends when its input does."""
    with subprocess.Popen(
        ["codex", "app-server"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as codex:
        assert codex.stdin is not None
        assert codex.stdout is not None
        codex.stdin.write("".join(json.dumps(message) + "\n" for message in ASKED).encode())
        codex.stdin.flush()
        answer = next(answer for answer in map(json.loads, codex.stdout) if answer.get("id") == 2)
        codex.stdin.close()
    tools = {server["name"]: server["tools"] for server in answer["result"]["data"]}
    if "getJobs" not in tools.get("autobg", {}):
        yield f"codex app-server: {answer}"
