"""Reviewing a batch: contact sheets that a model judges at a glance."""

from typing import Annotated, Literal, get_args

import anyio
from pydantic import Field

from autobg_mcp.context import Context
from autobg_mcp.endpoints.fields import BatchID, ReportReason
from autobg_mcp.endpoints.images import GetImagesRaw, GetImageStatus, ImageState, original_of
from autobg_mcp.errors import AutobgError, cleaned
from autobg_mcp.pictures.preview import preview
from autobg_mcp.pictures.sheet import Tile, contact_sheet
from autobg_mcp.tool import PictureResult, Shown, Tool

PICTURES_A_SHEET = 12
_FETCHED_AT_ONCE = 2
_BEFORE_PX = 512


class Review(PictureResult):
    """One contact sheet and what is on it."""

    batchID: str
    page: int
    pages: int
    lines: list[str]
    """One line a picture: number, picID, name, state, file or reason."""

    def text(self) -> str:
        """The sheet in words, the reasons, and the next call."""
        more = (
            f" More: reviewBatch batchID={self.batchID} page={self.page + 1}."
            if self.page < self.pages
            else ""
        )
        reasons = ", ".join(get_args(ReportReason))
        return "\n".join(
            [
                f"Batch {self.batchID}, sheet {self.page} of {self.pages}. Left: original where known; right: result.",
                *self.lines,
                f"Bad ones: reportManyImages with picID and reportReason of: {reasons}.{more}",
            ]
        )


class ReviewBatch(Tool[Review]):
    """Show a batch as a contact sheet: 12 numbered pictures a page, before beside after, with picID, name and state.

    Saves the pictures in full size too. The quickest way to find bad results. Free, one call per picture of 100/min.
    """

    tool = "reviewBatch"
    title = "Review a batch"
    effect = "reads"
    toolset = "workflow"

    batchID: BatchID
    page: Annotated[int, Field(ge=1, description="Sheet, from 1.")] = 1

    async def run(self, context: Context) -> Review:
        """Fetch the sheet's pictures, a few at a time so that memory stays small, and draw it."""
        images = (await GetImageStatus(batchID=self.batchID).run(context)).images
        pages = max(1, -(-len(images) // PICTURES_A_SHEET))
        page = min(self.page, pages)
        first = (page - 1) * PICTURES_A_SHEET
        shown = images[first : first + PICTURES_A_SHEET]
        entries: dict[int, tuple[Tile, str]] = {}
        places = anyio.CapacityLimiter(_FETCHED_AT_ONCE)

        async def fetch(number: int, image: ImageState) -> None:
            async with places:
                entries[number] = await _entry(image, context)
                await context.call.progress(
                    f"Fetched {len(entries)} of {len(shown)} pictures", done=len(entries), total=len(shown)
                )

        async with anyio.create_task_group() as group:
            for number, image in enumerate(shown):
                group.start_soon(fetch, number, image)
        ordered = [entries[number] for number in range(len(shown))]
        lines = [f"{first + number}. {line}" for number, (_, line) in enumerate(ordered, 1)]
        tiles = [tile for tile, _ in ordered]
        sheets = [await context.consult(contact_sheet, tiles, first_number=first + 1)] if tiles else []
        return Review(
            batchID=self.batchID,
            page=page,
            pages=pages,
            lines=lines or ["No pictures yet."],
            pictures=[Shown(content=sheet.content, mime=sheet.mime) for sheet in sheets],
        )


async def _entry(image: ImageState, context: Context) -> tuple[Tile, str]:
    """One picture's tile, and its line of text."""
    state: Literal["done", "failed", "pending"] = (
        "failed" if image.isFailed else "done" if image.isProcessed else "pending"
    )
    name = cleaned(image.picName, 80)
    line = f"picID {image.picID} {name}: {state}"
    after, before = None, None
    if state == "done" and isinstance(image.picID, int):
        try:
            picture = await GetImagesRaw(picID=image.picID).run(context)
            after = picture.pictures[0].content
            line += f", {picture.file.path}" + (f" ({picture.kind})" if picture.kind else "")
        except AutobgError as error:
            line += f", not shown: {error}"
    known = await context.consult(context.ledger.picture, context.account, str(image.picID))
    original = await original_of(known, context)
    if original is not None:
        before = (await context.consult(preview, original, max_px=_BEFORE_PX)).content
    return Tile(image.picID, name, state, after=after, before=before), line
