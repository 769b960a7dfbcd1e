"""From folders and glob patterns to picture files, without ever listing a folder outside the fence."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.text import quoted

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif"})
"""Endings that a file in a folder needs to be taken for a picture; its bytes decide later."""

_MOST_ENTRIES = 50_000
_DIGITS = re.compile(r"(\d+)")


class FolderEntry(NamedTuple):
    """One name in a folder; a link is no folder, wherever it leads."""

    name: str
    is_folder: bool


class Search:
    """One search, bounded in the number of folder entries it looks at.

    Args:
        entries: Lists a folder after checking it; raises FileRefusedError for one that may not be listed.
        holds: Whether a path really lies where reading is allowed.
        skips: A folder that is not looked into, nor anything below it.
    """

    def __init__(
        self,
        *,
        entries: Callable[[Path], list[FolderEntry]],
        holds: Callable[[Path], bool],
        skips: Path | None = None,
    ) -> None:
        self._entries = entries
        self._holds = holds
        self._skips = skips
        self._left = _MOST_ENTRIES

    def pictures_in(self, folder: Path) -> list[Path]:
        """The pictures directly in `folder`, in natural order."""
        return self.matching(folder, ("*",))

    def matching(self, base: Path, parts: tuple[str, ...]) -> list[Path]:
        """The pictures below `base` whose path matches the pattern `parts`, in natural order."""
        return sorted(dict.fromkeys(self._walk(base, parts)), key=_natural)

    def _walk(self, at: Path, parts: tuple[str, ...]) -> Iterator[Path]:
        if not parts:
            if at.suffix.lower() in PICTURE_SUFFIXES and at.is_file() and self._holds(at):
                yield at
        elif parts[0] == "**":
            yield from self._walk_deep(at, parts[1:] or ("*",))
        elif os.path.lexists(at / parts[0]):
            yield from self._walk(at / parts[0], parts[1:])
        elif at.is_dir():
            for entry in self._listed(at):
                if _matches(entry.name, parts[0]):
                    yield from self._walk(at / entry.name, parts[1:])

    def _walk_deep(self, at: Path, rest: tuple[str, ...]) -> Iterator[Path]:
        while rest[0] == "**" and len(rest) > 1:
            rest = rest[1:]
        yield from self._walk(at, rest)
        for entry in self._listed(at):
            if entry.is_folder and not entry.name.startswith("."):
                yield from self._walk_deep(at / entry.name, rest)

    def _listed(self, folder: Path) -> list[FolderEntry]:
        if not self._holds(folder) or (
            self._skips and Path(os.path.realpath(folder)).is_relative_to(self._skips)
        ):
            return []
        entries = self._entries(folder)
        self._left -= len(entries)
        if self._left < 0:
            raise FileRefusedError(
                f"The search stopped in {quoted(folder.name)}: it met more than {_MOST_ENTRIES} files and folders.",
                next_step="Name the folder that holds the pictures.",
            )
        return entries


def _matches(name: str, pattern: str) -> bool:
    """Shell matching; composed and decomposed accents are the same letter, hidden names need a leading dot."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatchcase(unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", pattern))


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts `car2.jpg` before `car10.jpg`."""
    pieces = _DIGITS.split(str(path).casefold())
    return [(0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces]
