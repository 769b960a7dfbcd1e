"""Shows what an agent sees: photos in, pictures out, against the sandbox."""

import argparse
import sys
from pathlib import Path

from autobg_mcp.commands.codes import FAILED

SUMMARY = "show what an agent sees: photos in, pictures out, against the sandbox"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--output", type=Path, default=Path("autobg-output"), help="folder for the pictures")


def run(options: argparse.Namespace) -> int:
    """Play the story; 1 where a step failed.

    Raises:
        BrokenPipeError: Nobody read it to the end. No step of the story fails for that.
    """
    import anyio

    from autobg_mcp.demo import DemoFailedError, play

    unread: list[BrokenPipeError] = []

    def tell(line: str) -> None:
        try:
            print(line, flush=True)
        except BrokenPipeError as error:
            unread.append(error)

    try:
        anyio.run(play, options.output.absolute(), tell)
    except DemoFailedError as error:
        print(f"autobg-mcp demo failed: {error}", file=sys.stderr)
        return FAILED
    if unread:
        raise unread[0]
    return 0
