"""Downloads: processed pictures in full size, several a call. The endpoint's body and answer are undocumented."""

import re

import anyio
from pydantic import Field, JsonValue

from autobg_mcp.api.exchange import Answer, Request, unexpected
from autobg_mcp.errors import AutobgError, FileRefusedError
from autobg_mcp.files.archive import pictures_in
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import sniff
from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, Endpoint, described
from autobg_mcp.toolkit.tool import Part, Result
from autobg_mcp.tools.fields import PicIDsAsText
from autobg_mcp.tools.images import place_of

_SHORTEST_BASE64_CHARS = 256
_MOST_TEXTS = 500
_ZIP = "application/zip"
_ID_IN_FRONT = re.compile(r"[0-9]{1,18}")


class NotSaved(Part):
    """Something in the answer that was not saved, and why."""

    name: str
    reason: str


class Download(Result):
    """What came, and where it lies."""

    came: str
    files: list[SavedFile] = Field(default_factory=list)
    notSaved: list[NotSaved] = Field(default_factory=list)
    missing: int = Field(default=0, exclude=True)
    """Pictures that were asked for and did not come."""

    def next_step(self) -> str:
        """Where something was not saved or did not come, another tool may do it."""
        if self.missing and not self.notSaved:
            return f"{self.missing} pictures did not come: getImagesRaw for each picID that is missing"
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
    max_answer_bytes = 128 * 2**20

    picIDs: PicIDsAsText

    async def read(self, request: Request, answer: Answer, context: Context) -> Download:
        """Save whatever the answer carries: a picture, an archive, or JSON with base64 or links somewhere in it.

        Raises:
            UnexpectedAnswerError: It carries none of them.
        """
        crate = _Crate(self.picIDs, context)
        name = str(self.picIDs[0]) if len(self.picIDs) == 1 else "download"
        kind = sniff(answer.content) or ""
        if kind == _ZIP or kind.startswith("image/"):
            await crate.put(name, answer.content)
            came = "an archive" if kind == _ZIP else "one picture"
        else:
            came = await self._unpack(request, answer, name, crate)
        if not crate.files and not crate.not_saved:
            raise unexpected(request, f"{came} without pictures")
        missing = max(0, len(self.picIDs) - len(crate.files) - len(crate.not_saved))
        return Download(came=came, files=crate.files, notSaved=crate.not_saved, missing=missing)

    async def _unpack(self, request: Request, answer: Answer, name: str, crate: "_Crate") -> str:
        """Save what JSON holds or leads to, and answer in a word what it was."""
        try:
            texts = _texts(answer.json(), name)
        except ValueError:
            bare = decoded(answer.content.decode("ascii", "replace")) or b""
            if not (sniff(bare) or "").startswith(("image/", _ZIP)):
                raise unexpected(request, described(answer)) from None
            await crate.put(name, bare)
            return "base64"
        links = {text: name for name, text in texts if text.startswith(("https://", "http://"))}
        coded = [pair for pair in texts if pair[1] not in links and len(pair[1]) >= _SHORTEST_BASE64_CHARS]
        if len(links) + len(coded) > _MOST_TEXTS:
            raise unexpected(request, f"more than {_MOST_TEXTS} links or pictures")
        for place, text in coded:
            if (content := decoded(text)) is not None:
                await crate.put(place, content)
        await crate.fetch(links)
        return "links" if links else "base64" if crate.files or crate.not_saved else "JSON"


class _Crate:
    """Gathers what is saved and what is not; a failure costs only the picture it meets."""

    def __init__(self, pic_ids: list[int], context: Context) -> None:
        self._pic_ids = pic_ids
        self._context = context
        self.files: list[SavedFile] = []
        self.not_saved: list[NotSaved] = []

    async def fetch(self, links: dict[str, str]) -> None:
        """Save what each link leads to, by link and name, as long as one request may take."""
        ends_at = anyio.current_time() + self._context.settings.timeout_s
        for number, (link, name) in enumerate(links.items(), 1):
            if anyio.current_time() > ends_at:
                self._leave(name, "not fetched: the time was over; call again with what is missing")
                continue
            await self._context.progress(
                f"Fetching picture {number} of {len(links)}", done=number, total=len(links)
            )
            try:
                content = await self._context.fetch(link)
            except AutobgError as error:
                self._leave(name, str(error))
            else:
                await self.put(name, content)

    async def put(self, name: str, content: bytes) -> None:
        """Save a picture, or the pictures in an archive one after another."""
        try:
            if sniff(content) != _ZIP:
                await self._save(name, content)
                return
            pictures = pictures_in(content)
            while (inner := await self._context.consult(next, pictures, None)) is not None:
                await self._save(*inner)
        except AutobgError as error:
            self._leave(name, str(error))

    async def _save(self, name: str, content: bytes) -> None:
        if not (sniff(content) or "").startswith("image/"):
            self._leave(name, "it is no picture")
            return
        folder, stem = await self._place(name)
        try:
            file = await self._context.save(content, folder=folder, stem=stem)
        except FileRefusedError as error:
            self._leave(name, str(error))
        else:
            self.files.append(file)

    async def _place(self, name: str) -> tuple[str, str]:
        """Folder and name of a file: by its picID where its name begins with one that was asked for."""
        found = _ID_IN_FRONT.match(name)
        if found is None or (pic_id := int(found[0])) not in self._pic_ids:
            return "downloads", name
        known = await self._context.consult(
            self._context.ledger.picture, self._context.account.id, str(pic_id)
        )
        return place_of(pic_id, known)

    def _leave(self, name: str, reason: str) -> None:
        self.not_saved.append(NotSaved(name=cleaned(name, 80), reason=reason))


def _texts(data: JsonValue, name: str) -> list[tuple[str, str]]:
    """Every text in a JSON value with the name of what it belongs to: its picID or file's name, else its place."""
    if isinstance(data, str):
        return [(name, data)]
    if isinstance(data, list):
        return [pair for place, item in enumerate(data, 1) for pair in _texts(item, f"{name}-{place}")]
    if isinstance(data, dict):
        own = data.get("picID") or data.get("fileName")
        name = str(own) if isinstance(own, str | int) else name
        return [
            pair
            for key, item in data.items()
            for pair in _texts(item, key if _ID_IN_FRONT.fullmatch(key) else name)
        ]
    return []
