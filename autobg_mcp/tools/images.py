"""Images of a batch: how far they are, and the pictures themselves."""

from pathlib import Path
from typing import Annotated, Self

import anyio.to_thread
from pydantic import FailFast, Field, JsonValue, TypeAdapter

from autobg_mcp.api.exchange import Answer, Request, described, unexpected
from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import MOST_PICTURE_BYTES, is_picture
from autobg_mcp.files.originals import read_original
from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.money.facts import BatchSeen, Fact
from autobg_mcp.money.ledger import KnownPicture, PictureState
from autobg_mcp.pictures.compare import same_picture
from autobg_mcp.pictures.lane import in_lane
from autobg_mcp.pictures.pieces import NotDecodableError
from autobg_mcp.pictures.preview import Preview, preview
from autobg_mcp.text import local_path
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, FAST_INFERRED, Endpoint
from autobg_mcp.toolkit.tool import Part, PictureResult, Result
from autobg_mcp.tools.answer_fields import AnswerID, Flag, Words, listed
from autobg_mcp.tools.fields import BatchID, PicID


class ImageState(Part):
    """How far one picture is; neither processed nor failed means in work."""

    picID: AnswerID
    picName: Words = ""
    isProcessed: Flag = False
    isFailed: Flag = False


_IMAGES = TypeAdapter(Annotated[list[ImageState], FailFast()])


class BatchStatus(Result):
    """How far a batch is, picture by picture."""

    batchID: str
    processed: int
    failed: int
    pending: int
    images: list[ImageState]

    @classmethod
    def of(cls, batch_id: str, images: list[ImageState]) -> Self:
        """The status of a batch with its states counted."""
        failed = sum(image.isFailed for image in images)
        processed = sum(image.isProcessed and not image.isFailed for image in images)
        pending = len(images) - processed - failed
        return cls(batchID=batch_id, processed=processed, failed=failed, pending=pending, images=images)

    def next_step(self) -> str:
        """Wait while pictures are pending, then look at them."""
        if self.pending or not self.images:
            return f"waitForBatch batchID={self.batchID}"
        return f"reviewBatch batchID={self.batchID}"


class Picture(PictureResult):
    """One picture, saved and shown."""

    picID: int
    file: SavedFile
    shown: str
    kind: str | None = None
    """Whether it is processed or the original; None where the original is not at hand to compare with."""
    before: bytes | None = Field(default=None, exclude=True, repr=False)
    """The original, small (JPEG); None where it is not at hand."""

    def text(self) -> str:
        """Where the picture lies and what it is."""
        size = f"{self.file.width_px}x{self.file.height_px} px, " if self.file.width_px else ""
        kind = self.kind or "unknown whether processed or the original, which is not at hand to compare with"
        return (
            f"picID {self.picID}: {kind}. Saved as {local_path(self.file.path)} ({self.file.mime}, {size}{self.file.size_bytes:,} bytes, "
            f"sha256 {self.file.sha256}), {self.shown}. If it is bad: reportImages picIDs=[{self.picID}]."
        )


class GetImageStatus(Endpoint[BatchStatus]):
    """Tell how far a batch is: per picture its picID, name and whether it is processed, failed or pending.

    Free. 100 calls/min.
    """

    tool = "getImageStatus"
    title = "Status of a batch"
    effect = "reads"
    toolset = "enterprise"
    path = "/images/imagesStatus"
    rate = FAST

    batchID: BatchID

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
        return BatchStatus.of(self.batchID, _IMAGES.validate_python(listed(data, "images")))


class GetImagesRaw(Endpoint[Picture]):
    """Show one processed picture (at most 1024 px) and save it in full size; answers the file's path.

    Unverified: it may return the original upload. Free. 100 calls/min.
    """

    tool = "getImagesRaw"
    title = "Show a picture"
    effect = "reads"
    toolset = "enterprise"
    method = "GET"
    path = "/images/getImagesRaw"
    encoding = "query"
    max_answer_bytes = MOST_PICTURE_BYTES
    rate = FAST

    picID: PicID

    async def doubt(self, context: Context) -> str:
        """A batch in the place of a picture."""
        return await batches_among([self.picID], context)

    async def parse(self, request: Request, answer: Answer, context: Context) -> Picture:
        """The body is the picture, whatever its content type says."""
        return await picture(request, answer, self.picID, context)


class GetImagesBase64(Endpoint[Picture]):
    """As getImagesRaw, which is preferred, through the API's base64 form. Free. 100 calls/min assumed."""

    tool = "getImagesBase64"
    title = "Show a picture by base64"
    effect = "reads"
    toolset = "enterprise"
    method = "GET"
    path = "/images/getImagesBase64"
    encoding = "query"
    max_answer_bytes = MOST_PICTURE_BYTES // 3 * 4 + 2**20
    rate = FAST_INFERRED

    picID: PicID

    async def doubt(self, context: Context) -> str:
        """A batch in the place of a picture."""
        return await batches_among([self.picID], context)

    async def parse(self, request: Request, answer: Answer, context: Context) -> Picture:
        """The body is base64: bare, in quotes, as a data: address or in an envelope, or the picture after all."""
        return await picture(request, answer, self.picID, context)


async def batches_among(pic_ids: list[int], context: Context) -> str:
    """A sentence about ids that were given as pictures' and are known as batches'; empty where there is none."""
    ledger, account = context.ledger, context.account.id
    batches = [
        str(one)
        for one in pic_ids
        if await ledger.vehicle_of(account, str(one)) is not None
        and await ledger.picture(account, str(one)) is None
    ]
    if not batches:
        return ""
    return f"{', '.join(batches)}: known here as a batchID, not a picID; getImageStatus with it tells the picIDs."


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
    known = await context.ledger.picture(context.account.id, str(pic_id))
    folder, stem = place_of(pic_id, known)
    file = await context.save(content, folder=folder, stem=stem)
    before = await original_of(known, context)
    return Picture(
        picID=pic_id,
        file=file,
        shown=shown,
        kind=await in_lane(_kind, small.content, before) if small and before else None,
        pictures=[small.content] if small else [],
        before=before,
    )


def place_of(pic_id: int, known: KnownPicture | None) -> tuple[str, str]:
    """Folder and name of a picture's file, the same whichever tool saves it."""
    return (known.batch_id, f"{pic_id}_{known.name}".rstrip("_")) if known else ("pictures", str(pic_id))


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
