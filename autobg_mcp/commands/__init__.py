"""The command line, one file a command: the only rooms that print or exit.

A command's file declares its arguments and loads what it needs when it runs: `--help` waits for nothing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from autobg_mcp.commands import approve, call, completion, config, demo, doctor, sandbox, serve, tools, work
from autobg_mcp.commands.codes import FAILED, INTERRUPTED, UNHEARD, WRONG_USAGE
from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, ConfigurationError

COMMANDS = (serve, config, doctor, work, demo, sandbox, call, approve, tools, completion)


class _Version(argparse.Action):
    """Prints the version; it is read from the installed package only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"autobg-mcp {version('autobg-mcp')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 a tool or a step failed, 2 wrong usage, and the other codes."""
    import logging

    _open_what_is_closed()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except OSError as error:  # of standard output: whatever else fails is an error of ours by here
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is flushed at the end
        code = _unwritten(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Let standard streams that are closed (`>&-`) lead nowhere: a file of ours would be opened in their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # as long as the process lives


def _run(arguments: Sequence[str] | None) -> int | str | None:
    """Run a command; answers the code to exit with."""
    try:
        options = _parsed(arguments)
        code: int = options.run(options)
    except SystemExit as ended:  # argparse has said all; what it printed may be unwritten yet
        return ended.code
    except (ArgumentsRefusedError, ConfigurationError) as error:
        _explain(error)
        return WRONG_USAGE
    except AutobgError as error:
        _explain(error)
        return FAILED
    return code


def _unwritten(error: OSError) -> int:
    """What to exit with where the output was lost; nobody is left to hear of a closed pipe."""
    if isinstance(error, BrokenPipeError):
        return UNHEARD
    print(
        f"autobg-mcp: standard output cannot be written: {error.strerror}. The command itself was carried out: "
        "autobg-mcp call listBatches shows what was submitted.",
        file=sys.stderr,
    )
    return FAILED


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    whole = parser()
    options, late = whole.parse_known_args(arguments)
    # argparse takes no positionals after a flag: `call TOOL --sandbox name=value`
    if late and (not hasattr(options, "pairs") or any(part.startswith("-") for part in late)):
        whole.error(f"unrecognized arguments: {' '.join(late)}")
    if late:
        options.pairs += late
    return options


def parser() -> argparse.ArgumentParser:
    """Everything that can be written behind `autobg-mcp`."""
    whole = argparse.ArgumentParser(
        prog="autobg-mcp",
        description="MCP server for the Autobg API. Without a command it serves over stdio.",
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    whole.set_defaults(run=serve.run, sandbox=False, whole=whole)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        name, text = command.__name__.rpartition(".")[2], command.SUMMARY
        described = text[:1].upper() + text[1:] + "."
        added = commands.add_parser(
            name, help=text, description=described, conflict_handler="resolve"
        )  # a command may have help of its own
        added.set_defaults(run=command.run)
        command.declare(added)
    return whole


def _explain(error: AutobgError) -> None:
    from autobg_mcp.commands.terminal import Terminal

    print(f"autobg-mcp: {Terminal(_secrets()).text(error.explanation())}", file=sys.stderr)


def _secrets() -> list[str]:
    """The key in use; none where the settings cannot be read."""
    from autobg_mcp.settings import Settings

    try:
        return Settings.load().secrets()
    except ConfigurationError:
        return []
