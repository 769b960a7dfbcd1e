"""Serves MCP over stdio."""

import argparse

from autobg_mcp.commands.session import declare_sandbox, load_settings, open_client

SUMMARY = "serve MCP over stdio (the default)"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    declare_sandbox(parser)


def run(options: argparse.Namespace) -> int:
    """Serve until the host closes standard input."""
    import signal

    import anyio

    from autobg_mcp.serving.server import build_server
    from autobg_mcp.serving.stdio import serve_stdio

    settings = load_settings(options)
    server = build_server(settings, lambda: open_client(settings, sandbox=options.sandbox))
    # Nothing else ends a process that waits for a line from its host.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve_stdio, server)
    return 0
