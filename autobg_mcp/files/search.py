"""From folders and glob patterns to picture files, without ever listing a folder outside the fence.

A folder is opened, checked and read once, whatever the pattern asks of it; a file in a checked folder needs no look of
its own. What cannot be read is kept aside with the reason and hides nothing else.
"""

import errno
import functools
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from pathlib import Path
from typing import NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import FolderEntry, Identity, Listing
from autobg_mcp.text import quoted

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif")
"""Endings that a file in a folder needs to be taken for a picture; its bytes decide later."""

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What the system says of a path that leads to nothing."""

_MOST_ENTRIES = 200_000
_DIGITS = re.compile(r"(\d+)")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_DEEP = "**"

Pattern = tuple[str, ...]
"""A glob pattern, part by part."""


class Match(NamedTuple):
    """A picture file, and who it is where that is known."""

    path: str
    identity: Identity | None


class Unread(NamedTuple):
    """A file or folder that could not be looked at, and why."""

    path: Path
    error: FileRefusedError


class _Step(NamedTuple):
    """A folder to look into, and the parts of the pattern that its entries may match."""

    path: str
    parts: frozenset[int]
    is_plain: bool
    """Whether it was met in a checked folder and is no link: then it lies there too."""


class Search:
    """One search, bounded in the number of folder entries it looks at.

    Args:
        list_folder: Lists at most so many entries of a folder after checking it, and follows links to it unless it is
            told that there is none; raises FileRefusedError for one that may not or cannot be listed.
        holds: Whether a path really lies where reading is allowed.
        skips: A folder that is not looked into, nor anything below it, as a path without links.
    """

    def __init__(
        self,
        *,
        list_folder: Callable[[Path, int, bool], Listing],
        holds: Callable[[Path], bool],
        skips: Path | None = None,
    ) -> None:
        self.unread: list[Unread] = []
        self.others: list[str] = []
        """Names of files that were met where a picture would have been taken, without a picture's ending."""
        self._list_folder = list_folder
        self._holds = holds
        self._skips = skips
        self._left = _MOST_ENTRIES

    def pictures_in(self, folder: Path) -> Iterator[Match]:
        """The pictures directly in `folder`, in natural order."""
        return self.matching(folder, ("*",))

    def matching(self, base: Path, pattern: Pattern) -> Iterator[Match]:
        """The pictures below `base` whose path matches the parts of `pattern`, in natural order, folder by folder.

        Raises:
            FileRefusedError: There are too many files and folders to look at.
        """
        if not pattern:
            return
        pattern = (*pattern, "*") if pattern[-1] == _DEEP else pattern
        # A stack of what is left to do on each level, for trees that are deeper than Python's own.
        levels: list[Iterator[_Step | Match]] = [
            iter([_Step(str(base), _reached({0}, pattern), is_plain=False)])
        ]
        while levels:
            step = next(levels[-1], None)
            if step is None:
                levels.pop()
            elif isinstance(step, Match):
                yield step
            else:
                levels.append(self._steps(step, pattern))

    def listed(self, folder: Path, *, is_plain: bool = False) -> list[FolderEntry]:
        """What a folder holds; nothing where it lies outside, is left out, is gone or cannot be read, which is noted.

        Args:
            folder: The folder.
            is_plain: Whether it was met in a checked folder and is no link: then it lies there too.

        Raises:
            FileRefusedError: There are too many files and folders to look at.
        """
        if not (is_plain or self._holds(folder)):
            return []
        try:
            real, entries = self._list_folder(folder, self._left + 1, is_plain)
        except FileRefusedError as error:
            if not _is_gone(folder):
                self.unread.append(Unread(folder, error))
            return []
        if self.leaves_out(Path(real or folder)):
            return []
        self._left -= len(entries)
        if self._left < 0:
            raise FileRefusedError(
                f"The search stopped in {quoted(folder.name)}: it met more than {_MOST_ENTRIES:,} files and folders.",
                next_step="Name the folder that holds the pictures.",
            )
        return entries

    def leaves_out(self, real: Path) -> bool:
        """Whether a folder, named without links, is one that is not looked into."""
        return self._skips is not None and real.is_relative_to(self._skips)

    def note(self, path: Path, reason: str) -> None:
        """Keep aside what cannot be looked at."""
        self.unread.append(Unread(path, FileRefusedError(f"{quoted(path.name)} {reason}.")))

    def _steps(self, at: _Step, pattern: Pattern) -> Iterator[_Step | Match]:
        """What a folder has for the parts of the pattern that have come to it."""
        prefix = os.path.join(at.path, "")  # noqa: PTH118  # a Path for each entry would take most of the time
        open_parts = []
        for part in sorted(at.parts):
            if pattern[part] != _DEEP and os.path.lexists(prefix + pattern[part]):
                entry = FolderEntry(pattern[part], "unknown")  # brackets in a name are just brackets
                yield from self._met(prefix + entry.name, entry, [part + 1], pattern)
            else:
                open_parts.append(part)
        listed = self.listed(Path(at.path), is_plain=at.is_plain) if open_parts else []
        fitting = [(entry, parts) for entry in listed if (parts := _next_parts(entry, open_parts, pattern))]
        for entry, parts in sorted(fitting, key=lambda one: natural(one[0])):
            yield from self._met(prefix + entry.name, entry, parts, pattern)

    def _met(
        self, path: str, entry: FolderEntry, parts: list[int], pattern: Pattern
    ) -> Iterator[_Step | Match]:
        """A picture where the pattern ends, a folder where it goes on; one name can be asked for both."""
        if len(pattern) in parts and (picture := self.picture(path, entry)):
            yield picture
        if entry.kind == "folder" or (entry.kind == "unknown" and os.path.isdir(path)):  # noqa: PTH112
            further = {part for part in parts if part < len(pattern)}
            if further:
                yield _Step(path, _reached(further, pattern), is_plain=entry.kind == "folder")

    def picture(self, path: str, entry: FolderEntry) -> Match | None:
        """The entry at this path, if it is a file with a picture's ending that may be read."""
        if not entry.name.lower().endswith(PICTURE_SUFFIXES):
            self.others += [entry.name] if entry.kind == "file" else []
            return None
        if entry.kind == "file":
            return Match(path, entry.identity)
        identity = self._file(path) if entry.kind == "unknown" else None
        return Match(path, identity) if identity else None

    def _file(self, path: str) -> Identity | None:
        """The file that a link or an unknown entry is; None where it is none, lies outside, or nobody can tell."""
        if not self._holds(Path(path)):
            return None
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            if error.errno not in ABSENT:
                self.note(Path(path), f"cannot be looked up: {error.strerror}")
            return None
        return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _is_gone(path: Path) -> bool:
    """Whether a path that was met is no longer there, as far as the system says."""
    try:
        path.lstat()
    except OSError as error:
        return error.errno in ABSENT
    return False


def _reached(parts: set[int], pattern: Pattern) -> frozenset[int]:
    """The parts that may match next: two stars also stand for no folder at all."""
    reached = set(parts)
    for part, glob in enumerate(pattern):
        if glob == _DEEP and part in reached:
            reached.add(part + 1)
    return frozenset(reached)


def _next_parts(entry: FolderEntry, parts: Sequence[int], pattern: Pattern) -> list[int]:
    """The parts of the pattern that come after those that an entry matches; two stars stay where they are."""
    return [part + (pattern[part] != _DEEP) for part in parts if _fits(entry, pattern[part])]


def _fits(entry: FolderEntry, glob: str) -> bool:
    """Whether an entry matches one part of a pattern; hidden names need a leading dot, two stars take folders."""
    if entry.name[0] == "." and glob[0] != ".":
        return False
    return entry.kind == "folder" if glob == _DEEP else _matcher(glob)(_shown(entry.name)) is not None


@functools.lru_cache(maxsize=256)
def _matcher(glob: str) -> Callable[[str], object]:
    """Shell matching of one name."""
    return re.compile(translate(_shown(glob))).match


def _shown(name: str) -> str:
    """A name as people see it: accents composed, bytes that are no UTF-8 as replacement characters."""
    return name if name.isascii() else unicodedata.normalize("NFC", _NOT_UTF8.sub("\ufffd", name))


def natural(entry: FolderEntry) -> list[str | int]:
    """Sorts `car2.jpg` before `car10.jpg`: texts and numbers take turns."""
    pieces: list[str | int] = [*_DIGITS.split(entry.name.casefold())]
    pieces[1::2] = map(int, pieces[1::2])
    return pieces
