"""A stateful fake of the Autobg API, written from the API's documents alone; it shares no declaration with the client."""

import time
from collections.abc import Awaitable, Callable

import anyio
from starlette.applications import Starlette

from autobg_mcp.sandbox.app import create_app
from autobg_mcp.sandbox.behaviours import BEHAVIOURS, Behaviour
from autobg_mcp.sandbox.exchanges import Exchange, exchanges
from autobg_mcp.sandbox.failures import FAILURE_KINDS, ConnectionDropped, FailureKind
from autobg_mcp.sandbox.options import SandboxOptions
from autobg_mcp.sandbox.recording import FormPart, RecordedRequest
from autobg_mcp.sandbox.world import World

__all__ = [
    "BEHAVIOURS",
    "FAILURE_KINDS",
    "Behaviour",
    "ConnectionDropped",
    "Exchange",
    "FailureKind",
    "FormPart",
    "RecordedRequest",
    "SandboxOptions",
    "World",
    "build_sandbox",
    "exchanges",
]


def build_sandbox(
    options: SandboxOptions | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> Starlette:
    """Build a sandbox with a state of its own, to be served by any ASGI server or by `httpx.ASGITransport`.

    Args:
        options: How it behaves; None means the defaults of `SandboxOptions`.
        clock: Seconds that only rise; decides turnaround and limits.
        sleep: Waits out the failures `slow` and `hang`.

    Returns:
        The application; its `World` is `app.state.world`.
    """
    return create_app(World(options or SandboxOptions(), clock, sleep))
