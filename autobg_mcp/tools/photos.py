"""Submissions of local photos: in order, one request each, every photo read just before it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.found import FoundPhotos
from autobg_mcp.files.search import Unread
from autobg_mcp.jobs.plan import PlannedPhoto
from autobg_mcp.money.facts import NO_PICTURE, FilesIdentified
from autobg_mcp.money.ledger import FileStamp, Intent
from autobg_mcp.pictures.pieces import NoPictureError
from autobg_mcp.text import local_path, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.checkout import check_out
from autobg_mcp.tools.fields import Images
from autobg_mcp.tools.paid import Submission
from autobg_mcp.tools.roll import Files, Ready, Roll
from autobg_mcp.tools.submitted import Submitted

MOST_PHOTOS = 500
"""The most photos of one call: at 10 a minute they take 50 minutes."""

PHOTO = "cc"
"""The request's field that carries the photo."""


class PhotoSubmission(Submission):
    """A submission of local photos."""

    pictures_field = "images"

    images: Images

    async def run(self, context: Context) -> Submitted:
        """Submit every photo that can be submitted within the call's time.

        Raises:
            AutobgError: Not one is in a batch.
        """
        return await check_out(self, context)

    async def roll(self, context: Context) -> Roll:
        """The photos that the names stand for.

        Raises:
            FileRefusedError: There are none, or too many.
        """
        found = await context.look(context.fence.find, self.images)
        if len(found.paths) > MOST_PHOTOS:
            raise FileRefusedError(
                f"The names stand for {len(found.paths):,} pictures, more than the {MOST_PHOTOS} that one call takes.",
                next_step="Name fewer pictures, for example with a narrower pattern.",
            )
        return await self._roll_of(found, context)

    async def queued(self, photos: Sequence[PlannedPhoto], context: Context) -> Roll:
        """The photos of a job that are as they were when they were queued; the others are not read.

        Raises:
            FileRefusedError: A file that goes with every photo cannot be read.
        """
        now = await context.look(stamped, [Path(photo.picture) for photo in photos])
        paths, changed = [], []
        for photo in photos:
            path = Path(photo.picture)
            if path in now and photo.stamp in (None, now[path]):
                paths.append(path)
            else:
                what = "has changed since it was queued" if path in now else "is not there any more"
                changed.append(Unread(path, FileRefusedError(f"{quoted(path.name)} {what}; it is not sent.")))
        return await self._roll_of(FoundPhotos(paths, changed, []), context)

    async def _roll_of(self, found: FoundPhotos, context: Context) -> Roll:
        shared = await self.files_beside(PHOTO, context=context)
        stamps = await context.look(stamped, found.paths)
        digests = await context.ledger.known_digests(stamps.values())
        return PhotoRoll(self, context, found, shared, stamps, digests)

    def of(self, pictures: Sequence[str]) -> Self:
        """This submission for some of its photos alone."""
        return self.model_copy(update={"images": list(pictures)})


class PhotoRoll(Roll):
    """Local photos, of which those that were read in an earlier call and have not changed since are known.

    Args:
        submission: What they are submitted by.
        context: The call's.
        found: The files.
        shared: Other files of each request, by field.
        stamps: The files as they lie there now.
        digests: What identifies those that are known.
    """

    def __init__(  # what was found of the files, each in a form of its own
        self,
        submission: PhotoSubmission,
        context: Context,
        found: FoundPhotos,
        shared: Files,
        stamps: Mapping[Path, FileStamp],
        digests: Mapping[FileStamp, str],
    ) -> None:
        self._submission, self._context = submission, context
        self._shared, self._stamps, self._digests = shared, stamps, digests
        self._read: dict[FileStamp, str] = {}
        self.pictures = list(map(str, found.paths))
        self.unread = {str(path): error for path, error in found.unread}
        self.others = found.others

    def told(self, picture: str) -> tuple[str, str]:
        """By its path, and its folder's name."""
        return local_path(picture), local_path(Path(picture).parent.name)

    def planned(self, picture: str) -> PlannedPhoto:
        """With the file as it was found."""
        return PlannedPhoto(picture, self._stamps.get(Path(picture)))

    def size_bytes(self, pictures: Sequence[str]) -> int:
        """The sizes of their files, as they were found."""
        stamps = (self._stamps.get(Path(picture)) for picture in pictures)
        return sum(stamp.size_bytes for stamp in stamps if stamp is not None)

    async def known(self) -> dict[str, Intent]:
        """Those that were read before and lie there unchanged."""
        intents = {}
        for path, stamp in self._stamps.items():
            if digest := self._digests.get(stamp):
                unread = FilePart(path.name, "", b"", sha256=digest, source=str(path))
                intents[str(path)] = await self._intent(str(path), unread)
        return intents

    async def ready(self, pictures: Sequence[str]) -> Ready:
        """One photo, read and proved to be a picture; what it is known by is kept before it is sent.

        Raises:
            FileRefusedError: It cannot be read, or is none.
        """
        [picture] = pictures
        try:
            [part] = (
                await self._submission.of(pictures).files_beside(*self._shared, context=self._context)
            ).values()
        except NoPictureError:
            await self._learn(picture, NO_PICTURE)
            raise
        await self._learn(picture, part.sha256)
        return Ready({picture: await self._intent(picture, part)}, {**self._shared, PHOTO: part})

    async def _learn(self, picture: str, digest: str) -> None:
        """Keep what a file that was just read is known by from now on."""
        stamp = self._stamps.get(Path(picture))
        if stamp is not None and self._digests.get(stamp) != digest:
            self._read[stamp] = digest
            await self._keep([stamp])

    async def keep(self) -> None:
        """What was read of files that are still as they were found; what had changed a moment before is kept now."""
        await self._keep(self._read)

    async def _keep(self, stamps: Iterable[FileStamp]) -> None:
        now = await self._context.look(stamped, [Path(stamp.path) for stamp in stamps])
        if kept := {stamp: self._read[stamp] for stamp in now.values() if stamp in self._read}:
            await self._context.remember(FilesIdentified(kept))

    async def _intent(self, picture: str, part: FilePart) -> Intent:
        files = {**self._shared, PHOTO: part}
        return await self._submission.intent(picture, part.file_name, files, self._context)


def stamped(paths: Iterable[Path]) -> dict[Path, FileStamp]:
    """Each file as it lies there now; one that cannot be looked at has no stamp."""
    stamps = dict[Path, FileStamp]()
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            identity = f"{status.st_dev}:{status.st_ino}"
            stamps[path] = FileStamp(str(path), status.st_size, status.st_mtime_ns, identity)
    return stamps
