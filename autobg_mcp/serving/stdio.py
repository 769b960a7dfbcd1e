"""Serves an MCP server over stdio."""

import logging
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TypeVar

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from autobg_mcp.serving.ending import end_when_told

LifespanT = TypeVar("LifespanT")

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
            group.start_soon(end_when_told, lambda _: incoming.end(), leave)
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
