"""Submissions of links: all that were not submitted before go out in one request."""

from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from autobg_mcp.errors import StillUnknownError
from autobg_mcp.money.ledger import Intent
from autobg_mcp.money.purchase import AlreadySubmittedError
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.paid import Submission, approve
from autobg_mcp.tools.tally import Accepted, LinkTally

_MOST_ROUNDS = 5


class LinkSubmission(Submission[Accepted]):
    """A submission of links."""

    async def run(self, context: Context) -> Accepted:
        """Submit what is new among the links; where another call is faster with one, the rest again.

        Raises:
            AutobgError: They were not accepted, or nobody knows.
        """
        for _ in range(_MOST_ROUNDS):
            tally, new = await self._looked_up(context)
            with suppress(AlreadySubmittedError):  # then the ledger knows more now
                if new:
                    tally.accepted.append(await self._pay_for(new, context))
                return tally.result()
        raise StillUnknownError(
            f"{self.tool}: other calls are submitting the same links right now; this call sent nothing.",
            repeatable=True,
            next_step="Call again; it answers with the batch once there is one.",
            retry_after_s=10,
        )

    async def _looked_up(self, context: Context) -> tuple[LinkTally, dict[str, Intent]]:
        """What has come of the links before, and those that are new; two spellings of one link are one."""
        tally, new = LinkTally(), dict[str, Intent]()
        for link in self.links():
            picture = await self._picture_behind(link, context)
            if any(picture.fingerprint == other.fingerprint for other in new.values()):
                continue
            try:
                repeated = await self.earlier(picture, context)
            except StillUnknownError as error:
                tally.unknown.append(error)
                continue
            if repeated:
                tally.accepted.append(self.recorded(repeated))
            else:
                new[link] = picture
        return tally, new

    async def _picture_behind(self, link: str, context: Context) -> Intent:
        single = self.of([link])
        name = urlsplit(link).path.rpartition("/")[2]  # what follows may be a signature
        return single.intent(await single.request(context), name, context)

    async def _pay_for(self, new: dict[str, Intent], context: Context) -> Accepted:
        pictures, part = list(new.values()), self.of(list(new))
        await approve(pictures, context)
        return await part.pay(await part.request(context), pictures, context)

    def of(self, links: list[str]) -> Self:
        """This submission for some of its links."""
        return self.model_copy(update={"clientS3Uris": links})

    def links(self) -> list[str]:
        """The links, a field that each endpoint declares in the place its documents give it."""
        links: list[str] = dict(self)["clientS3Uris"]
        return links
