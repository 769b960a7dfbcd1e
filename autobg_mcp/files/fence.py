"""Which local files may be read: those inside the folders that the operator named, and no others.

A path is resolved, checked and opened, and then the opened handle is asked where it really lies. A link or a
folder that is swapped between the check and the opening changes what is opened, never what is accepted.
"""

import os
import stat
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import BinaryIO

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fleet import Fleet, fleet_below
from autobg_mcp.files.found import EachFound, FoundPhotos, RepeatedSearch, each_found, one_of
from autobg_mcp.files.handles import Identity, Listing, contents, path_of
from autobg_mcp.files.hints import SETTING, outside
from autobg_mcp.files.meaning import Meaning
from autobg_mcp.files.nearby import Nearby
from autobg_mcp.files.search import Search
from autobg_mcp.text import quoted

# A FIFO must not block us, a terminal must not take us over, a child must not inherit. Windows lacks most of these.
_FLAG_NAMES = ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_BINARY", "O_NOINHERIT")
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in _FLAG_NAMES)
# For a folder in a checked folder: whatever takes its place, a device or a link, is not even opened.
_FOLDER_FLAGS = _OPEN_FLAGS | getattr(os, "O_DIRECTORY", 0)


_SET_FOLDERS = f"Ask the person who runs this server to set {SETTING}."


class Fence:
    """The folders whose files may be read.

    Args:
        folders: Folders to read from; each may be a link and need not exist yet. Empty: nothing is read.
        unfenced: True when a person named the paths at a command line: every regular file may be read, and
            relative names start at the current folder.
        results: Folder that results are saved in: a folder or pattern never finds one there, so that no result is
            taken for a photo. None, or a folder that holds a folder of the fence: nothing is left out.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        unfenced: bool = False,
        results: Path | None = None,
    ) -> None:
        self._roots = (
            (Path.cwd(),) if unfenced else tuple(folder.expanduser().absolute() for folder in folders)
        )
        self._unfenced = unfenced
        self._results = None if results is None else _real(results.expanduser())
        if self._results and any(_real(root).is_relative_to(self._results) for root in self._roots):
            self._results = None  # results lie among the photos, by the operator's own word

    def find(self, names: Sequence[str]) -> FoundPhotos:
        """The picture files that `names` stand for, in the order named, each file once.

        Args:
            names: Files, folders (the pictures directly in them, in natural order) or glob patterns (`*`, `?`, `[]`,
                `**`), as people and hosts write them. A relative name is looked for in each folder of the fence. From
                folders and patterns only files with a picture's ending are taken.

        Raises:
            FileRefusedError: No folder is set, a name lies outside, stands for no picture or could stand for several
                things, or nothing could be read. One line for each refused name, the others are not answered: what a
                person named and does not get could be what the whole call was for.
        """
        search = self._search()
        meaning = self._meaning(search, self._roots)
        found: dict[Identity | str, str] = {}
        problems: list[FileRefusedError] = []
        for name in names:
            try:
                for path, identity in meaning.pictures(name):
                    found.setdefault(identity or path, path)
            except FileRefusedError as error:
                problems.append(error)
        if not found:
            problems += [unread.error for unread in search.unread]
        if problems:
            raise one_of(problems, self._told_absent())
        return FoundPhotos(list(map(Path, found.values())), search.unread, search.others)

    def find_each(self, names: Collection[str], *, beside: Path | None = None) -> EachFound:
        """The picture files that each name stands for by itself: one that stands for none costs itself alone.

        Args:
            names: As `find` takes them; a relative one is looked for in `beside` first.
            beside: A folder in the fence; None for none.

        Raises:
            FileRefusedError: No folder is set, hundreds of names stand for nothing, or all for too much.
        """
        search = self._search(RepeatedSearch)
        if not names:  # which needs no folder
            return EachFound({}, {}, [], [])
        starts = ((beside,),) if beside else ()
        return each_found(names, [self._meaning(search, roots) for roots in (*starts, self._roots)], search)

    def fleet(self, name: str) -> Fleet:
        """The folders with photos below the folder that a name stands for.

        Raises:
            FileRefusedError: No folder is set, the name stands for none, or there is too much below it.
        """
        search = self._search()
        return fleet_below(search, self._meaning(search, self._roots).folder(name))

    def _meaning(self, search: Search, roots: tuple[Path, ...]) -> Meaning:
        """What names stand for; a relative one starts at one of `roots`."""
        self._check_roots()
        return Meaning(roots, self._holds, search, Nearby(self._search(), self._holds, roots))

    def _search(self, kind: type[Search] = Search) -> Search:
        return kind(list_folder=self._listing, holds=self._holds, skips=self._results)

    def _check_roots(self) -> None:
        if not self._roots:
            raise FileRefusedError(
                f"No local file may be read: {SETTING} names no folder.", next_step=_SET_FOLDERS
            )
        if not self._unfenced and len(self._absent()) == len(self._roots):
            raise FileRefusedError(f"No local file may be read.{self._told_absent()}", next_step=_SET_FOLDERS)

    def _absent(self) -> list[str]:
        """The folders of the fence that are not there now, as a drive that is not connected."""
        return [str(root) for root in self._roots if not os.path.isdir(root)]  # noqa: PTH112

    def _told_absent(self) -> str:
        """Which folders are not there, as a sentence to add; empty where all are."""
        absent = ", ".join(map(quoted, self._absent()))
        return f" Of the folders that {SETTING} names, these do not exist: {absent}." if absent else ""

    def open(self, path: Path) -> BinaryIO:
        """The file at `path`, opened for one reading; the handle itself has been checked.

        Raises:
            FileRefusedError: It lies outside, is not a regular file or cannot be opened.
        """
        return os.fdopen(self._opened(path, stat.S_ISREG), "rb")

    def _holds(self, path: Path) -> bool:
        """Whether `path`, with every link followed, lies in a folder of the fence."""
        try:
            return self._unfenced or self._inside(os.path.realpath(path))
        except OSError:  # a link on the way changed while it was read
            return False

    def _inside(self, real: str | None) -> bool:
        """Whether a path without links lies in a folder of the fence; None is a place that nobody knows.

        Folders are compared as the file system sees them, not as text: case, accents and twins of a prefix
        (`/photos`, `/photos-evil`) are its business.
        """
        if real is None:
            return False
        if any(_is_below(real, os.path.realpath(root)) for root in self._roots):
            return True
        roots = {_identity(root) for root in self._roots} - {None}
        return any(_identity(folder) in roots for folder in (Path(real), *Path(real).parents))

    def _listing(self, folder: Path, most: int, is_plain: bool) -> Listing:
        """What a folder holds, by its checked handle where the system can list one."""
        try:
            if os.scandir not in os.supports_fd:  # pragma: no cover - Windows
                if not self._holds(folder):
                    raise outside(str(folder), self._roots)
                return contents(folder, most)
            descriptor = (
                self._checked(os.open(folder, _FOLDER_FLAGS), folder, stat.S_ISDIR)
                if is_plain
                else self._opened(folder, stat.S_ISDIR)
            )
            try:
                return contents(descriptor, most)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise FileRefusedError(f"{quoted(folder.name)} cannot be listed: {error.strerror}.") from error

    def _opened(self, path: Path, is_wanted_kind: Callable[[int], bool]) -> int:
        """A descriptor of a file or folder that was checked before and after it was opened."""
        try:
            real = os.path.realpath(path)
            if not (self._unfenced or self._inside(real)):
                raise outside(str(path), self._roots)
            # Opening a device can have effects, so its kind is looked at before; what counts is the handle's.
            if not is_wanted_kind(os.lstat(real).st_mode):
                raise FileRefusedError(f"{quoted(path.name)} is not a regular file.")
            descriptor = os.open(real, _OPEN_FLAGS)
        except OSError as error:
            raise FileRefusedError(f"{quoted(path.name)} cannot be opened: {error.strerror}.") from error
        return self._checked(descriptor, path, is_wanted_kind)

    def _checked(self, descriptor: int, path: Path, is_wanted_kind: Callable[[int], bool]) -> int:
        """The descriptor, once the handle itself has said what it is and where it lies."""
        if is_wanted_kind(os.fstat(descriptor).st_mode) and (
            self._unfenced or self._inside(path_of(descriptor))
        ):
            return descriptor
        os.close(descriptor)
        raise FileRefusedError(f"{quoted(path.name)} changed while it was opened.")


def _real(path: Path) -> Path:
    """A path without links; one that leads in a circle stays as it is, where `Path.resolve` breaks."""
    return Path(os.path.realpath(path))


def _is_below(real: str, root: str) -> bool:
    """Whether one path without links lies in another, by their texts alone."""
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file or folder from every other on this machine; None for one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
