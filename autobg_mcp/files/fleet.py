"""A folder of cars: the folders below it that hold photos, each once, without a look at the photos themselves."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import FolderEntry
from autobg_mcp.files.search import Search, Unread, natural
from autobg_mcp.text import quoted


@dataclass(frozen=True)
class PhotoFolder:
    """A folder and the photos directly in it, in natural order; none where it is a folder without anything below it."""

    path: Path
    photos: list[Path]


@dataclass(frozen=True)
class Fleet:
    """What was found below a folder.

    Attributes:
        top: The folder.
        folders: The folders that hold photos, and those that are empty of photos and folders, the top first.
        unread: What could not be looked at, and why.
        others: Names of files beside that are no pictures.
    """

    top: Path
    folders: list[PhotoFolder] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def fleet_below(search: Search, top: Path) -> Fleet:
    """Every folder from `top` down; hidden ones, links to folders and where results are saved are not looked into.

    Raises:
        FileRefusedError: There are too many files and folders to look at.
    """
    fleet = Fleet(top, unread=search.unread, others=search.others)
    # A stack, for trees that are deeper than Python's own.
    waiting = [(top, False)]
    while waiting:
        folder, is_plain = waiting.pop()
        unread = len(search.unread)
        entries = sorted(_shown(search.listed(folder, is_plain=is_plain)), key=natural)
        below = [entry for entry in entries if entry.kind == "folder"]
        photos = list(_photos(search, folder, entries))
        if photos or (not below and len(search.unread) == unread and not _leaves_out(search, folder)):
            fleet.folders.append(PhotoFolder(folder, photos))
        waiting += [(folder / entry.name, True) for entry in reversed(below)]
    return fleet


def _shown(entries: list[FolderEntry]) -> list[FolderEntry]:
    return [entry for entry in entries if entry.name[0] != "."]


def _photos(search: Search, folder: Path, entries: list[FolderEntry]) -> Iterator[Path]:
    prefix = os.path.join(folder, "")  # noqa: PTH118  # a Path for each entry would take most of the time
    for entry in entries:
        if entry.kind == "unknown" and os.path.isdir(prefix + entry.name):  # noqa: PTH112
            reason = f"{quoted(entry.name)} is a link to a folder, which is not followed."
            search.unread.append(Unread(folder / entry.name, FileRefusedError(reason)))
        elif entry.kind != "folder" and (match := search.picture(prefix + entry.name, entry)):
            yield Path(match.path)


def _leaves_out(search: Search, folder: Path) -> bool:
    return search.leaves_out(Path(os.path.realpath(folder)))
