"""Serves an MCP server over stdio."""

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable
from io import TextIOWrapper
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

LifespanT = TypeVar("LifespanT")

ANSWER_WITHIN_S: Final = 1.5
"""How long the photo on the wire may go on once this process is told to end.

Hosts' SDKs close standard input, send SIGTERM 2 s later and SIGKILL 2 s after that; what is known must be written by then.
"""

_GONE_WITHIN_S: Final = 1.9
"""After that the process ends whatever still runs; an entry that is under way then counts as unknown at the next look."""

_log = logging.getLogger(__name__)


async def serve_stdio(server: Server[LifespanT], leave: Callable[[], None]) -> None:
    """Serve one host over standard input and output until it closes them or this process is told to end (SIGTERM).

    A host that goes away in the middle of an answer loses only the words: no new photo is begun, and a call that is under
    way writes down what came of it before it ends.

    Args:
        server: What is served.
        leave: Ends the process at once, with a thread that may still wait for the host's next line.
    """
    incoming = _Incoming(TextIOWrapper(sys.stdin.buffer, "utf-8", errors="replace"))
    async with anyio.create_task_group() as group:
        if sys.platform != "win32":  # which knows no such signal
            group.start_soon(_end_when_told, incoming, leave)
        try:
            async with stdio_server(incoming) as (messages, answers):
                await server.run(messages, answers, server.create_initialization_options())
        except* BrokenPipeError:
            _log.warning("The host was gone before it was answered; listBatches tells what was submitted.")
        finally:
            if incoming.ended:
                leave()
        group.cancel_scope.cancel()


class _Incoming(anyio.AsyncFile[str]):
    """What the host says, line by line; nothing more once it is ended."""

    ended = False
    _waiting: anyio.CancelScope | None = None

    def end(self) -> None:
        """Hear nothing more, as if the host had closed its end: both ends of a session go one way."""
        self.ended = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def readline(self) -> str:
        line = ""
        if not self.ended:
            with anyio.CancelScope() as self._waiting:
                line = await anyio.to_thread.run_sync(self.wrapped.readline, abandon_on_cancel=True)
        return line


async def _end_when_told(incoming: _Incoming, leave: Callable[[], None]) -> None:
    """At the first SIGTERM hear nothing more and, when the time is over, break off what is on the wire; others change nothing."""
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        await anext(aiter(signals))
        last = threading.Timer(_GONE_WITHIN_S, leave)  # whatever this loop waits for then
        last.daemon = True
        last.start()
        incoming.end()
        await anyio.sleep(ANSWER_WITHIN_S)
        _break_off()
        await anyio.sleep_forever()


def _break_off() -> None:
    """Cancel every task, also where a photo on the wire is shielded from its caller: its entry is then settled as unknown."""
    own = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not own:
            task.cancel()
