"""Images of a batch: how far they are, and the pictures themselves."""

from pathlib import Path
from typing import Annotated

import anyio.to_thread
from pydantic import FailFast, Field, JsonValue, TypeAdapter

from autobg_mcp.api.exchange import Answer, Request, described, unexpected
from autobg_mcp.errors import AutobgError, FileRefusedError, NotReadyError, RequestRefusedError
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import MOST_PICTURE_BYTES, is_picture
from autobg_mcp.files.originals import read_original
from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.money.facts import BatchSeen, Fact
from autobg_mcp.money.ledger import KnownPicture, LastSeen, PictureState
from autobg_mcp.pictures.compare import same_picture
from autobg_mcp.pictures.lane import in_lane
from autobg_mcp.pictures.pieces import NotDecodableError
from autobg_mcp.pictures.preview import Preview, preview
from autobg_mcp.text import local_path
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, FAST_INFERRED, Endpoint
from autobg_mcp.toolkit.tool import PictureResult
from autobg_mcp.tools.answer_fields import listed
from autobg_mcp.tools.fields import BatchID, PicID
from autobg_mcp.tools.keeping import keep
from autobg_mcp.tools.mistaken import advise_on_batch, advise_on_pictures
from autobg_mcp.tools.status import BatchStatus, EveryPicture, ImageState, people_left_s, still_in_work

_IMAGES = TypeAdapter(Annotated[list[ImageState], FailFast()])


class Picture(PictureResult):
    """One picture, saved and shown."""

    picID: int
    file: SavedFile
    shown: str
    kind: str | None = None
    """Whether it is processed or the original; None where the original is not at hand to compare with."""
    mark: str = ""
    """What became of it since it was reported, in words."""
    unchanged: bool = False
    """Whether it is the same as when it was reported."""
    before: bytes | None = Field(default=None, exclude=True, repr=False)
    """The original, small (JPEG); None where it is not at hand."""

    def text(self) -> str:
        """Where the picture lies and what it is."""
        size = f"{self.file.width_px}x{self.file.height_px} px, " if self.file.width_px else ""
        kind = self.kind or "unknown whether processed or the original, which is not at hand to compare with"
        marked = f" It was {self.mark}." if self.mark else ""
        return (
            f"picID {self.picID}: {kind}.{marked} Saved as {local_path(self.file.path)} ({self.file.mime}, {size}{self.file.size_bytes:,} bytes, "
            f"sha256 {self.file.sha256}), {self.shown}. If it is bad: reportImages picIDs=[{self.picID}]."
        )


class GetImageStatus(Endpoint[BatchStatus]):
    """Tell how far a batch is: counts, and pictures that failed or are pending; with all, every picture.

    Free. 100 calls/min.
    """

    tool = "getImageStatus"
    title = "Status of a batch"
    effect = "reads"
    toolset = "enterprise"
    path = "/images/imagesStatus"
    rate = FAST

    batchID: BatchID
    all: EveryPicture = False

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """A picture or a vehicle in the place of a batch."""
        await advise_on_batch(error, self.batchID, context)

    async def parse(self, request: Request, answer: Answer, context: Context) -> BatchStatus:
        """The answer, and when to look again where people are at work."""
        status = await super().parse(request, answer, context)
        if not status.pending:
            return status
        return status.model_copy(update={"people_left_s": await people_left_s(self.batchID, context)})

    def teaches(self, result: BatchStatus) -> list[Fact]:
        """The names of files, and what became of submissions nobody knew the outcome of."""
        pictures = [
            PictureState(
                str(image.picID), image.picName, image.isProcessed and not image.isFailed, image.isFailed
            )
            for image in result.images
        ]
        return [BatchSeen(self.batchID, pictures)]

    def result(self, data: JsonValue) -> BatchStatus:
        """Count the states; the documents show a bare list."""
        images = _IMAGES.validate_python(listed(data, "images"))
        return BatchStatus.of(self.batchID, images, every=self.all)


class OnePicture(Endpoint[Picture]):
    """An endpoint that answers one picture."""

    effect = "reads"
    toolset = "enterprise"
    method = "GET"
    encoding = "query"

    picID: PicID

    async def run(self, context: Context) -> Picture:
        """Ask for it; where it is refused, its batch tells whether it is in work."""
        try:
            return await super().run(context)
        except RequestRefusedError as error:
            batch_id = await self._in_work(error, context)
            if batch_id is None:
                raise
            shown = "" if isinstance(error, NotReadyError) else " It is in work, as its batch shows."
            raise still_in_work(f"{error}{shown}", batch_id) from None

    async def _in_work(self, error: AutobgError, context: Context) -> str | None:
        """The batch that it is in work in: by what the API said, else by a look; None where nobody knows."""
        try:
            seen = await self._last_seen(context)
            if seen is None or isinstance(error, NotReadyError):
                return seen.batch_id if seen else None
            await GetImageStatus(batchID=seen.batch_id).run(context)
            seen = await self._last_seen(context)
        except AutobgError:  # the refusal itself is to be told, not that a look failed
            return None
        return seen.batch_id if seen and seen.in_work else None

    async def _last_seen(self, context: Context) -> LastSeen | None:
        seen = await context.ledger.last_seen(context.account.id, [str(self.picID)])
        return seen.get(str(self.picID))

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """A batch in the place of a picture, or the batch of one in work."""
        await advise_on_pictures(error, [self.picID], context)

    async def parse(self, request: Request, answer: Answer, context: Context) -> Picture:
        """The picture: its bytes whatever the content type says, or base64, bare, in quotes or in an envelope."""
        return await picture(request, answer, self.picID, context)


class GetImagesRaw(OnePicture):
    """Show one processed picture (at most 1024 px) and save it in full size; answers the file's path.

    Unverified: it may return the original upload. Free. 100 calls/min.
    """

    tool = "getImagesRaw"
    title = "Show a picture"
    path = "/images/getImagesRaw"
    max_answer_bytes = MOST_PICTURE_BYTES
    rate = FAST


class GetImagesBase64(OnePicture):
    """As getImagesRaw, which is preferred, through the API's base64 form. Free. 100 calls/min assumed."""

    tool = "getImagesBase64"
    title = "Show a picture by base64"
    path = "/images/getImagesBase64"
    max_answer_bytes = MOST_PICTURE_BYTES // 3 * 4 + 2**20
    rate = FAST_INFERRED


async def picture(request: Request, answer: Answer, pic_id: int, context: Context) -> Picture:
    """Save a picture as `batch/picID_name`, make its preview, and tell whether it is the original.

    Raises:
        UnexpectedAnswerError: The bytes are no picture, or a damaged one; nothing is saved.
        FileRefusedError: It cannot be saved.
    """
    content = answer.content if is_picture(answer.content) else await anyio.to_thread.run_sync(_coded, answer)
    if not is_picture(content):
        raise unexpected(request, described(answer) + " where a picture was due")
    small: Preview | None = None
    try:
        small = await in_lane(preview, content)
        shown = f"shown here at {small.width_px}x{small.height_px} px"
    except NotDecodableError as error:
        raise unexpected(request, f"a picture that cannot be shown ({str(error).rstrip('.')})") from None
    except FileRefusedError as error:  # too large, or not of a kind that is decoded: the result all the same
        shown = f"not shown: {str(error).rstrip('.')}"
    kept = await keep(pic_id, content, context)
    before = await original_of(kept.known, context)
    return Picture(
        picID=pic_id,
        file=kept.file,
        mark=kept.mark,
        unchanged=kept.unchanged,
        shown=shown,
        kind=await in_lane(_kind, small.content, before) if small and before else None,
        pictures=[small.content] if small else [],
        before=before,
    )


async def original_of(known: KnownPicture | None, context: Context) -> bytes | None:
    """The photo that a picture was made from, small (JPEG); None where it is not known, changed, or may not be read now."""
    if known is None or known.source is None or known.submitted_at is None:
        return None
    try:
        photo = await context.look(
            read_original, context.fence, Path(known.source), unchanged_since_s=known.submitted_at
        )
        return (await in_lane(preview, photo, local=True)).content
    except FileRefusedError:
        return None


def _kind(content: bytes, original: bytes) -> str:
    return "the original upload, not a processed picture" if same_picture(content, original) else "processed"


def _coded(answer: Answer) -> bytes:
    """What an answer holds as base64: in an envelope, in quotes or bare; empty for nothing."""
    try:
        data = answer.json()
    except ValueError:
        return decoded(answer.content) or b""
    while isinstance(data, dict):
        data = next((value for value in data.values() if _may_hold_picture(value)), None)
    return (decoded(data) if isinstance(data, str) else None) or b""


def _may_hold_picture(value: JsonValue) -> bool:
    """Names are undocumented, so the first long text is taken for the picture."""
    return isinstance(value, dict) or (isinstance(value, str) and len(value) > 64)  # noqa: PLR2004
