"""Results become files in one folder: whole or not at all, never in place of another file, and for their owner alone."""

import hashlib
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import EXTENSIONS, MOST_PICTURE_BYTES, sniff
from autobg_mcp.files.saved import plain_name, results_folder
from autobg_mcp.text import local_path, quoted

_SETTING = "AUTOBG_OUTPUT_DIR"
_MOST_NAMESAKES = 1000
_SUPERSEDED = "superseded"
_READ_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)
_WRITE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_BINARY"))
)
_FOLDER_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY"))


@dataclass(frozen=True)
class SavedFile:
    """A result on disk.

    Attributes:
        path: Where it lies, absolute.
        mime: What its bytes are; `application/octet-stream` when they do not say.
        size_bytes: Its size.
        width_px: Stored width of a picture, before any orientation is applied; None for anything else.
        height_px: Stored height of a picture; None for anything else.
        sha256: Hexadecimal digest of its bytes.
    """

    path: str
    mime: str
    size_bytes: int
    width_px: int | None
    height_px: int | None
    sha256: str


class _Folder(NamedTuple):
    """An open folder: on POSIX all work goes through its descriptor, so that nobody can swap it underneath."""

    path: Path
    descriptor: int | None

    def at(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)


class Outbox:
    """Writes results into one folder.

    Args:
        folder: The folder; it is made when the first result comes.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder.expanduser().absolute()

    def save(
        self,
        content: bytes,
        *,
        folder: str,
        stem: str,
        size_px: tuple[int, int] | None = None,
        earlier: Collection[str] = (),
    ) -> SavedFile:
        """Writes `content` to `folder/stem.ext`, where `ext` tells what the bytes are.

        A file of that name with the same bytes is the answer as it is, so that a call can be repeated; beside one
        with other bytes the result becomes `stem-2`, `stem-3` and so on. An earlier result of the same picture gives up its
        name: it is kept below `folder/superseded` before the new one takes its place in one step, so a crash loses
        neither, and the same call again ends as if there had been none.

        Args:
            content: The whole result.
            earlier: Digests (sha256, hexadecimal) of earlier results of the same picture; any other file stays.
            folder: One folder's name below the outbox, for example a batch id; made safe, whatever it is.
            size_px: Width and height of a picture; None for anything else.
            stem: The file's name, with or without a picture's ending; made safe, whatever it is.

        Raises:
            FileRefusedError: The result is too large, or the folder cannot be written to.
        """
        if len(content) > MOST_PICTURE_BYTES:
            raise FileRefusedError(
                f"The result has {len(content):,} bytes, more than the {MOST_PICTURE_BYTES:,} that are kept."
            )
        mime = sniff(content) or "application/octet-stream"
        name, extension = plain_name(stem), EXTENSIONS.get(mime, "bin")
        digest = hashlib.sha256(content).hexdigest()
        try:
            with self._opened(results_folder(folder)) as place:
                file = _published(place, content, digest, name, extension, frozenset(earlier) - {digest})
        except OSError as error:
            raise FileRefusedError(
                f"The result cannot be written to {quoted(local_path(self._root), 500)} ({_SETTING}): {error.strerror or type(error).__name__}.",
                next_step=f"Ask the person who runs this server to mend {_SETTING} or its disk, then call again.",
            ) from error
        width_px, height_px = size_px or (None, None)
        return SavedFile(str(place.path / file), mime, len(content), width_px, height_px, digest)

    @contextmanager
    def _opened(self, name: str) -> Iterator[_Folder]:
        """The folder `name` in the outbox, made if need be. A link in its place is not followed."""
        path = self._root / name
        for missing in [one for one in (*reversed(path.parents), path) if not one.exists()]:
            missing.mkdir(0o700, exist_ok=True)
        if os.open not in os.supports_dir_fd:  # pragma: no cover - Windows
            yield _Folder(path, None)
            return
        descriptor = os.open(path, _FOLDER_FLAGS)
        try:
            yield _Folder(path, descriptor)
        finally:
            os.close(descriptor)


def _published(
    place: _Folder,
    content: bytes,
    digest: str,
    stem: str,
    extension: str,
    earlier: frozenset[str] = frozenset(),
) -> str:
    """The name under which `content` now lies in `place`, where no earlier result has the plain name any more."""
    for number in range(1, _MOST_NAMESAKES):
        name = f"{stem}.{extension}" if number == 1 else f"{stem}-{number}.{extension}"
        taken = _digest_at(place, name, None if earlier else len(content))
        if taken in earlier:
            _copy_aside(place, name, stem)
        if taken is None or taken in earlier:
            taken = digest if _written(place, content, name, over=taken) else _digest_at(place, name)
        if taken == digest:
            _retire(place, stem, extension, earlier)
            return name
    many = f"{_SETTING} already holds {_MOST_NAMESAKES} other files named {quoted(stem)}."
    raise FileRefusedError(many, next_step=f"Ask the person who runs this server to tidy {_SETTING}.")


def _retire(place: _Folder, stem: str, extension: str, earlier: frozenset[str]) -> None:
    """Take the plain name from earlier results that are files of another kind, such as a PNG before a JPEG."""
    for other in set(EXTENSIONS.values()) - {extension} if earlier else ():
        name = f"{stem}.{other}"
        if (digest := _digest_at(place, name)) in earlier:
            _copy_aside(place, name, stem)
            if _digest_at(place, name) == digest:
                os.unlink(place.at(name), dir_fd=place.descriptor)


def _copy_aside(place: _Folder, name: str, stem: str) -> None:
    """Keep a copy of an earlier result in the folder for those."""
    with os.fdopen(os.open(place.at(name), _READ_FLAGS, dir_fd=place.descriptor), "rb") as file:
        content = file.read(MOST_PICTURE_BYTES)
    with _below(place, _SUPERSEDED) as folder:
        _published(folder, content, hashlib.sha256(content).hexdigest(), stem, name.rpartition(".")[2])


@contextmanager
def _below(place: _Folder, name: str) -> Iterator[_Folder]:
    """A folder inside an open one, made if need be. A link in its place is not followed."""
    with suppress(FileExistsError):
        os.mkdir(place.at(name), 0o700, dir_fd=place.descriptor)
    if place.descriptor is None:  # pragma: no cover - Windows
        yield _Folder(place.path / name, None)
        return
    descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=place.descriptor)
    try:
        yield _Folder(place.path / name, descriptor)
    finally:
        os.close(descriptor)


def _digest_at(place: _Folder, name: str, size_bytes: int | None = None) -> str | None:
    """The digest of the file `name`; "" for what is no file of this size, which None leaves open, and None for nothing."""
    try:
        descriptor = os.open(place.at(name), _READ_FLAGS, dir_fd=place.descriptor)
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        expected_bytes = min(status.st_size, MOST_PICTURE_BYTES) if size_bytes is None else size_bytes
        if not stat.S_ISREG(status.st_mode) or status.st_size != expected_bytes:
            return ""
        return hashlib.file_digest(file, "sha256").hexdigest()


def _written(place: _Folder, content: bytes, name: str, *, over: str | None = None) -> bool:
    """Writes `content` under a name of its own, then gives it the name; False when that is taken by now.

    It takes the place of a file with the digest `over`, of which a copy is kept.
    """
    draft = f".{secrets.token_hex(8)}.part"
    descriptor = os.open(place.at(draft), _WRITE_FLAGS, 0o600, dir_fd=place.descriptor)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        if over is None:
            return _renamed(place, draft, name)
        if _digest_at(place, name) != over:
            return False
        os.replace(place.at(draft), place.at(name), src_dir_fd=place.descriptor, dst_dir_fd=place.descriptor)
        return True
    finally:
        with suppress(FileNotFoundError):
            os.unlink(place.at(draft), dir_fd=place.descriptor)


def _renamed(place: _Folder, draft: str, name: str) -> bool:
    """Gives a finished file its name unless that is taken."""
    folder = place.descriptor
    try:
        # A second link, unlike a POSIX rename, fails when the name is taken.
        os.link(place.at(draft), place.at(name), src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        return False
    except OSError:
        # This file system has no links (FAT, some network shares): an empty file of our own takes the name first.
        try:
            os.close(os.open(place.at(name), _WRITE_FLAGS, 0o600, dir_fd=place.descriptor))
        except FileExistsError:
            return False
        os.replace(place.at(draft), place.at(name), src_dir_fd=folder, dst_dir_fd=folder)
    return True
