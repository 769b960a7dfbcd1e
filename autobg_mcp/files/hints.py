"""The sentence for a name that stands for no picture: what it is, what is there instead, and what to name.

It tells of the fence's folders alone, and a few things of each.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePath

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import FolderEntry
from autobg_mcp.files.nearby import Nearby
from autobg_mcp.files.spelling import is_data, is_link, is_list, is_of_windows, is_pattern, spellings
from autobg_mcp.text import counted, local_path, quoted, some

SETTING = "AUTOBG_IMAGE_DIRS"
"""The setting that names the folders of the fence."""

_MOST_FOLDERS = 3
_MOST_HINTS = 10
"""Names of one call that are looked around for: more are named alone."""
_KINDS = "JPEG, PNG, WebP or HEIC"
_NAME_ONE = "Name a file, folder or pattern that is there."


def outside(name: str, roots: Sequence[Path], more: Sequence[str] = ()) -> FileRefusedError:
    """For what may not be read; `more` are sentences of what may be meant."""
    return FileRefusedError(
        " ".join([f"{quoted(name)} lies outside {_folders(roots)}.", *more]),
        next_step=f"Name a file in these folders, or ask the person who runs this server to change {SETTING}.",
    )


class Hints:
    """What to say of the names of one call that stand for no picture.

    Args:
        nearby: What lies around, as far as the call may look.
        roots: The fence's folders.
    """

    def __init__(self, nearby: Nearby, roots: Sequence[Path]) -> None:
        self._nearby = nearby
        self._roots = roots
        self._left = _MOST_HINTS
        self._told = set[Path]()

    def foreign(self, name: str) -> FileRefusedError | None:
        """For what is no path at all: a link, a picture's content, several paths in one text."""
        if is_link(name):
            return FileRefusedError(
                f"{quoted(name)} is a link, not a path.",
                next_step="Name a file of this machine by its path. Photos behind links go to uploadS3UrlsWithTemplate, "
                "uploadS3UrlsWithoutTemplate, uploadS3UrlsWithDynamicBranding or replaceNumPlateS3.",
            )
        if is_data(name):
            return FileRefusedError(
                f"{quoted(name, 40)} is a picture's content; pictures are named by path.",
                next_step="Name the picture's file by its path.",
            )
        if is_list(name):
            return FileRefusedError(
                f"{quoted(name)} reads like several names in one text.",
                next_step='Give each name as an item of the list: ["1.jpg", "2.jpg"].',
            )
        return None

    def nothing(self, name: str, places: Sequence[Path], *, is_inside: bool) -> FileRefusedError:
        """For a name that nothing is found at.

        Args:
            name: The name as it was given.
            places: Where it may lie.
            is_inside: Whether all of these are in the fence.
        """
        self._left -= 1
        if os.sep == "/" and is_of_windows(name):
            reads = f" is a path of Windows, and this server runs on another system. It reads {_folders(self._roots)}"
            return self._refused(name, reads, self._namesakes(name))
        if not is_inside:
            return outside(name, self._roots, self._namesakes(name))
        if is_pattern(name):
            return self._refused(name, f" stands for no picture ({_KINDS})", self._around(places))
        more = (
            self._alike(places, least_missing=2)  # a folder and all in it
            or self._namesakes(name)
            or self._alike(places, least_missing=1)
            or self._around(places)
        )
        return self._refused(name, ": no such file or folder", more)

    def empty(self, name: str, there: Path) -> FileRefusedError:
        """For a name of something that is there and holds no picture."""
        self._left -= 1
        if os.path.isdir(there):  # noqa: PTH112
            return self._refused(name, f" {self._without_pictures(there)}")
        return self._refused(name, f" stands for no picture ({_KINDS}): it is a link to nothing")

    def several(self, name: str, paths: Sequence[Path]) -> FileRefusedError:
        """For a name that may mean different things."""
        told = some([quoted(local_path(path)) for path in paths])
        return FileRefusedError(
            f"{quoted(name)} can be {len(paths)} different ones: {told}.",
            next_step="Name the one that is meant.",
        )

    def _refused(self, name: str, fault: str, more: Sequence[str] = ()) -> FileRefusedError:
        return FileRefusedError(" ".join([f"{quoted(name)}{fault}.", *more]), next_step=_NAME_ONE)

    def _namesakes(self, name: str) -> list[str]:
        """The question whether what has this name elsewhere in the fence is meant."""
        meant = [name, *spellings(name)][-1]
        parts = PurePath(meant).parts if self._left >= 0 else ()
        return self._asked(self._nearby.namesakes(parts)) if parts else []

    def _alike(self, places: Sequence[Path], *, least_missing: int) -> list[str]:
        """The question whether what has nearly this name in its folder is meant."""
        for folder, missing in map(self._nearby.deepest, places if self._left >= 0 else ()):
            if len(missing) >= least_missing and (close := self._nearby.alike(folder, missing[0])):
                return self._asked(close)
        return []

    def _asked(self, paths: Sequence[Path]) -> list[str]:
        told = [self._counted(self._short(path), path) for path in paths]
        return [f"Did you mean {some(told)}?"] if told else []

    def _around(self, places: Sequence[Path]) -> list[str]:
        """What the folder holds that a name leads to, as far as it leads anywhere: told once in a call."""
        if self._left < 0:
            return []
        folders = [folder for folder, _ in map(self._nearby.deepest, places[:_MOST_FOLDERS])]
        new = [folder for folder in dict.fromkeys(folders) if folder not in self._told]
        self._told.update(new)
        return [f"{quoted(local_path(folder))} {self._holding(folder)}." for folder in new]

    def _holding(self, folder: Path) -> str:
        pictures = [quoted(local_path(picture)) for picture in self._nearby.pictures(folder)]
        if not pictures:
            return self._without_pictures(folder)
        files, below = len(self._files(folder)), self._below(folder)
        among = f" among its {files:,} files" if files > len(pictures) else ""
        told = f"holds {counted(len(pictures), 'picture')}{among}: {some(pictures, most=3)}"
        return f"{told}; below it: {below}" if below else told

    def _files(self, folder: Path) -> list[FolderEntry]:
        return [entry for entry in self._nearby.entries(folder) if entry.kind in ("file", "unknown")]

    def _without_pictures(self, folder: Path) -> str:
        if self._nearby.leaves_out(folder):
            return "is where results are saved, and no result is taken for a photo"
        if self._left >= 0 and (below := self._below(folder)):
            return f"has no pictures itself; below it: {below}"
        files = self._files(folder)
        if not self._nearby.entries(folder):
            return "is an empty folder, hidden files aside"
        if not files:
            return "has no pictures itself, and none was found below it"
        endings = Counter(PurePath(entry.name).suffix.lower() or "none" for entry in files).most_common()
        told = some([f"{quoted(ending, 12)} ({count:,})" for ending, count in endings])
        return f"has no picture ({_KINDS}): of its files the endings are {told}"

    def _below(self, folder: Path) -> str:
        """The folders below one that hold pictures, and how many each; empty for none."""
        counts = self._nearby.below(folder).items()
        return some([f"{quoted(local_path(path.relative_to(folder)))} ({n:,})" for path, n in counts])

    def _counted(self, told: str, path: Path) -> str:
        count = len(self._nearby.pictures(path)) if os.path.isdir(path) else 0  # noqa: PTH112
        return f"{told} ({counted(count, 'picture')})" if count else told

    def _short(self, path: Path) -> str:
        """A path as it can be named again: relative where there is one folder to be relative to."""
        is_alone = len(self._roots) == 1 and path.is_relative_to(self._roots[0])
        return quoted(local_path(path.relative_to(self._roots[0]) if is_alone else path))


def _folders(roots: Sequence[Path]) -> str:
    return f"the folders that {SETTING} names: {', '.join(quoted(local_path(root)) for root in roots)}"
