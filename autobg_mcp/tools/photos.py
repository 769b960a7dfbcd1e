"""Submissions of local photos: in order, one request each, every photo read just before it is sent."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from autobg_mcp.api.exchange import FilePart, Request
from autobg_mcp.errors import AutobgError, FileRefusedError, RequestRefusedError, StillUnknownError
from autobg_mcp.files.fence import FoundPhotos
from autobg_mcp.money.ledger import Entry, Intent
from autobg_mcp.money.purchase import AlreadySubmittedError
from autobg_mcp.text import quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.fields import Images
from autobg_mcp.tools.paid import Submission, approve
from autobg_mcp.tools.roll import Roll
from autobg_mcp.tools.tally import Submitted, Tally

MOST_PHOTOS = 500
"""The most photos of one call: at 10 a minute they take 50 minutes."""

PHOTO = "cc"
"""The request's field that carries the photo."""

Files = Mapping[str, FilePart]
"""Files that all photos of a call share, such as a logo, by field: read once."""


class PhotoSubmission(Submission[Submitted]):
    """A submission of local photos."""

    images: Images

    async def run(self, context: Context) -> Submitted:
        """Submit every photo that can be submitted within the call's time.

        Raises:
            AutobgError: Not one photo was accepted.
        """
        paths, unread = await self._found(context)
        shared = await self.files_beside(PHOTO, context=context)
        roll = await Roll.of(paths, context)
        paid = await self._paid_before(roll, shared, context)
        approved = await self._approved([path for path in paths if path not in paid], shared, context)
        tally, refused_before = Tally(), False
        for path, error in unread:
            tally.add(path, error)
        for number, path in enumerate(paths):
            if path in paid:
                tally.accepted.append(self.recorded(paid[path]))
                continue
            await context.progress(
                f"Submitting photo {number + 1} of {len(paths)}", done=number, total=len(paths)
            )
            try:
                tally.accepted.append(await self._submit(path, roll, shared, approved, context))
                refused_before = False
            except (FileRefusedError, StillUnknownError) as error:
                tally.add(path, error)
            except AutobgError as error:
                tally.add(path, error)
                # One refusal may be about that photo alone; a second in a row would meet the rest too.
                if refused_before or not isinstance(error, RequestRefusedError):
                    tally.stop(paths[number + 1 :], error)
                    break
                refused_before = True
        await roll.keep(context)
        return tally.result()

    async def _found(self, context: Context) -> FoundPhotos:
        found = await context.look(context.fence.find, self.images)
        if len(found.paths) > MOST_PHOTOS:
            raise FileRefusedError(
                f"The names stand for {len(found.paths):,} pictures, more than the {MOST_PHOTOS} that one call takes.",
                next_step="Name fewer pictures, for example with a narrower pattern.",
            )
        return found

    def of(self, path: Path) -> Self:
        """This submission for one photo alone."""
        return self.model_copy(update={"images": [str(path)]})

    async def _submit(
        self, path: Path, roll: Roll, shared: Files, approved: list[str] | None, context: Context
    ) -> Submitted:
        single = self.of(path)
        request, picture = await single.ready(shared, context)
        roll.identify(path, request.file())
        while True:
            if repeated := await self.earlier(picture, context):
                return self.recorded(repeated)
            if approved is not None and picture.fingerprint not in approved:
                raise FileRefusedError(f"{quoted(path.name)} is not what was approved; it was not sent.")
            if approved is not None:
                approved.remove(picture.fingerprint)  # an approval pays once
            try:
                return await single.pay(request, [picture], context)
            except AlreadySubmittedError:  # the ledger knows it now, and nothing was paid here
                if approved is not None:
                    approved.append(picture.fingerprint)

    async def ready(self, shared: Files, context: Context) -> tuple[Request, Intent]:
        """The request for one photo, and how the ledger writes it down."""
        request = await self.request(context, shared)
        file = request.file()
        return request, self.intent(request, file.file_name if file else "", context)

    async def _paid_before(self, roll: Roll, shared: Files, context: Context) -> dict[Path, Entry]:
        """The photos that this call repeats, as far as they are known without being read."""
        if self.allowDuplicate:
            return {}
        pictures = dict[Path, Intent]()
        for path, digest in roll.known.items():
            single = self.of(path)
            unread = FilePart(path.name, "", b"", sha256=digest, source=str(path))
            request = await single.request(context, {**shared, PHOTO: unread})
            pictures[path] = single.intent(request, path.name, context)
        repeats = await context.till.repeats(pictures.values())
        return {
            path: repeats[picture.fingerprint]
            for path, picture in pictures.items()
            if picture.fingerprint in repeats
        }

    async def _approved(self, paths: list[Path], shared: Files, context: Context) -> list[str] | None:
        """The fingerprints that a person has approved; None where no approval is wanted."""
        if context.settings.approve != "paid":
            return None
        unpaid: dict[str, list[Intent]] = {}
        for path in paths:
            with suppress(FileRefusedError, StillUnknownError):
                _, picture = await self.of(path).ready(shared, context)
                twin = picture.fingerprint in unpaid and not self.allowDuplicate
                if not twin and await self.earlier(picture, context) is None:
                    unpaid.setdefault(picture.fingerprint, []).append(picture)
        pictures = [picture for twins in unpaid.values() for picture in twins]
        if pictures:
            await approve(pictures, context)
        return [picture.fingerprint for picture in pictures]
