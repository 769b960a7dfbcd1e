"""Which local files may be read: those inside the folders that the operator named, and no others.

A path is resolved, checked and opened, and then the opened handle is asked where it really lies. A link or a
folder that is swapped between the check and the opening changes what is opened, never what is accepted.
"""

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import path_of
from autobg_mcp.files.search import FolderEntry, Search
from autobg_mcp.text import quoted

# A FIFO must not block us, a terminal must not take us over, a child must not inherit. Windows lacks most of these.
_FLAG_NAMES = ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_BINARY", "O_NOINHERIT")
_OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in _FLAG_NAMES)


class Fence:
    """The folders whose files may be read.

    Args:
        folders: Folders to read from; each may be a link and need not exist yet. Empty: nothing is read.
        setting: The setting that names the folders, for refusals.
        unfenced: True when a person named the paths at a command line: every regular file may be read, and
            relative names start at the current folder.
        results: Folder that results are saved in: a folder or pattern never finds one there, so that no result is
            taken for a photo. None, or a folder that holds a folder of the fence: nothing is left out.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        setting: str = "AUTOBG_IMAGE_DIRS",
        unfenced: bool = False,
        results: Path | None = None,
    ) -> None:
        self._roots = (
            (Path.cwd(),) if unfenced else tuple(folder.expanduser().absolute() for folder in folders)
        )
        self._setting = setting
        self._unfenced = unfenced
        self._results = None if results is None else _real(results.expanduser())
        if self._results and any(_real(root).is_relative_to(self._results) for root in self._roots):
            self._results = None  # results lie among the photos, by the operator's own word

    def find(self, names: Sequence[str], *, limit: int = 500) -> list[Path]:
        """The picture files that `names` stand for, in the order named, each file once.

        Args:
            names: Files, folders (the pictures directly in them, in natural order) or glob patterns (`*`, `?`, `[]`,
                `**`). A relative name is looked for in each folder of the fence. From folders and patterns only
                files with a picture's ending are taken.
            limit: The most pictures one call may name.

        Raises:
            FileRefusedError: No folder is set, a name lies outside or stands for no picture, or the names stand
                for too many. One line for each refused name.
        """
        if not self._roots:
            raise FileRefusedError(f"No local file may be read: {self._setting} names no folder.")
        if not (self._unfenced or any(root.is_dir() for root in self._roots)):
            raise FileRefusedError(
                f"No local file may be read: {self._setting} names folders that do not exist."
            )
        search = Search(entries=self._entries, holds=self._holds, skips=self._results)
        found: dict[tuple[int, int] | Path, Path] = {}
        problems: list[str] = []
        for name in names:
            try:
                for path in self._named(name, search):
                    found.setdefault(_identity(path) or path, path)
            except FileRefusedError as error:
                problems.append(str(error))
            except OSError as error:
                problems.append(f"{quoted(name)} cannot be looked up: {error.strerror}.")
            if len(found) > limit:
                raise FileRefusedError(
                    f"The names stand for more than {limit} pictures, the most that one call takes.",
                    next_step="Name fewer pictures, for example with a narrower pattern.",
                )
        if problems:
            raise FileRefusedError(problems[0], details=problems[1:])
        return list(found.values())

    def open(self, path: Path) -> BinaryIO:
        """The file at `path`, opened for one reading; the handle itself has been checked.

        Raises:
            FileRefusedError: It lies outside, is not a regular file or cannot be opened.
        """
        return os.fdopen(self._opened(path, stat.S_ISREG), "rb")

    def _named(self, name: str, search: Search) -> list[Path]:
        """The pictures that one name stands for; at least one."""
        candidates = self._candidates(name)
        held = [path for path in candidates if self._holds(path)]
        for path in held:
            if path.is_file():
                return [path]
            if path.exists() and not path.is_dir():
                raise FileRefusedError(f"{quoted(name)} is a device, pipe or socket, not a file.")
        matches = [match for path in held for match in self._below(path, search)]
        if not matches and len(held) < len(candidates):
            raise self._outside(name)
        if not matches:
            raise FileRefusedError(f"{quoted(name)} stands for no picture (JPEG, PNG, WebP or HEIC).")
        return matches

    def _candidates(self, name: str) -> list[Path]:
        """Where `name` may lie. The name of another machine's share is not even looked up."""
        far = name.startswith(("//", "\\\\")) and not any(name.startswith(str(root)) for root in self._roots)
        if far or "\0" in name or not name.strip():
            raise self._outside(name)
        path = Path(name).expanduser() if name.startswith("~/") else Path(name)
        return list(dict.fromkeys(root / path for root in self._roots))

    def _below(self, path: Path, search: Search) -> list[Path]:
        """The pictures in a folder or those that match a pattern."""
        if path.is_dir():
            return search.pictures_in(path)
        for root in self._roots:
            if path.is_relative_to(root):
                return search.matching(root, path.relative_to(root).parts)
        return search.matching(Path(path.anchor), path.parts[1:])

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
        roots = {_identity(root) for root in self._roots} - {None}
        return any(_identity(folder) in roots for folder in (Path(real), *Path(real).parents))

    def _entries(self, folder: Path) -> list[FolderEntry]:
        """What a folder lists, by its checked handle where the system can list one."""
        if os.scandir not in os.supports_fd:  # pragma: no cover - Windows
            return [
                FolderEntry(entry.name, entry.is_dir(follow_symlinks=False)) for entry in os.scandir(folder)
            ]
        descriptor = self._opened(folder, stat.S_ISDIR)
        try:
            with os.scandir(descriptor) as entries:
                return [FolderEntry(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        finally:
            os.close(descriptor)

    def _opened(self, path: Path, is_wanted_kind: Callable[[int], bool]) -> int:
        """A descriptor of a file or folder that was checked before and after it was opened."""
        try:
            real = os.path.realpath(path)
            if not (self._unfenced or self._inside(real)):
                raise self._outside(str(path))
            # Opening a device can have effects, so its kind is looked at before; what counts is the handle's.
            if not is_wanted_kind(os.lstat(real).st_mode):
                raise FileRefusedError(f"{quoted(path.name)} is not a regular file.")
            descriptor = os.open(real, _OPEN_FLAGS)
        except OSError as error:
            raise FileRefusedError(f"{quoted(path.name)} cannot be opened: {error.strerror}.") from error
        if is_wanted_kind(os.fstat(descriptor).st_mode) and (
            self._unfenced or self._inside(path_of(descriptor))
        ):
            return descriptor
        os.close(descriptor)
        raise FileRefusedError(f"{quoted(path.name)} changed while it was opened.")

    def _outside(self, name: str) -> FileRefusedError:
        folders = ", ".join(quoted(str(root)) for root in self._roots)
        return FileRefusedError(
            f"{quoted(name)} lies outside the folders that {self._setting} names: {folders}."
        )


def _real(path: Path) -> Path:
    """A path without links; one that leads in a circle stays as it is, where `Path.resolve` breaks."""
    return Path(os.path.realpath(path))


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file or folder from every other on this machine; None for one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
