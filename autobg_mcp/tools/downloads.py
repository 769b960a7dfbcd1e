"""Downloads: processed pictures in full size, several a call. The endpoint's body and answer are undocumented."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Self

import anyio.to_thread
from pydantic import Field, JsonValue, model_validator

from autobg_mcp.api.exchange import Answer, Request, described, unexpected
from autobg_mcp.errors import OutOfCreditsError, RequestRefusedError, UnexpectedAnswerError
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import ZIP, is_picture, kind_of
from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import FAST, Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools.crate import Crate, Found, NotSaved
from autobg_mcp.tools.fields import BatchID, PicIDsAsText
from autobg_mcp.tools.mistaken import advise_on_pictures
from autobg_mcp.tools.several import LeftOut, one_of_both, processed_of, steps_for
from autobg_mcp.tools.sieve import Group, Sieve

_SHORTEST_BASE64_CHARS = 256
_LONGEST_NAME_CHARS = 100
_MOST_TEXTS = 500
_ID = re.compile(r"[0-9]{1,18}")


class Download(Result):
    """What came, and where it lies."""

    came: str
    files: list[SavedFile] = Field(default_factory=list)
    notSaved: list[NotSaved] = Field(default_factory=list)
    sinceReport: list[str] = Field(default_factory=list)
    """What became of pictures since they were reported."""
    missing: int = Field(default=0, exclude=True)
    """Pictures that were asked for and did not come, but for those that are left out."""
    left: list[LeftOut] = Field(default_factory=list, exclude=True)
    """Pictures that the API does not give."""
    remedy: str = Field(default="", exclude=True)
    """What to do where this machine could not save one."""

    def next_step(self) -> str:
        """What was not saved or did not come, another tool may get, unless this machine saves nothing."""
        if self.remedy:
            return self.remedy
        came = "" if self.notSaved else f"{self.missing} pictures did not come: "
        missing = [f"{came}getImagesRaw for each picID that is missing"] if self.missing else []
        return "; ".join([*steps_for(self.left), *missing])

    @classmethod
    def joined(cls, parts: list[Self], left: list[LeftOut]) -> Self:
        """One answer for all calls, with the pictures that none of them served."""
        refused = [NotSaved(name=str(pic_id), reason=one.reason) for one in left for pic_id in one.picIDs]
        return cls(
            came=", ".join(dict.fromkeys(part.came for part in parts)),
            files=[file for part in parts for file in part.files],
            notSaved=[*(one for part in parts for one in part.notSaved), *refused],
            sinceReport=[mark for part in parts for mark in part.sinceReport],
            missing=sum(part.missing for part in parts),
            left=left,
            remedy="; ".join(dict.fromkeys(part.remedy for part in parts if part.remedy)),
        )


class DownloadProcessedImages(Endpoint[Download]):
    """Save processed pictures in full size, picIDs or those of a whole batch, and answer the files' paths.

    To look at pictures: reviewBatch. Free. 100 calls/min. Unverified: its body and its answer.
    """

    tool = "downloadProcessedImages"
    title = "Save processed pictures"
    effect = "saves"
    toolset = "custom"
    path = "/images/downloadImages-v2"
    rate = FAST
    max_answer_bytes = 128 * 2**20

    picIDs: PicIDsAsText | None = None
    batchID: BatchID | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        return one_of_both(self, self.picIDs, self.batchID)

    async def run(self, context: Context) -> Download:
        """Ask for a whole batch as such, and picture by picture where that is refused; serve what the API gives.

        Raises:
            AutobgError: No picture came.
        """
        asked, left = self.picIDs or [], list[LeftOut]()
        if self.batchID is not None:
            asked, left = await processed_of(self.batchID, self.tool, context)
            try:
                # The body is undocumented. The vendor's own app downloads by batch.
                return Download.joined([await self._ask(asked, context, self.batchID)], left)
            except (RequestRefusedError, UnexpectedAnswerError) as error:
                if isinstance(error, OutOfCreditsError):
                    raise
        sieve = Sieve[Download](context, self.tool, self.rate, left=left)
        await sieve.serve([Group(asked, lambda pic_ids: self._ask(pic_ids, context))])
        if not sieve.answers:
            raise sieve.failure()
        return Download.joined(sieve.answers, sieve.left)

    async def advise(self, error: RequestRefusedError, context: Context) -> None:
        """Batches in the place of pictures, and the batch of those in work."""
        await advise_on_pictures(error, self.picIDs or [], context)

    async def _ask(self, pic_ids: list[int], context: Context, batch_id: str | None = None) -> Download:
        return await super(
            DownloadProcessedImages, self.model_copy(update={"picIDs": pic_ids, "batchID": batch_id})
        ).run(context)

    def wire(self) -> dict[str, JsonValue]:
        """A whole batch is asked for by its number; its pictures are known all the same."""
        values = super().wire()
        return {"batchID": values["batchID"]} if self.batchID is not None else values

    async def parse(self, request: Request, answer: Answer, context: Context) -> Download:
        """Save whatever the answer carries: a picture, an archive, or JSON with base64 or links somewhere in it.

        Raises:
            UnexpectedAnswerError: It carries none of them.
        """
        asked = self.picIDs or []
        crate = Crate(asked, context)
        name = str(asked[0]) if len(asked) == 1 else "download"
        if _holds_pictures(answer.content):
            await crate.put(name, answer.content)
            came = "one picture" if is_picture(answer.content) else "an archive"
        else:
            came = await self._unpack(request, answer, name, crate)
        not_saved = crate.not_saved()
        if not crate.files and not not_saved:
            raise unexpected(request, f"{came} without pictures")
        return Download(
            came=came,
            files=crate.files,
            notSaved=not_saved,
            sinceReport=crate.marks,
            missing=max(0, len(asked) - len(crate.files)),
            remedy=crate.remedy,
        )

    async def _unpack(self, request: Request, answer: Answer, name: str, crate: Crate) -> str:
        """Save what JSON holds or leads to, and answer in a word what it was."""
        found = await anyio.to_thread.run_sync(_candidates, answer, name)
        if found is None:
            bare = await anyio.to_thread.run_sync(decoded, answer.content) or b""
            if not _holds_pictures(bare):
                raise unexpected(request, described(answer))
            await crate.put(name, bare)
            return "base64"
        if len(found) > _MOST_TEXTS:
            raise unexpected(request, f"more than {_MOST_TEXTS} links or pictures")
        await crate.take(found)
        if any(one.is_link() for one in found):
            return "links"
        return "base64" if crate.files or crate.not_saved() else "JSON"


def _holds_pictures(content: bytes) -> bool:
    return is_picture(content) or kind_of(content) == ZIP


def _candidates(answer: Answer, name: str) -> list[Found] | None:
    """The texts in JSON that may be pictures or lead to some, each once; None where the answer is no JSON."""
    try:
        data = answer.json()
    except ValueError:
        return None
    texts = {one.text: one for one in islice(_texts(data, name), _MOST_TEXTS + 1)}
    return list(texts.values())


def _texts(data: JsonValue, name: str) -> Iterator[Found]:
    """Links and long texts with the name of what they belong to: a picID or file's name, else their place."""
    if isinstance(data, str):
        found = Found(name, data)
        if found.is_link() or len(data) >= _SHORTEST_BASE64_CHARS:
            yield found
    elif isinstance(data, list):
        for place, item in enumerate(data, 1):
            yield from _texts(item, f"{name}-{place}")
    elif isinstance(data, dict):
        own = data.get("picID") or data.get("fileName")
        name = str(own)[:_LONGEST_NAME_CHARS] if isinstance(own, str | int) else name
        for key, item in data.items():
            yield from _texts(item, key if _ID.fullmatch(key) else name)
