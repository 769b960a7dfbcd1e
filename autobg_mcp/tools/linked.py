"""Submissions of links: those of a vehicle that were not submitted before go out together, in few requests."""

from collections.abc import Sequence
from typing import Self
from urllib.parse import urlsplit

from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.ledger import Intent
from autobg_mcp.settings import Settings
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.checkout import check_out
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Ready, Roll
from autobg_mcp.tools.submitted import Submitted


class LinkSubmission(Submission):
    """A submission of links."""

    pictures_field = "clientS3Uris"

    async def run(self, context: Context) -> Submitted:
        """Submit every link that can be submitted within the call's time.

        Raises:
            AutobgError: Not one is in a batch.
        """
        return await check_out(self, context)

    async def roll(self, context: Context) -> Roll:
        """The pictures behind the links: several spellings of one link are one."""
        return await self._roll_of(dict(self)["clientS3Uris"], context)

    async def queued(self, photos: Sequence[PlannedPhoto], context: Context) -> Roll:
        """The links of a job."""
        return await self._roll_of([photo.picture for photo in photos], context)

    async def _roll_of(self, links: Sequence[str], context: Context) -> Roll:
        named = {link: await self.intent(link, _name(link), {}, context) for link in links}
        first = {intent.fingerprint: link for link, intent in reversed(named.items())}
        own = {link: intent for link, intent in named.items() if first[intent.fingerprint] == link}
        return _Links(own)

    @classmethod
    def per_request(cls, settings: Settings) -> int:
        """As many as the operator says; how many the API takes is not documented."""
        return settings.links_per_call

    def of(self, pictures: Sequence[str]) -> Self:
        """This submission for some of its links."""
        return self.model_copy(update={"clientS3Uris": list(pictures)})


class _Links(Roll):
    def __init__(self, intents: dict[str, Intent]) -> None:
        self._intents = intents
        self.pictures = list(intents)

    def told(self, picture: str) -> tuple[str, str]:
        """Without what follows the path, which may be a signature."""
        parts = urlsplit(picture)
        return cleaned(f"{parts.scheme}://{parts.hostname}{parts.path}", 300), cleaned(
            parts.hostname or "", 80
        )

    def planned(self, picture: str) -> PlannedPhoto:
        return PlannedPhoto(picture, None)

    async def known(self) -> dict[str, Intent]:
        return self._intents

    async def ready(self, pictures: Sequence[str]) -> Ready:
        return Ready({picture: self._intents[picture] for picture in pictures}, {})


def _name(link: str) -> str:
    return urlsplit(link).path.rpartition("/")[2]
