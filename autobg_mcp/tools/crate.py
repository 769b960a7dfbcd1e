"""What one call saves of an answer: as many pictures as were asked for, and so many bytes."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from autobg_mcp.errors import AutobgError, FileRefusedError
from autobg_mcp.files.archive import pictures_in
from autobg_mcp.files.base64 import decoded
from autobg_mcp.files.kinds import ZIP, is_picture, kind_of
from autobg_mcp.files.outbox import SavedFile
from autobg_mcp.text import cleaned
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.tool import Part
from autobg_mcp.tools.keeping import keep

MOST_SAVED_BYTES = 512 * 2**20
"""The most bytes that one call saves: 8 pictures of the largest size, or 100 of a usual one."""

_MOST_SURPLUS_NAMED = 20
_LONGEST_NAME_CHARS = 80
_ID_IN_FRONT = re.compile(r"[0-9]{1,18}")
_SURPLUS = "left out: more pictures came than were asked for"


class NotSaved(Part):
    """Something in the answer that was not saved, and why."""

    name: str
    reason: str


class Found(NamedTuple):
    """A text in an answer that may be a picture or lead to one, and what it belongs to."""

    name: str
    text: str

    def is_link(self) -> bool:
        """Whether it leads to a picture, else it may be one."""
        return self.text.startswith(("https://", "http://"))


def id_in(name: str) -> int | None:
    """The picID that a name begins with."""
    found = _ID_IN_FRONT.match(name)
    return int(found[0]) if found else None


class Crate:
    """Gathers what is saved and what is not; a failure costs only the picture it meets.

    Args:
        pic_ids: The pictures that were asked for; no more files are kept.
        context: Where files are saved and links are fetched.
    """

    def __init__(self, pic_ids: Sequence[int], context: Context) -> None:
        self._pic_ids = frozenset(pic_ids)
        self._context = context
        self._left_bytes = MOST_SAVED_BYTES
        self._first: dict[int, Path] = {}
        self._failed: list[NotSaved] = []
        self._surplus: list[str] = []
        self.files: list[SavedFile] = []
        self.marks: list[str] = []
        """What became of pictures since they were reported."""
        self.remedy = ""
        """What to do where this machine could not save a picture; empty where it could."""

    def not_saved(self) -> list[NotSaved]:
        """What failed and what was left out, of a long surplus the number."""
        named = [NotSaved(name=name, reason=_SURPLUS) for name in self._surplus[:_MOST_SURPLUS_NAMED]]
        more = len(self._surplus) - len(named)
        return [*self._failed, *named, *([NotSaved(name=f"{more} more", reason=_SURPLUS)] if more else [])]

    async def take(self, found: Sequence[Found]) -> None:
        """Save what was found, links one after another as long as the call may begin another."""
        total = min(sum(one.is_link() for one in found), len(self._pic_ids))
        fetched = 0
        for one in self._in_turn(found):
            if not one.is_link():
                content = await anyio.to_thread.run_sync(decoded, one.text)
                await self.put(one.name, content) if content is not None else None
            elif len(self.files) >= len(self._pic_ids):
                self._leave_over(one.name)
            elif not self._context.time.may_begin():
                self._fail(one.name, "not fetched: the time was over; call again with what is missing")
            else:
                fetched = min(fetched + 1, total)
                progress = f"Fetching picture {fetched} of {total}"
                await self._context.progress(progress, done=fetched, total=total)
                await self._fetch(*one)

    async def put(self, name: str, content: bytes) -> None:
        """Save a picture, or the pictures in an archive one after another."""
        try:
            if kind_of(content) != ZIP:
                await self._save(name, content)
                return
            pictures = pictures_in(content)
            while (inner := await anyio.to_thread.run_sync(next, pictures, None)) is not None:
                await self._save(*inner)
        except AutobgError as error:
            self._fail(name, str(error))

    def _in_turn(self, found: Sequence[Found]) -> list[Found]:
        """First one of each picture, those that were asked for before others, then the seconds, and so on."""
        seen: Counter[int | str | None] = Counter()
        ranked = []
        for place, one in enumerate(found):
            pic_id = id_in(one.name)
            picture = pic_id if pic_id in self._pic_ids else one.name
            ranked.append((seen[picture], picture is not pic_id, place, one))
            seen[picture] += 1
        return [one for *_, one in sorted(ranked)]

    async def _fetch(self, name: str, link: str) -> None:
        try:
            content = await self._context.fetch(link)
        except AutobgError as error:
            self._fail(name, str(error))
        else:
            await self.put(name, content)

    async def _save(self, name: str, content: bytes) -> None:
        if not is_picture(content):
            self._fail(name, "it is no picture")
        elif len(self.files) >= len(self._pic_ids):
            self._leave_over(name)
        elif len(content) > self._left_bytes:
            self._fail(
                name,
                f"one call keeps {MOST_SAVED_BYTES >> 20} MB, which were full; call again with what is missing",
            )
        else:
            await self._keep(name, content)

    async def _keep(self, name: str, content: bytes) -> None:
        pic_id = id_in(name)
        try:
            if pic_id is None or pic_id not in self._pic_ids:
                file = await self._context.save(content, folder="downloads", stem=name)
            else:
                file = await self._keep_of(pic_id, content)
        except FileRefusedError as error:
            self._fail(name, str(error))
            self.remedy = error.next_step
        else:
            self.files.append(file)
            self._left_bytes -= len(content)

    async def _keep_of(self, pic_id: int, content: bytes) -> SavedFile:
        """Save a picture by its picID; a second one of the same answer, such as another size, stands beside the first."""
        first = self._first.get(pic_id)
        if first is not None:
            return await self._context.save(content, folder=first.parent.name, stem=first.name)
        kept = await keep(pic_id, content, self._context)
        self._first[pic_id] = Path(kept.file.path)
        self.marks += [f"picID {pic_id}: {kept.mark}"] if kept.mark else []
        return kept.file

    def _fail(self, name: str, reason: str) -> None:
        self._failed.append(NotSaved(name=cleaned(name, _LONGEST_NAME_CHARS), reason=reason))

    def _leave_over(self, name: str) -> None:
        self._surplus.append(cleaned(name, _LONGEST_NAME_CHARS))
