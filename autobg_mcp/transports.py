"""Serves an MCP server over stdio, and the sandbox over HTTP."""

import socket
from typing import TYPE_CHECKING

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from autobg_mcp.client import Client

if TYPE_CHECKING:
    from starlette.applications import Starlette


async def serve_stdio(server: Server[Client]) -> None:
    """Serve one host over standard input and output until it closes them."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: The port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


async def serve_http(app: "Starlette", listening: socket.socket) -> None:
    """Serve an ASGI application on a listening socket until the process is told to end."""
    import uvicorn  # noqa: PLC0415  # only who serves HTTP pays for it

    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=2)
    await uvicorn.Server(config).serve(sockets=[listening])
