"""Serves an MCP server over stdio."""

import logging
from typing import TypeVar

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

LifespanT = TypeVar("LifespanT")

_log = logging.getLogger(__name__)


async def serve_stdio(server: Server[LifespanT]) -> None:
    """Serve one host over standard input and output until it closes them.

    A host that goes away in the middle of an answer loses only the words: a call that is under way writes down what
    came of it before it ends.
    """
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    except* BrokenPipeError:
        _log.warning("The host was gone before it was answered; listBatches tells what was submitted.")
