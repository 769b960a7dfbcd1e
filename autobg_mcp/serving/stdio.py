"""Serves an MCP server over stdio."""

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from autobg_mcp.client import Client


async def serve_stdio(server: Server[Client]) -> None:
    """Serve one host over standard input and output until it closes them."""
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
