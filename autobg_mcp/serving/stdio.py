"""Serves an MCP server over stdio."""

from typing import TypeVar

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

LifespanT = TypeVar("LifespanT")


async def serve_stdio(server: Server[LifespanT]) -> None:
    """Serve one host over standard input and output until it closes them."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
