"""What a running tool may use: the API, the picture folders, the settings, and the call it answers."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio.to_thread

from autobg_mcp.api.call import Call, OnWire, unwatched
from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.errors import StateError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.outbox import Outbox, SavedFile
from autobg_mcp.money.ledger import Ledger
from autobg_mcp.pictures.decoding import size_px
from autobg_mcp.settings import Settings

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class Api(Protocol):
    """Whoever sends requests: waits for a free slot, sends, and turns refusals into errors."""

    async def send(self, request: Request, call: Call, on_wire: OnWire = unwatched) -> Answer:
        """The API's successful answer to one request.

        Raises:
            AutobgError: There is none, or it is a refusal.
        """

    async def fetch(self, link: str) -> bytes:
        """What a link from an answer leads to.

        Raises:
            LinkRefusedError: It is not fetched, or it did not lead to anything.
        """


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything a running tool may touch."""

    api: Api
    settings: Settings
    fence: Fence
    outbox: Outbox
    ledger: Ledger
    account: str
    """Hash of the key in use."""
    call: Call = field(default_factory=Call)

    async def send(self, request: Request, on_wire: OnWire = unwatched) -> Answer:
        """The API's successful answer to one request.

        Raises:
            AutobgError: There is none, or it is a refusal.
        """
        return await self.api.send(request, self.call, on_wire)

    async def consult(self, method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run a method that blocks, such as the ledger's, in a worker thread; a cancellation waits for its end."""
        return await anyio.to_thread.run_sync(partial(method, *arguments, **options))

    async def remember(self, method: Callable[P, object], *arguments: P.args, **options: P.kwargs) -> None:
        """Write down what the API has already done; a ledger that fails now must not hide that, so it is only logged."""
        try:
            await self.consult(method, *arguments, **options)
        except StateError as error:
            _log.warning("The ledger lacks something: %s", error)

    async def save(self, content: bytes, *, folder: str, stem: str) -> SavedFile:
        """Keep a result as a file; see `Outbox.save`.

        Raises:
            FileRefusedError: The result is too large, or the folder cannot be written to.
        """
        return await self.consult(self._save, content, folder, stem)

    def _save(self, content: bytes, folder: str, stem: str) -> SavedFile:
        return self.outbox.save(content, folder=folder, stem=stem, size_px=size_px(content))
