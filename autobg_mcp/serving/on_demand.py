"""The client of a server, opened by the first who needs it: a host that only lists tools waits for none of it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from autobg_mcp.client import Client

OpenClient = Callable[[], AbstractAsyncContextManager["Client"]]
"""Opens the client that a server uses for as long as it runs."""


class ClientOnDemand:
    """Calls to it answer the client.

    Args:
        open_client: Opens it.
        stack: Closes it.
    """

    def __init__(self, open_client: OpenClient, stack: AsyncExitStack) -> None:
        self._open_client, self._stack = open_client, stack
        self._opened: Client | None = None
        self._opening = anyio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether somebody has needed it."""
        return self._opened is not None

    async def __call__(self) -> "Client":
        """The client, opened now if it was not.

        Raises:
            AutobgError: It cannot be opened.
        """
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._open_client())
        return self._opened
