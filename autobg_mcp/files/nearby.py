"""What lies around a name that stands for nothing: siblings that differ in spelling alone, and where the name is instead.

Only folders of the fence are listed, each once, and no link is followed on the way down.
"""

import difflib
import functools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import FolderEntry
from autobg_mcp.files.search import Search, natural
from autobg_mcp.files.spelling import folded, is_pattern

_MOST_FOLDERS = 100
"""Folders looked into below one, and in all the fence for a name."""
_MOST_WAYS = 20
_MOST_PARTS = 100
_MOST_NAMESAKES = 3
_MOST_COMPARED = 2000
"""Names that are compared for likeness, which takes a while for each."""


class Nearby:
    """What lies in the fence, as far as one call may look.

    Args:
        search: Lists folders, bounded in all that it looks at.
        holds: Whether a path really lies in the fence.
        roots: The fence's folders.
    """

    def __init__(self, search: Search, holds: Callable[[Path], bool], roots: Sequence[Path]) -> None:
        self._search = search
        self._holds = holds
        self._roots = roots
        self.entries = functools.cache(self._entries)
        self._by_fold = functools.cache(self._folded)

    def leaves_out(self, folder: Path) -> bool:
        """Whether a folder lies where results are saved, which are no photos."""
        return self._search.leaves_out(Path(os.path.realpath(folder)))

    def siblings(self, place: Path) -> list[Path]:
        """Where each part of a path is there, or something of the same folded name is: all that fit, 20 at most."""
        base, parts = self._start(place)
        ways = [base] if parts else []
        for number, part in enumerate(parts):
            further = [path for way in ways for path in self._fitting(way, part)][:_MOST_WAYS]
            if not further and is_pattern(part):
                return [way.joinpath(*parts[number:]) for way in ways]
            ways = further
        return ways

    def deepest(self, place: Path) -> tuple[Path, Sequence[str]]:
        """The folder that a path leads to, as far as it leads anywhere, and the parts that are not there."""
        base, parts = self._start(place)
        for number, part in enumerate(parts):
            further = [path for path in self._fitting(base, part) if self._is_folder(path)]
            if len(further) != 1:
                return base, parts[number:]
            base = further[0]
        return base, ()

    def _start(self, place: Path) -> tuple[Path, Sequence[str]]:
        """The folder of the fence in which a path may lie, and its parts from there on: none where it lies outside."""
        bases = [*self._roots, *(Path(os.path.realpath(root)) for root in self._roots), Path(place.anchor)]
        held = (base for base in bases if place.is_relative_to(base) and self._holds(base))
        base = next(held, None)
        parts = () if base is None else place.relative_to(base).parts
        return (base or place, parts if len(parts) <= _MOST_PARTS else ())

    def _is_folder(self, path: Path) -> bool:
        return self._holds(path) and os.path.isdir(path)  # noqa: PTH112  # which takes an error for a no

    def namesakes(self, parts: Sequence[str]) -> list[Path]:
        """What has the same name elsewhere in the fence, with most of the folders above it; none where that is common."""
        wanted = [folded(part) for part in parts]
        found = [path for name, path in self._everywhere if name == wanted[-1] and self._holds(path)]
        scores = [_shared_end([folded(part) for part in path.parts], wanted) for path in found]
        best = [path for path, score in zip(found, scores, strict=True) if score == max(scores)]
        return best if len(best) <= _MOST_NAMESAKES else []

    def alike(self, folder: Path, name: str) -> list[Path]:
        """What a folder holds whose name is much like another, in natural order: three at most."""
        names = {folded(entry.name): entry.name for entry in self.entries(folder)[:_MOST_COMPARED]}
        close = difflib.get_close_matches(folded(name), names, n=3, cutoff=0.75)
        paths = (folder / own for fold, own in names.items() if fold in close)
        return list(filter(self._holds, paths))

    def pictures(self, folder: Path) -> list[str]:
        """The names of the pictures directly in a folder, in natural order."""
        return [
            entry.name
            for entry in self.entries(folder)
            if self._search.picture(str(folder / entry.name), entry)
        ]

    def below(self, folder: Path) -> dict[Path, int]:
        """The number of pictures in each folder below one that has some: in the nearest 100 of them."""
        counts = {below: len(self.pictures(below)) for below in islice(self._below(folder), _MOST_FOLDERS)}
        return {below: count for below, count in counts.items() if count}

    def _below(self, folder: Path) -> Iterator[Path]:
        """The folders below one, nearest first: those in 100 folders at most."""
        waiting = deque([folder])
        for _ in range(_MOST_FOLDERS):
            if not waiting:
                return
            at = waiting.popleft()
            folders = [at / entry.name for entry in self.entries(at) if entry.kind == "folder"]
            yield from folders
            waiting.extend(folders)

    @functools.cached_property
    def _everywhere(self) -> list[tuple[str, Path]]:
        """The folded names in the fence, with their places: in 100 folders at most."""
        folders = (folder for root in self._roots for folder in (root, *self._below(root)))
        return [
            (folded(entry.name), folder / entry.name)
            for folder in islice(folders, _MOST_FOLDERS)
            for entry in self.entries(folder)
        ]

    def _fitting(self, folder: Path, part: str) -> list[Path]:
        """What fits one part of a path: the very name if it is there, else all of the same folded name."""
        if not self._holds(folder):
            return []
        if os.path.lexists(folder / part):
            return [folder / part]
        return [folder / name for name in self._by_fold(folder).get(folded(part), ())]

    def _folded(self, folder: Path) -> dict[str, list[str]]:
        names = dict[str, list[str]]()
        for entry in self.entries(folder):
            names.setdefault(folded(entry.name), []).append(entry.name)
        return names

    def _entries(self, folder: Path) -> list[FolderEntry]:
        """What a folder holds that is not hidden, in natural order; nothing once too much was looked at."""
        try:
            listed = self._search.listed(folder)
        except FileRefusedError:
            return []
        return sorted((entry for entry in listed if entry.name[0] != "."), key=natural)


def _shared_end(parts: Sequence[str], others: Sequence[str]) -> int:
    """How many parts at the end of two paths are the same."""
    same = 0
    for one, other in zip(reversed(parts), reversed(others), strict=False):
        if one != other:
            break
        same += 1
    return same
