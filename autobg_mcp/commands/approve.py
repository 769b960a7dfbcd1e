"""Lets a person at a terminal answer what their host could not ask them."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from autobg_mcp.errors import ArgumentsRefusedError, SpendingRefusedError

if TYPE_CHECKING:
    from autobg_mcp.settings import Settings

SUMMARY = "answer a question that the host could not ask, at a terminal"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("code", metavar="CODE", help="the code that the refused call named")
    parser.add_argument(
        "--state-dir", metavar="FOLDER", help="where the server keeps its state (default: AUTOBG_STATE_DIR)"
    )


def run(options: argparse.Namespace) -> int:
    """Show the question and take the answer of the person at the terminal; it needs no API key.

    Raises:
        SpendingRefusedError: Nobody is at a terminal.
        ArgumentsRefusedError: No question waits under the code.
    """
    import anyio

    from autobg_mcp.commands.terminal import is_attended
    from autobg_mcp.settings import Settings

    if not is_attended():
        raise SpendingRefusedError(
            "This is answered by a person at a terminal, and nobody is at one. Nothing was approved.",
            next_step="Ask the user to run it in a terminal.",
        )
    folder = {"state_dir": options.state_dir} if options.state_dir else {}
    print(anyio.run(_answered, Settings.load(**folder), _plain(options.code)), file=sys.stderr)
    return 0


def _plain(code: str) -> str:
    """The code however it was typed."""
    return "".join(one for one in code if one.isalnum()).upper()


async def _answered(settings: "Settings", code: str) -> str:
    """Ask, and write the answer down; answers in a sentence what came of it.

    Raises:
        ArgumentsRefusedError: No question waits under the code, or no more.
    """
    from autobg_mcp.commands.session import open_client
    from autobg_mcp.commands.terminal import Terminal

    terminal = Terminal(settings.secrets())
    async with open_client(settings, sandbox=False) as client:
        asked = await client.permits.find(code)
        if asked is None:
            raise _nothing(settings)
        print(terminal.line(asked.introduction()), file=sys.stderr)
        approved = await terminal.says_yes(asked.question)
        until = await client.permits.answer(code, approved=approved)
        event = {
            "tool": "approve",
            "host": "command line",
            "account": asked.account,
            "message": asked.question,
        }
        client.audit.write(event | {"outcome": "approved" if approved and until else "not approved"})
    if until is None:
        raise _nothing(settings)
    if not approved:
        return "Not approved. Nothing is sent."
    return f"Approved: the same call, made again before {time.strftime('%H:%M', time.localtime(until))}, goes through once."


def _nothing(settings: "Settings") -> ArgumentsRefusedError:
    return ArgumentsRefusedError(
        f"No question waits under this code in {settings.state_dir}: it was answered, or its time is over. "
        "Nothing was approved.",
        next_step="Copy the whole command that the refused call named, with its --state-dir, or have the call made again.",
    )
