"""What a running tool may use: the API, the picture folders, the settings, and the call it answers."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

import anyio.to_thread

from autobg_mcp.api.call import Account, Call, Progress, TimeBudget
from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.api.sending import Sender, Tries
from autobg_mcp.clock import Timekeeper
from autobg_mcp.errors import StateError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.outbox import Outbox, SavedFile
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.money.facts import Fact, keep
from autobg_mcp.money.ledger import Ledger
from autobg_mcp.money.permits import Permits
from autobg_mcp.money.purchase import Till
from autobg_mcp.pictures.decoding import size_px
from autobg_mcp.settings import Settings
from autobg_mcp.text import redacted
from autobg_mcp.toolkit.held import HeldPhotos
from autobg_mcp.toolkit.lingering import Lingering

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything a running tool may touch."""

    settings: Settings
    account: Account
    """Whose credits it spends."""
    call: Call
    """What its caller says."""
    time: TimeBudget
    """How long it may still wait."""
    progress: Progress
    """Tells its caller how far it is."""
    sender: Sender
    fence: Fence
    outbox: Outbox
    ledger: Ledger
    till: Till
    permits: Permits
    jobs: Jobs
    lingering: Lingering
    """Requests that outlast the call."""
    held: HeldPhotos
    """What photos of jobs take of the memory."""
    clock: Timekeeper

    def tries(self, request: Request) -> Tries:
        """One request on its way, in this call's name and time."""
        return Tries(self.sender, request, self.account, self.time, self.progress, self.call)

    async def send(self, request: Request) -> Answer:
        """Send one request as often as is safe, and answer its success.

        Raises:
            AutobgError: There is no success; the error says whether credits may have been spent.
        """
        tries = self.tries(request)
        while True:
            async with tries.attempt() as one_try:
                return await one_try.send()

    async def fetch(self, link: str) -> bytes:
        """What a link from an answer leads to; the key is not sent along.

        Raises:
            LinkRefusedError: It is not fetched, or it did not lead to anything within size and time.
        """
        return await self.sender.http.fetch(link, self.time)

    async def look(self, method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run a method that only reads files, in a worker thread; a cancelled call does not wait for a slow disk.

        What writes goes through `anyio.to_thread.run_sync` alone, which waits for its end, and what decodes pictures through
        `in_lane`.
        """
        return await anyio.to_thread.run_sync(partial(method, *arguments, **options), abandon_on_cancel=True)

    async def remember(self, fact: Fact) -> None:
        """Write down what the API has told; a ledger that fails now must not hide that, so it is only logged."""
        try:
            await keep(fact, self.ledger, self.account.id, self.call.host)
        except StateError as error:
            _log.warning("The ledger lacks something: %s", error)

    async def save(
        self, content: bytes, *, folder: str, stem: str, earlier: Collection[str] = ()
    ) -> SavedFile:
        """Keep a result as a file whose name, which comes from outside, tells no key; see `Outbox.save`.

        Raises:
            FileRefusedError: The result is too large, or the folder cannot be written to.
        """
        name = redacted(stem, [self.account.key.get_secret_value()])
        return await anyio.to_thread.run_sync(self._save, content, folder, name, earlier)

    def _save(self, content: bytes, folder: str, stem: str, earlier: Collection[str]) -> SavedFile:
        size = size_px(content)
        return self.outbox.save(content, folder=folder, stem=stem, size_px=size, earlier=earlier)
