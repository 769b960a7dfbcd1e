"""The hosts on this machine whose files name the server, and whether what they start can be started and used."""

import shutil
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Final

from autobg_mcp.doctor.finding import Finding
from autobg_mcp.doctor.looking import CONNECT_IT, NO_ANSWER, look
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.hosts.launching import launch
from autobg_mcp.hosts.mentioning import Mention, mentions
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.shapes import ServerEntry
from autobg_mcp.settings import Settings
from autobg_mcp.text import cleaned, counted, local_path, quoted, redacted, some

_FETCHERS: Final = frozenset({"bunx", "docker", "npx", "pipx", "podman", "uv", "uvx"})
"""Programs that fetch what they run, whoever has published it by then: they are looked for and not started."""


async def hosts(machine: Machine) -> AsyncGenerator[Finding]:
    """Each place where a host's file names the server; one finding where none does."""
    try:
        found = await look(partial(mentions, machine))
    except TimeoutError:
        yield Finding("hosts", "fail", f"{local_path(machine.home)}: {NO_ANSWER}", CONNECT_IT)
        return
    if not found:
        remedy = "autobg-mcp config lists the hosts, and puts the server into one."
        yield Finding("hosts", "ok", "no host's file on this machine names the server", remedy)
    for mention in found:
        entry, check = mention.entry, f"host {mention.host.title}"
        if entry is None:
            yield Finding(check, "warn", mention.problem, "Mend that file: the host may not read it either.")
        elif fault := await _fault(mention, entry, machine):
            remedy = (
                f"Correct that in the file, or write it anew: autobg-mcp config {mention.host.name} --write"
            )
            yield Finding(check, "fail", f"{_named(mention)}: {fault}", remedy)
        else:
            does = "is not started here, since its program fetches it" if _fetches(entry) else "starts"
            yield Finding(check, "ok", f"{_named(mention)} {does}")


def _named(mention: Mention) -> str:
    called = cleaned(" ".join((mention.command, *map(_without_value, mention.args))), 120)
    return f"{local_path(mention.file)}: {cleaned(mention.server, 40)} ({called})"


def _without_value(argument: str) -> str:
    """An argument without what it sets, which may be a key."""
    name, is_set, _ = argument.partition("=")
    return f"{name}=…" if is_set else name


def _fetches(entry: ServerEntry) -> bool:
    return Path(entry.command).stem.lower() in _FETCHERS


async def _fault(mention: Mention, entry: ServerEntry, machine: Machine) -> str:
    """What is wrong with an entry, in words; empty where its server starts and can be used."""
    try:
        if fault := await look(partial(_missing, entry)):
            return fault
    except TimeoutError:
        return f"of its program or its folders, {NO_ANSWER}"
    if _fetches(entry):
        return ""
    started = await launch(mention.host, entry, machine.cwd, machine.variables)
    problem = quoted(redacted(started.problem, entry.env.values()), 300)
    if not started.tools:
        return f"it does not start, and says {problem}"
    return (
        f"it lists {counted(len(started.tools), 'tool')}, and each call answers {problem}"
        if started.problem
        else ""
    )


def _missing(entry: ServerEntry) -> str:
    """What an entry names that is not there, in words; empty where all is."""
    if shutil.which(entry.command) is None:
        return f"there is no program {quoted(entry.command)}"
    gone = _gone(entry)
    return f"AUTOBG_IMAGE_DIRS names what is no folder: {some(gone)}" if gone else ""


def _gone(entry: ServerEntry) -> list[str]:
    """The folders of photos that a host's file names and that are not there; empty where the host fills in their names."""
    named = entry.env.get("AUTOBG_IMAGE_DIRS", "")
    try:
        folders = Settings.load(image_dirs=named).image_dirs if named else ()
    except ConfigurationError:  # which the server itself tells
        return []
    return [local_path(folder) for folder in folders if not folder.is_dir()]
