"""Serves the fake API over HTTP."""

import argparse
import os
from threading import Thread

from autobg_mcp.commands.session import SANDBOX_KEY, leave, sandbox_app
from autobg_mcp.errors import ConfigurationError

SUMMARY = "serve the fake API over HTTP on 127.0.0.1"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--port", type=_port, default=8321, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--turnaround", type=_seconds, default=2.0, metavar="S", help="seconds a picture takes (default: 2)"
    )
    parser.add_argument(
        "--window", type=_window, default=60.0, metavar="S", help="seconds of a limit's window (default: 60)"
    )
    parser.add_argument(
        "--credits", type=_credits, default=100, metavar="N", help="credits of every key (default: 100)"
    )
    parser.add_argument(
        "--until-input-ends",
        action="store_true",
        help="end with standard input, as when the program that started it is gone",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until the process is told to end."""
    import secrets

    import anyio

    from autobg_mcp.sandbox.listening import listen, serve_http

    try:
        listening = listen("127.0.0.1", options.port)
    except OSError as error:
        raise ConfigurationError(f"Port {options.port} cannot be used: {error.strerror}.") from None
    if options.until_input_ends:
        Thread(target=_leave_with_input, daemon=True).start()
    port = listening.getsockname()[1]
    print(
        f"AUTOBG_BASE_URL=http://127.0.0.1:{port}/public/api/v1 AUTOBG_API_KEY={SANDBOX_KEY}-{secrets.token_hex(4)}",
        flush=True,
    )
    anyio.run(serve_http, sandbox_app(options.turnaround, options.window, options.credits), listening)
    return 0


def _leave_with_input() -> None:
    while os.read(0, 4096):
        pass
    leave()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004  # the largest port there is
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not 0 <= float(text) <= 86_400:  # noqa: PLR2004  # a day
        raise argparse.ArgumentTypeError("seconds from 0 to 86400")
    return float(text)


def _credits(text: str) -> int:
    if not text.isdecimal() or int(text) > 1_000_000:  # noqa: PLR2004  # more than anybody tries out
        raise argparse.ArgumentTypeError("a number from 0 to 1000000")
    return int(text)


def _window(text: str) -> float:
    if not _seconds(text):
        raise argparse.ArgumentTypeError("seconds above 0")
    return float(text)
