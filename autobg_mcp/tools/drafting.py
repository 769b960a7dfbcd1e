"""From vehicles and their photos to what is to be sent: what was paid before is left out, and no photo is read for it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

import anyio.lowlevel
from pydantic import JsonValue

from autobg_mcp.files.found import FoundPhotos
from autobg_mcp.files.kinds import MOST_PICTURE_BYTES
from autobg_mcp.jobs.job import QueuedPicture
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.money.facts import NO_PICTURE
from autobg_mcp.money.ledger import Entry, FileStamp, Intent
from autobg_mcp.text import local_path
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.linked import LinkSubmission
from autobg_mcp.tools.photos import PHOTO, PhotoRoll, PhotoSubmission, stamped
from autobg_mcp.tools.roll import Files
from autobg_mcp.tools.sources import Source
from autobg_mcp.tools.uploads import (
    UploadImagesWithoutTemplate,
    UploadImagesWithTemplate,
    UploadS3UrlsWithoutTemplate,
    UploadS3UrlsWithTemplate,
)

FILE_TOOLS: Final[Mapping[bool, type[PhotoSubmission]]] = {
    True: UploadImagesWithTemplate,
    False: UploadImagesWithoutTemplate,
}
LINK_TOOLS: Final[Mapping[bool, type[LinkSubmission]]] = {
    True: UploadS3UrlsWithTemplate,
    False: UploadS3UrlsWithoutTemplate,
}
"""The tool for photos, by whether there is a template."""


@dataclass(frozen=True)
class Processing:
    """How photos are processed.

    Attributes:
        process_type: `ai` or `collab`.
        plates: What is done with number plates, where a tool takes it.
    """

    process_type: str
    plates: int


@dataclass
class Draft:
    """The photos of one vehicle for one tool, and what the ledger knows of them.

    Attributes:
        source: The vehicle.
        tool: What would submit them.
        arguments: Its arguments without the pictures.
        photos: All of them, in order.
        intents: Those that are known without being read, by picture.
        to_send: Those that are to be sent.
        paid: The earlier submissions of those that were paid before.
        doubtful: How many were submitted before with an outcome that nobody knows yet.
        refused: How many of those to be sent the API has refused before.
        queued: How many a job will send.
        twins: How many are the same as another of the call.
    """

    source: Source
    tool: type[PhotoSubmission] | type[LinkSubmission]
    arguments: Mapping[str, JsonValue]
    photos: Sequence[PlannedPhoto]
    intents: Mapping[str, Intent] = field(default_factory=dict)
    to_send: list[PlannedPhoto] = field(default_factory=list)
    paid: list[Entry] = field(default_factory=list)
    doubtful: int = 0
    refused: int = 0
    queued: int = 0
    twins: int = 0

    def planned(self) -> PlannedVehicle:
        """What a plan holds of it."""
        return PlannedVehicle(self.source.vehicle, self.tool.tool, self.arguments, self.to_send)


class Drafting:
    """Makes drafts of vehicles.

    Args:
        processing: How their photos are processed.
        context: The call's.
    """

    def __init__(self, processing: Processing, context: Context) -> None:
        self._processing, self._context = processing, context
        self._shared: dict[str, Files] = {}
        self._stamps: Mapping[Path, FileStamp] = {}
        self.digests: Mapping[FileStamp, str] = {}
        """What identifies the files that were read before; `NO_PICTURE` for those that are none."""
        self.refused: list[str] = []
        """Files that cannot be sent, a line each, with the reason."""

    async def drafts(self, sources: Sequence[Source]) -> list[Draft]:
        """What the ledger knows of all photos of all vehicles, in one look each at files, digests and submissions.

        Raises:
            StateError: The ledger cannot be used.
        """
        paths = [path for source in sources for path in source.photos]
        self._stamps = await self._context.look(stamped, paths)
        self.digests = await self._context.ledger.known_digests(self._stamps.values())
        drafts: list[Draft] = []
        for source in sources:
            drafts += [
                draft for draft in [await self._of_files(source), await self._of_links(source)] if draft
            ]
            await anyio.lowlevel.checkpoint()  # other calls have their turn
        intents = list(chain.from_iterable(draft.intents.values() for draft in drafts))
        till = self._context.till
        queued = await self._context.jobs.book.queued_pictures(self._context.account.id)
        self._compare(drafts, await till.found(intents), await till.refused(intents), queued)
        return drafts

    def _arguments(
        self, source: Source, tool: type[PhotoSubmission] | type[LinkSubmission]
    ) -> dict[str, JsonValue]:
        """The arguments of a tool for a vehicle, in the tool's order."""
        values: dict[str, JsonValue] = {
            "numberPlate": source.vehicle,
            "templateCC": source.template,
            "numPlateProcessor": self._processing.plates,
            "processType": self._processing.process_type,
        }
        return {
            name: value for name, value in values.items() if name in tool.model_fields and value is not None
        }

    async def _of_files(self, source: Source) -> Draft | None:
        stamps = {path: self._stamps[path] for path in source.photos if self._may_be_sent(path)}
        if not stamps:
            return None
        tool = FILE_TOOLS[source.template is not None]
        arguments = self._arguments(source, tool)
        first, *_ = stamps
        submission = tool.model_validate({**arguments, "images": [str(first)]})
        if tool.tool not in self._shared:
            self._shared[tool.tool] = await submission.files_beside(PHOTO, context=self._context)
        found, shared = FoundPhotos(list(stamps), [], []), self._shared[tool.tool]
        roll = PhotoRoll(submission, self._context, found, shared, stamps, self.digests)
        photos = [PlannedPhoto(str(path), stamp) for path, stamp in stamps.items()]
        return Draft(source, tool, arguments, photos, await roll.known())

    async def _of_links(self, source: Source) -> Draft | None:
        if not source.links:
            return None
        tool = LINK_TOOLS[source.template is not None]
        arguments = self._arguments(source, tool)
        links = list(source.links)
        submission = tool.model_validate({**arguments, "clientS3Uris": links[:1]})
        roll = await submission.of(links).roll(self._context)
        photos = [PlannedPhoto(link, None) for link in roll.pictures]
        return Draft(source, tool, arguments, photos, await roll.known(), twins=len(links) - len(photos))

    def _may_be_sent(self, path: Path) -> bool:
        """Whether a file is worth a request, by its size and by what was seen when it was read before; else it is refused."""
        stamp = self._stamps.get(path)
        if stamp is None:
            what = "cannot be looked up"
        elif not 0 < stamp.size_bytes <= MOST_PICTURE_BYTES:
            what = "is too large" if stamp.size_bytes else "is empty"
        elif self.digests.get(stamp) == NO_PICTURE:
            what = "is no picture"
        else:
            return True
        self.refused.append(f"{local_path(Path(*path.parts[-2:]))} {what}")
        return False

    def _compare(
        self,
        drafts: Iterable[Draft],
        earlier: Mapping[str, Entry],
        refused: Collection[str],
        queued: Collection[QueuedPicture],
    ) -> None:
        """Part photos that are to be sent from those that were submitted before, that a job sends, or that stand here twice."""
        seen: set[object] = set()
        for draft in drafts:
            like = QueuedPicture.of(draft.source.vehicle, draft.tool.tool, draft.arguments, "")
            for photo in draft.photos:
                intent = draft.intents.get(photo.picture)
                entry = earlier.get(intent.fingerprint) if intent else None
                identity = photo.stamp.identity if photo.stamp else photo.picture
                same = intent.fingerprint if intent else (draft.source.vehicle, draft.tool, identity)
                if same in seen:
                    draft.twins += 1
                elif entry is not None and entry.state == "accepted":
                    draft.paid.append(entry)
                elif like._replace(picture=photo.picture) in queued:  # also while its job is sending it
                    draft.queued += 1
                elif entry is None:
                    draft.to_send.append(photo)
                    draft.refused += same in refused
                else:
                    draft.doubtful += 1
                seen.add(same)
