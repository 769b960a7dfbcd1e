"""Carries out jobs without a host and without an agent."""

import argparse
from typing import TYPE_CHECKING

from autobg_mcp.commands.session import declare_sandbox, load_settings, open_client

if TYPE_CHECKING:
    from anyio import CancelScope

SUMMARY = "carry out the account's jobs, without a host"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "--once", action="store_true", help="end when no job is open, instead of waiting for the next one"
    )
    declare_sandbox(parser)


def run(options: argparse.Namespace) -> int:
    """Work until the process is told to end, or with `--once` until no job is open."""
    import anyio

    anyio.run(_work, options)
    return 0


async def _work(options: argparse.Namespace) -> None:
    """Work until told to end."""
    import sys

    import anyio

    settings = load_settings(options)
    async with open_client(settings, sandbox=options.sandbox) as client, anyio.create_task_group() as group:
        if sys.platform != "win32":
            group.start_soon(_end_when_told, group.cancel_scope)
        await client.work(once=options.once)
        group.cancel_scope.cancel()


async def _end_when_told(scope: "CancelScope") -> None:
    """At the first SIGTERM begin nothing new; what is on the wire is finished before the client closes."""
    import signal

    import anyio

    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        await anext(aiter(signals))
        scope.cancel()
