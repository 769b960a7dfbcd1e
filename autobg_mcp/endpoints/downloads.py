"""Downloads: processed pictures in full size, several a call. The endpoint's body and answer are undocumented."""

from typing import Annotated

from pydantic import Field, JsonValue

from autobg_mcp.context import Context
from autobg_mcp.endpoint import FAST, Endpoint, described
from autobg_mcp.endpoints.fields import PicIDsAsText
from autobg_mcp.endpoints.images import decoded
from autobg_mcp.errors import AutobgError, cleaned
from autobg_mcp.exchange import Answer, Request, unexpected
from autobg_mcp.pictures.archive import pictures_in
from autobg_mcp.pictures.kinds import sniff
from autobg_mcp.pictures.outbox import SavedFile
from autobg_mcp.tool import Part, Result

_SHORTEST_BASE64_CHARS = 256
_ZIP = "application/zip"


class NotSaved(Part):
    """Something in the answer that was not saved, and why."""

    name: str
    reason: str


class Download(Result):
    """What came, and where it lies."""

    came: str
    files: list[SavedFile] = Field(default_factory=list)
    notSaved: list[NotSaved] = Field(default_factory=list)

    def next_step(self) -> str:
        """Where something was not saved, another tool may do it."""
        return "getImagesRaw for each picID that is missing" if self.notSaved else ""


class DownloadProcessedImages(Endpoint[Download]):
    """Save several processed pictures in full size and answer the files' paths.

    To look at pictures: reviewBatch. Free. 100 calls/min. Unverified: its body and its answer.
    """

    tool = "downloadProcessedImages"
    title = "Save processed pictures"
    effect = "saves"
    toolset = "custom"
    path = "/images/downloadImages-v2"
    rate = FAST

    picIDs: Annotated[PicIDsAsText, Field(description="From getImageStatus.")]

    async def read(self, request: Request, answer: Answer, context: Context) -> Download:
        """Save whatever the answer carries: a picture, an archive, or JSON with base64 or links somewhere in it.

        Raises:
            UnexpectedAnswerError: It carries none of them.
        """
        kind = sniff(answer.content) or ""
        crate = _Crate(context)
        if kind.startswith("image/") or kind == _ZIP:
            await crate.put("download", answer.content)
            return crate.result("an archive" if kind == _ZIP else "one picture")
        try:
            leaves = _texts(answer.json(), "download")
        except (ValueError, RecursionError):
            raise unexpected(request, described(answer)) from None
        links = [leaf for leaf in leaves if leaf[1].startswith(("https://", "http://"))]
        for name, text in leaves:
            if len(text) >= _SHORTEST_BASE64_CHARS and (content := decoded(text)) is not None:
                await crate.put(name, content)
        for number, (name, link) in enumerate(links, 1):
            await context.call.progress(
                f"Fetching picture {number} of {len(links)}", done=number, total=len(links)
            )
            await crate.fetch(name, link)
        if not crate.files and not crate.not_saved:
            raise unexpected(request, "JSON without pictures or links")
        return crate.result("links" if links else "pictures in base64")


class _Crate:
    """Gathers what is saved and what is not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.files: list[SavedFile] = []
        self.not_saved: list[NotSaved] = []

    async def fetch(self, name: str, link: str) -> None:
        """Save what a link leads to."""
        try:
            await self.put(name, await self._context.api.fetch(link))
        except AutobgError as error:
            self.not_saved.append(NotSaved(name=cleaned(name, 80), reason=str(error)))

    async def put(self, name: str, content: bytes) -> None:
        """Save a picture, or every picture in an archive."""
        try:
            if sniff(content) == _ZIP:
                for inner, picture in await self._context.consult(lambda: list(pictures_in(content))):
                    await self._save(inner, picture)
            else:
                await self._save(name, content)
        except AutobgError as error:
            self.not_saved.append(NotSaved(name=cleaned(name, 80), reason=str(error)))

    def result(self, came: str) -> Download:
        """What came of it all."""
        return Download(came=came, files=self.files, notSaved=self.not_saved)

    async def _save(self, name: str, content: bytes) -> None:
        if not (sniff(content) or "").startswith("image/"):
            self.not_saved.append(NotSaved(name=cleaned(name, 80), reason="it is no picture"))
            return
        save = self._context.outbox.save
        self.files.append(await self._context.consult(save, content, folder="downloads", stem=name))


def _texts(data: JsonValue, name: str) -> list[tuple[str, str]]:
    """Every text in a JSON value with the name of what it belongs to: its picID, else its key or place."""
    if isinstance(data, str):
        return [(name, data)]
    if isinstance(data, list):
        return [pair for place, item in enumerate(data, 1) for pair in _texts(item, f"{name}-{place}")]
    if isinstance(data, dict):
        own = data.get("picID") or data.get("fileName")
        return [pair for key, item in data.items() for pair in _texts(item, str(own or key))]
    return []
