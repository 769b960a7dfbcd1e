"""Reviewing a batch: contact sheets that a model judges at a glance."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import anyio
from pydantic import Field

from autobg_mcp.errors import AutobgError
from autobg_mcp.pictures.lane import in_lane
from autobg_mcp.pictures.sheet import MOST_TILES, Tile, contact_sheet
from autobg_mcp.text import cleaned, local_path, quoted
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import PictureResult, Tool
from autobg_mcp.tools.fields import LARGEST_ID, NO_BOOLEAN, BatchID, ReportReason
from autobg_mcp.tools.images import GetImagesRaw, GetImageStatus, Picture, original_of
from autobg_mcp.tools.keeping import mark_of
from autobg_mcp.tools.status import BatchStatus, ImageState

_FETCHED_AT_ONCE = 2
_NAME_CHARS = 24


class Review(PictureResult):
    """One contact sheet and what is on it."""

    batchID: str
    page: int
    pages: int
    lines: list[str]
    """One line a picture: number, picID, name, state, and what else is to be known."""
    folders: list[str]
    """Where the files lie, each named by its picID; empty where none was saved."""
    unfinished: bool
    """Whether a picture is pending, or could not be fetched."""
    late: list[str]
    """The picIDs of pictures that the call's time did not suffice for."""
    unchanged: bool = False
    """Whether a picture is the same as when it was reported."""
    queued: str = ""
    """That photos of its vehicle are still to be sent, and until when."""
    instead: str = ""
    """What is said where there is nothing to show; empty where there is a sheet."""
    instead_next: str = ""
    """The next call there."""

    def text(self) -> str:
        """The sheet in words, the reasons, and the next call."""
        if self.instead:
            return f"{self.instead} Next: {self.next_step()}"
        saved = f" Files: {', '.join(self.folders)}, named by picID" if self.folders else ""
        return "\n".join(
            [
                f"Batch {self.batchID}, sheet {self.page} of {self.pages}. Left: before; right: after.{saved}",
                *self.lines,
                *([self.queued] if self.queued else []),
                f"Next: {self.next_step()}",
            ]
        )

    def next_step(self) -> str:
        """Report what is bad, come back for what is pending, and go on to the next sheet."""
        if self.instead:
            return self.instead_next
        steps = [f"report bad ones with reportManyImages, reasons: {', '.join(get_args(ReportReason))}"]
        if self.unfinished:
            steps.append(f"waitForBatch, then page {self.page} again for what is missing here")
        if self.late:
            steps.append(f"getImagesRaw for each that the time did not suffice for: {', '.join(self.late)}")
        if self.unchanged:
            steps.append("what is the same as when reported may still be redone: review again later")
        if self.page < self.pages:
            steps.append(f"reviewBatch batchID={self.batchID} page={self.page + 1}")
        return "; ".join(steps)


class ReviewBatch(Tool[Review]):
    """Show a batch as a contact sheet: 12 numbered pictures a page, before beside after, with picID, name and state.

    Saves the pictures in full size too. Free, one call per picture of 100/min.
    """

    tool = "reviewBatch"
    title = "Review a batch"
    effect = "reads"
    toolset = "workflow"

    batchID: BatchID
    page: Annotated[int, Field(ge=1, le=LARGEST_ID, description="Sheet, from 1."), NO_BOOLEAN] = 1

    async def run(self, context: Context) -> Review:
        """Fetch the sheet's pictures, a few at a time so that memory stays small, and draw it."""
        status = await (await GetImageStatus(batchID=self.batchID).run(context)).with_queued(context)
        pages = max(1, -(-len(status.images) // MOST_TILES))
        first = (self.page - 1) * MOST_TILES
        images = status.images[first : first + MOST_TILES]
        instead, instead_next = self._instead(images, status, pages)
        entries = [] if instead else await _entries(images, context)
        tiles = [entry.tile for entry in entries]
        sheets = [await in_lane(contact_sheet, tiles, first_number=first + 1)] if tiles else []
        return Review(
            batchID=self.batchID,
            page=self.page,
            pages=pages,
            lines=[f"{first + number}. {entry.line}" for number, entry in enumerate(entries, 1)],
            folders=sorted({local_path(entry.file.parent) for entry in entries if entry.file}),
            unfinished=bool(status.queued) or any(entry.unfinished for entry in entries),
            queued=status.rest("more of it") if status.queued else "",
            late=[str(entry.tile.picID) for entry in entries if entry.late],
            unchanged=any(entry.unchanged for entry in entries),
            instead=instead,
            instead_next=instead_next,
            pictures=[sheet.content for sheet in sheets],
        )

    def _instead(self, images: list[ImageState], status: BatchStatus, pages: int) -> tuple[str, str]:
        """What is said where there is nothing to show, and the next call; empty where there is something."""
        batch, again = f"Batch {self.batchID}", f"reviewBatch batchID={self.batchID} page="
        if not status.total:
            return f"{batch} has no pictures yet.", status.next_step()
        if self.page > pages:
            return f"{batch} ends with sheet {pages}: there is no sheet {self.page}.", f"{again}{pages}"
        if any(image.isProcessed or image.isFailed for image in images):
            return "", ""
        if not status.done:
            return f"{batch}: {status.total} of {status.total} pictures are in work.", status.next_step()
        more = f"; {again}{self.page + 1}" if self.page < pages else ""
        of_it = f"{batch}, sheet {self.page} of {pages}: {len(images)} of {len(images)} pictures are in work."
        return of_it, status.next_step() + more


class _Entry(NamedTuple):
    tile: Tile
    line: str
    file: Path | None = None
    unfinished: bool = False
    late: bool = False
    unchanged: bool = False


async def _entries(images: list[ImageState], context: Context) -> list[_Entry]:
    """What is shown and said of each picture, in order."""
    entries: dict[int, _Entry] = {}
    places = anyio.CapacityLimiter(_FETCHED_AT_ONCE)

    async def fetch(number: int, image: ImageState) -> None:
        async with places:
            entries[number] = await _entry(image, context)
            done, total = len(entries), len(images)
            await context.progress(f"Fetched {done} of {total} pictures", done=done, total=total)

    async with anyio.create_task_group() as group:
        for number, image in enumerate(images):
            group.start_soon(fetch, number, image)
    return [entries[number] for number in range(len(images))]


async def _entry(image: ImageState, context: Context) -> _Entry:
    """One picture's tile and line; what cannot be fetched is told in its line and spoils no other."""
    state: Literal["done", "failed", "pending"] = (
        "failed" if image.isFailed else "done" if image.isProcessed else "pending"
    )
    pic_id, name = cleaned(str(image.picID), 40), cleaned(image.picName)
    line = f"picID {pic_id} {quoted(_shortened(name))}: {state}"
    unfinished, late = state == "pending", False
    if state == "done":
        try:
            picture = await GetImagesRaw.from_arguments({"picID": image.picID}).run(context)
        except AutobgError as error:
            line += f", not shown: {cleaned(str(error))}"
            late = error.repeatable and not context.time.may_begin()
            unfinished = error.repeatable and not late
        else:
            return _shown(picture, line, pic_id, name)
    mark = await mark_of(image.picID, context)
    line += f", {mark}" if mark else ""
    known = await context.ledger.picture(context.account.id, str(image.picID))
    tile = Tile(pic_id, name, state, before=await original_of(known, context))
    return _Entry(tile, line, unfinished=unfinished, late=late)


def _shown(picture: Picture, line: str, pic_id: str, name: str) -> _Entry:
    """The tile and line of a picture that was fetched."""
    after = picture.pictures[0] if picture.pictures else None
    tile = Tile(pic_id, name, "done", after=after, before=picture.before)
    kind = picture.kind or ("" if after else f"saved, {picture.shown}")
    told = ", ".join(filter(None, (line, kind, picture.mark)))
    return _Entry(tile, told, Path(picture.file.path), unchanged=picture.unchanged)


def _shortened(name: str) -> str:
    """A name's beginning and end, where names of one car differ: a model pays for every character."""
    return name if len(name) <= _NAME_CHARS else f"{name[:8]}…{name[9 - _NAME_CHARS :]}"
