"""Downloads: processed pictures in full size, several a call. The endpoint's body and answer are undocumented."""

from functools import partial
from typing import Annotated

from pydantic import Field, JsonValue

from autobg_mcp.context import Context
from autobg_mcp.endpoint import FAST, Endpoint, described
from autobg_mcp.endpoints.fields import PicIDsAsText
from autobg_mcp.endpoints.images import decoded
from autobg_mcp.exchange import Answer, Request, unexpected
from autobg_mcp.pictures.kinds import sniff
from autobg_mcp.pictures.outbox import SavedFile
from autobg_mcp.tool import Result

_SHORTEST_BASE64_CHARS = 256


class Download(Result):
    """What came, and where it lies."""

    came: str
    """What the answer was made of."""
    files: list[SavedFile] = Field(default_factory=list)
    links: list[str] = Field(default_factory=list)

    def next_step(self) -> str:
        """Where nothing was saved, another tool does it."""
        return "" if self.files else "getImagesRaw for each picID"


class DownloadProcessedImages(Endpoint[Download]):
    """Save several processed pictures in full size at once and answer the files' paths.

    To look at one: getImagesRaw. Free. 100 calls/min. Unverified: its body and its answer.
    """

    tool = "downloadProcessedImages"
    title = "Save processed pictures"
    effect = "saves"
    toolset = "custom"
    path = "/images/downloadImages-v2"
    rate = FAST

    picIDs: Annotated[
        PicIDsAsText, Field(min_length=1, max_length=100, description="picIDs from getImageStatus.")
    ]

    async def read(self, request: Request, answer: Answer, context: Context) -> Download:
        """Save whatever the answer carries: a file, or JSON with base64 pictures or links somewhere in it.

        Raises:
            UnexpectedAnswerError: It carries none of them.
        """
        if (sniff(answer.content) or "").startswith(("image/", "application/zip")):
            return Download(came="one file", files=[await self._save(answer.content, "download", context)])
        try:
            leaves = list(_texts(answer.json(), "download"))
        except (ValueError, RecursionError):
            raise unexpected(request, described(answer)) from None
        files: list[SavedFile] = []
        for name, text in leaves:
            content = decoded(text) if len(text) >= _SHORTEST_BASE64_CHARS else None
            if content is not None and (sniff(content) or "").startswith("image/"):
                files.append(await self._save(content, name, context))
        links = [text for _, text in leaves if text.startswith(("https://", "http://"))]
        if not files and not links:
            raise unexpected(request, "JSON without pictures or links")
        return Download(came="pictures in base64" if files else "links", files=files, links=links)

    async def _save(self, content: bytes, name: str, context: Context) -> SavedFile:
        return await anyio.to_thread.run_sync(
            partial(context.outbox.save, content, folder="downloads", stem=name)
        )


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
