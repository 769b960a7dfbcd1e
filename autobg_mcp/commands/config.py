"""Puts the server into a host: prints the host's own command and the block for its file, writes, checks or removes it."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from autobg_mcp.commands.session import declare_sandbox
from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.text import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autobg_mcp.hosts.merging import Wish
    from autobg_mcp.hosts.places import Machine
    from autobg_mcp.hosts.table import McpHost, Scope

SUMMARY = "put the server into a host such as Claude Code, Cursor or Codex"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("host", metavar="HOST", nargs="?", help="a host; without one they are listed")
    does = parser.add_mutually_exclusive_group()
    does.add_argument(
        "--write", action="store_true", help="write it into the host's file, of which a copy is kept"
    )
    does.add_argument("--remove", action="store_true", help="take it out of the host's file")
    parser.add_argument(
        "--check", action="store_true", help="start the server as the host's file says, and list its tools"
    )
    declare_sandbox(parser)
    parser.add_argument(
        "--image-dirs",
        metavar="DIR",
        type=Path,
        action="append",
        help="a folder whose photos may be read; repeat it for more",
    )
    parser.add_argument("--output-dir", metavar="DIR", type=Path, help="the folder for results")
    parser.add_argument(
        "--key-file", metavar="FILE", type=Path, help="let the key be read from this file, whatever the host"
    )
    parser.add_argument(
        "--scope", choices=("user", "project"), help="for all your work, or for this folder (default: user)"
    )
    parser.add_argument("--file", metavar="FILE", type=Path, help="the host's file, where it lies elsewhere")


def run(options: argparse.Namespace) -> int:
    """List the hosts, or print, write, check or remove what one of them needs; 1 where a check fails."""
    from autobg_mcp.commands import hostfile
    from autobg_mcp.hosts.places import Machine

    machine = Machine.here()
    if options.host is None:
        _list(machine)
        return 0
    host = _host(options.host)
    scope = _scope(host, options.scope)
    file = options.file.absolute() if options.file else _file(host, scope, machine)
    wish = _wish(options)
    if options.write:
        hostfile.write(host, file, wish, machine)
    elif options.remove:
        hostfile.remove(host, file, wish, machine)
    elif not options.check:
        hostfile.show(host, scope, file, wish, machine)
    return hostfile.check(host, scope, file, machine) if options.check else 0


def _host(name: str) -> "McpHost":
    import difflib

    from autobg_mcp.hosts.table import HOSTS

    if name in HOSTS:
        return HOSTS[name]
    meant = difflib.get_close_matches(name.lower(), HOSTS, n=1, cutoff=0.5)
    raise ArgumentsRefusedError(
        f"{name!r} is no host that is known here{f'; {meant[0]} is' if meant else ''}.",
        next_step=f"Name one of: {', '.join(HOSTS)}. Many others take the block that config claude-desktop prints.",
    )


def _scope(host: "McpHost", wanted: "Scope | None") -> "Scope":
    usual, *_ = scopes = host.scopes()
    if wanted and wanted not in scopes:
        raise ArgumentsRefusedError(
            f"{host.title} has no file for scope {wanted}.", next_step=f"Leave it out; its scope is {usual}."
        )
    return wanted or usual


def _file(host: "McpHost", scope: "Scope", machine: "Machine") -> Path:
    """The host's file: of several the first that is there, else the first."""
    from autobg_mcp.hosts.table import files

    choices = files(host, scope, machine)
    return next((file for file in choices if file.exists()), choices[0])


def _wish(options: argparse.Namespace) -> "Wish":
    """What a person wants, from the options, and where they do not say, from the settings of this environment."""
    from autobg_mcp.hosts.merging import Wish
    from autobg_mcp.installation import start_command
    from autobg_mcp.settings import Settings

    given = {"image_dirs": tuple(options.image_dirs or ()), "output_dir": options.output_dir}
    settings = Settings.load(**{name: value for name, value in given.items() if value})
    _check_folders(settings.image_dirs)
    key_file = _whole(
        (options.key_file or settings.api_key_file or settings.state_dir / "api-key").expanduser()
    )
    if key_file.exists() and not key_file.is_file():
        raise ArgumentsRefusedError(
            f"{str(key_file)!r} is no plain file.",
            next_step="Name a file with --key-file; it is made if it is missing.",
        )
    return Wish(
        command=start_command(),
        image_dirs=tuple(map(_whole, settings.image_dirs)),
        output_dir=settings.output_dir and _whole(settings.output_dir),
        sandbox=options.sandbox,
        key_file=key_file,
        by_file=options.key_file is not None,
        key=settings.key().get_secret_value() if settings.api_key and not options.sandbox else "",
        lock=settings.state_dir.absolute() / "config.lock",
    )


def _check_folders(folders: "Sequence[Path]") -> None:
    for folder in folders:
        if not folder.is_dir():
            raise ArgumentsRefusedError(f"{str(folder)!r} is no folder.", next_step="Name one that is there.")
        if os.pathsep in str(folder):
            raise ArgumentsRefusedError(
                f"{str(folder)!r} holds {os.pathsep!r}, at which lists of folders are taken apart.",
                next_step="Name a folder above it, or a link to it.",
            )


def _whole(path: Path) -> Path:
    """The path from the root, as a host's file can hold it."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        raise ArgumentsRefusedError(
            f"{str(path)!r} is not in UTF-8, and no host's file can hold it.", next_step="Name a link to it."
        ) from None
    return path.absolute()


def _list(machine: "Machine") -> None:
    from autobg_mcp.hosts.mentioning import mentions_of
    from autobg_mcp.hosts.table import HOSTS

    width, title_width = max(map(len, HOSTS)), max(len(host.title) for host in HOSTS.values())
    for host in HOSTS.values():
        naming = next(mentions_of(host, machine), None)
        file = naming.file if naming else _file(host, host.scopes()[0], machine)
        named = "names autobg" if naming else "is there" if file.exists() else ""
        print(f"{host.name:<{width}}  {host.title:<{title_width}}  {named:<12}  {local_path(file)}")
