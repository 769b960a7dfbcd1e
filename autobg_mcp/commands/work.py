"""Carries out jobs without a host and without an agent."""

import argparse
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from autobg_mcp.commands.codes import FAILED, INTERRUPTED
from autobg_mcp.commands.joblog import JobLog
from autobg_mcp.commands.session import leave, load_settings, open_client

if TYPE_CHECKING:
    from anyio import CancelScope

    from autobg_mcp.settings import Settings

SUMMARY = "carry out the account's jobs, without a host"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "--once", action="store_true", help="end when no job is open or another process carries them out"
    )


def run(options: argparse.Namespace) -> int:
    """Work until the process is told to end, or with `--once` until nothing is left for it; then 1 where a job lacks photos.

    Raises:
        ConfigurationError: A setting is wrong or missing, or forbids to send anything in the background.
    """
    import anyio

    from autobg_mcp.toolkit.groups import telling

    settings = load_settings(options)
    settings.key()
    settings.check_background()
    try:
        return anyio.run(_Shift(settings, once=options.once).work)
    except BaseExceptionGroup as group:
        raise telling(group) from group


class _Shift:
    """One run of the command.

    Args:
        settings: What the operator set.
        once: End when no job is open.
    """

    def __init__(self, settings: "Settings", *, once: bool) -> None:
        from autobg_mcp.commands.terminal import Terminal

        self._settings, self._once = settings, once
        self._terminal = Terminal(settings.secrets())
        self._code: int | None = None

    async def work(self) -> int:
        """Work; answers the code to exit with."""
        import anyio

        working = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            if sys.platform != "win32":  # which interrupts the process instead
                group.start_soon(self._end_when_told, working)
            try:
                failed = await self._until_told(working)
            finally:
                if self._code is not None:
                    leave(self._code)
            group.cancel_scope.cancel()
        return FAILED if failed else 0

    async def _until_told(self, working: "CancelScope") -> int:
        """Work; what is on the wire is waited for when the client closes. Answers how many photos of jobs failed."""
        import anyio

        async with open_client(self._settings, sandbox=False) as client:
            log = JobLog(client, self._say)
            with working:
                async with anyio.create_task_group() as group:
                    group.start_soon(partial(log.watch, for_ever=not self._once))
                    await client.work(once=self._once)
                    group.cancel_scope.cancel()
                await log.look()
                self._say("Another process carries the jobs out." if log.is_open else "No job is open.")
        return log.failed

    async def _end_when_told(self, working: "CancelScope") -> None:
        import signal

        from autobg_mcp.serving.ending import end_when_told

        def begin_nothing_new(which: signal.Signals) -> None:
            self._code = INTERRUPTED if which is signal.SIGINT else 0
            self._say("Told to end: nothing new is begun.")
            working.cancel()

        await end_when_told(
            begin_nothing_new, lambda: leave(self._code or 0), signals=(signal.SIGTERM, signal.SIGINT)
        )

    def _say(self, line: str) -> None:
        with suppress(OSError):  # that nobody reads it stops no job
            print(self._terminal.line(line), file=sys.stderr, flush=True)
