"""Serves MCP over stdio."""

import argparse
import sys
from typing import TYPE_CHECKING, NoReturn

from autobg_mcp.commands.session import declare_sandbox, leave, load_settings, open_client
from autobg_mcp.errors import ConfigurationError

if TYPE_CHECKING:
    from autobg_mcp.serving.on_demand import OpenClient
    from autobg_mcp.settings import Settings

_MEND = "Ask the person who runs this server to correct it in the host's configuration, and to start the server again."

_WAITS = """\
autobg-mcp waits for an MCP host, such as Claude or Cursor, on standard input. Hosts start it by themselves; Ctrl-C ends it.
At a terminal: autobg-mcp demo         shows it at work, without a key
               autobg-mcp config       puts it into a host
               autobg-mcp doctor       checks key, network, folders and hosts
               autobg-mcp call --help  calls one tool
               autobg-mcp --help       tells the rest"""

SUMMARY = "serve MCP over stdio (the default)"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    declare_sandbox(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until the host closes standard input or the process is told to end."""
    import signal

    import anyio

    from autobg_mcp.serving.server import build_server
    from autobg_mcp.serving.stdio import serve_stdio

    if sys.stdin is not None and sys.stdin.isatty():
        print(_WAITS, file=sys.stderr)
    server = build_server(*_what_is_set(options))
    # Nothing else ends a process that waits for a line from its host.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve_stdio, server, leave)
    return 0


def _what_is_set(options: argparse.Namespace) -> "tuple[Settings, OpenClient]":
    """The settings and the way to a client.

    Where a setting is wrong they are the defaults, and whoever calls hears what to set: hosts list the tools of such a
    server, and show nobody why one has ended.
    """
    import logging
    from pathlib import Path

    from autobg_mcp.settings import Settings

    try:
        settings = load_settings(options)
    except ConfigurationError as error:
        logging.getLogger(__name__).warning("%s", error)
        words = str(error)

        def refuse() -> NoReturn:
            raise ConfigurationError(words, next_step=_MEND)

        return Settings.model_construct(state_dir=Path()), refuse
    return settings, lambda: open_client(settings, sandbox=options.sandbox)
