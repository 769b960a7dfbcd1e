"""Serves an ASGI application over HTTP on one address."""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: The port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    # Else an answer's body waits 40 ms for the head's receipt: asyncio sets this only for sockets that name their protocol.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


async def serve_http(app: "Starlette", listening: socket.socket) -> None:
    """Serve an ASGI application on a listening socket until the process is told to end."""
    import uvicorn

    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=2)
    await uvicorn.Server(config).serve(sockets=[listening])
