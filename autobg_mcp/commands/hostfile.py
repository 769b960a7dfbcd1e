"""What `autobg-mcp config` does with the file of one host: shows what goes into it, writes, takes out, starts what it says."""

import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio

from autobg_mcp.commands.codes import FAILED
from autobg_mcp.commands.terminal import is_attended
from autobg_mcp.errors import ConfigurationError, FileRefusedError
from autobg_mcp.hosts.formats import changed, load
from autobg_mcp.hosts.key_file import is_filled, make_key_file
from autobg_mcp.hosts.launching import Launch, launch
from autobg_mcp.hosts.mentioning import Mention, mentions_in
from autobg_mcp.hosts.merging import KEY, Wish, additions, removals
from autobg_mcp.hosts.own_commands import own_command
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.rewriting import rewrite
from autobg_mcp.hosts.shapes import ServerEntry
from autobg_mcp.hosts.table import McpHost, Scope
from autobg_mcp.serving.door import Door
from autobg_mcp.setting_values import api_key
from autobg_mcp.text import local_path


def show(host: McpHost, scope: Scope, file: Path, wish: Wish, machine: Machine) -> None:
    """Print the host's own command, where it has one, and the block for its file."""
    if own := own_command(host, scope, wish, machine.system):
        print(f"{host.title} adds it by its own command:\n\n{own}\n")
    try:
        block = changed("", host.format, additions(host, {}, wish), file)
    except ConfigurationError as error:
        if not own:
            raise
        print(f"{error} {error.next_step}", file=sys.stderr)
        return
    print(
        f"{'Or this' if own else 'This'} goes into {local_path(file)}, and --write puts it there:\n\n{block}",
        end="",
    )
    _note(host, wish.entry(host), wish)


def write(host: McpHost, file: Path, wish: Wish, machine: Machine) -> None:
    """Put the server into the host's file, and make the key file where that is named."""

    def change(text: str) -> str:
        return changed(text, host.format, additions(host, load(text, host.format, file), wish), file)

    done = rewrite(file, change, wish.lock)
    print(f"{'Written' if done.is_changed else 'Already so'}: {local_path(done.file)}")
    if done.backup:
        print(f"As it was before: {local_path(done.backup)}")
    mention, *others = _mentions(host, done.file, machine)
    if others:
        print(
            f"There it is started as “{others[0].server}” too: its tools are offered twice.", file=sys.stderr
        )
    if mention.entry:
        _fill(mention.entry, wish)
        _note(host, mention.entry, wish)


def remove(host: McpHost, file: Path, wish: Wish, machine: Machine) -> None:
    """Take the server out of the host's file; the key file stays."""

    def change(text: str) -> str:
        return changed(text, host.format, removals(host, load(text, host.format, file), machine.cwd), file)

    done = rewrite(file, change, wish.lock)
    print(f"{'Taken out of' if done.is_changed else 'Not in'}: {local_path(done.file)}")
    if done.backup:
        print(f"As it was before: {local_path(done.backup)}")


def check(host: McpHost, scope: Scope, file: Path, machine: Machine) -> int:
    """Start the server as the host's file says, and print what it offers; 1 where it does not start, or no call would work."""
    mention = next(iter(_mentions(host, file, machine)), None)
    if mention is None or mention.entry is None:
        why = mention.problem if mention else f"{local_path(file)} names no server of ours."
        raise FileRefusedError(why, next_step=f"Run: autobg-mcp config {host.name} --write")
    cwd = machine.cwd if scope == "project" else machine.home
    done = anyio.run(launch, host, mention.entry, cwd, machine.variables)
    secrets = [mention.entry.env.get(KEY, ""), machine.variables.get(KEY, "")]
    print(Door(secrets).text(_told(host, mention, done)))
    return FAILED if done.problem else 0


def _mentions(host: McpHost, file: Path, machine: Machine) -> list[Mention]:
    """The file's entries that start this server, the one of the usual name first."""
    return sorted(mentions_in(host, file, machine.cwd), key=lambda mention: mention.server != "autobg")


def _told(host: McpHost, mention: Mention, done: Launch) -> str:
    lines = [f"{host.title} starts {mention.command} as “{mention.server}”."]
    if done.tools:
        lines.append(f"It lists {len(done.tools)} tools: {', '.join(done.tools)}.")
    if done.problem:
        lines.append(f"{'But every call answers' if done.tools else 'It does not start'}: {done.problem}")
    if done.unset:
        lines.append(
            f"Not tried: {', '.join(done.unset)}, which is not set here; {host.title} has to bring it."
        )
    return "\n".join(lines)


def _fill(entry: ServerEntry, wish: Wish) -> None:
    """Make the key file, where the host's file names it and it is not there."""
    if str(wish.key_file) not in entry.env.values() or os.path.lexists(wish.key_file):
        return
    if make_key_file(wish.key_file, _asked(wish)):
        print(f"Made for you alone: {local_path(wish.key_file)}")


def _asked(wish: Wish) -> str:
    """The key of this environment, else what a person types who is at a terminal; empty where nobody is.

    Raises:
        ConfigurationError: What was typed can be no key.
    """
    if wish.key or not is_attended():
        return wish.key
    try:
        typed = getpass.getpass("API key (it is not shown; Return leaves it for later): ", sys.stderr)
        return api_key(typed) if typed.strip() else ""
    except EOFError:  # Ctrl-D
        return ""
    except ValueError as error:
        why = "it is not in UTF-8" if isinstance(error, UnicodeError) else str(error)
    raise ConfigurationError(
        f"What was typed is no usable key: {why}. The host's file is written, and no key file is made.",
        next_step="Run the command again.",
    )


def _note(host: McpHost, entry: ServerEntry, wish: Wish) -> None:
    """Say on standard error what a person has still to know."""
    for note in _notes(host, entry, wish):
        print(note, file=sys.stderr)


def _notes(host: McpHost, entry: ServerEntry, wish: Wish) -> Iterator[str]:
    if "archive-v0" in Path(entry.command).parts:
        yield "This installation lies in uv's cache, where it may vanish: install it with `uv tool install` first."
    if "AUTOBG_IMAGE_DIRS" not in entry.env:
        yield "No folder of photos is named, so no local photo can be sent: --image-dirs DIR."
    if wish.sandbox:
        return
    if str(wish.key_file) in entry.env.values() and not is_filled(wish.key_file):
        yield f"Your API key belongs into {local_path(wish.key_file)}, alone, with mode 0600."
    elif host.key in entry.env.values():
        yield (
            f"{host.title} takes the key from the variable AUTOBG_API_KEY of its own environment. A program that no shell "
            "has started often has none: --key-file FILE names a file instead."
        )
