"""Rewriting a host's file: one process at a time, whole or not at all, with a copy of what was there."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.hosts import formats
from autobg_mcp.text import local_path

_TRIES = 20
_UNTOUCHED = "Nothing was changed."


@dataclass(frozen=True)
class Rewritten:
    """What came of it.

    Attributes:
        file: The file, behind all links.
        is_changed: Whether it was written.
        backup: The copy of what was there; None where there was nothing, or nothing to change.
    """

    file: Path
    is_changed: bool
    backup: Path | None = None


def rewrite(path: Path, change: Callable[[str], str], lock: Path) -> Rewritten:
    """Change a file's text; what another process writes meanwhile is changed, not overwritten.

    Args:
        path: The file, or a link to it; it may be missing, and so may its folder.
        change: Answers the new text for the old one, which is empty for a missing file.
        lock: The file that processes of this package wait for one another at.

    Raises:
        FileRefusedError: The file is read-only, no plain file, or cannot be written.
    """
    try:
        file = Path(os.path.realpath(path))  # pathlib has an error of its own for links in a circle
        with _held(lock):
            for _ in range(_TRIES):
                if (done := _rewritten(file, change)) is not None:
                    return done
    except OSError as error:
        raise FileRefusedError(
            f"{local_path(path)} cannot be rewritten: {error.strerror or type(error).__name__}. {_UNTOUCHED}",
            next_step="Check its folder and whom they belong to.",
        ) from None
    raise FileRefusedError(
        f"{local_path(path)} is written by another program without a pause. {_UNTOUCHED}",
        next_step="Close the host, and repeat the command.",
    )


def _rewritten(file: Path, change: Callable[[str], str]) -> Rewritten | None:
    """One try; None where another program has changed the file meanwhile."""
    before = _status(file)
    if before and not before.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise FileRefusedError(
            f"{local_path(file)} is read-only, so somebody else looks after it. {_UNTOUCHED}",
            next_step="Let whatever made it write the entry, or make the file writable and repeat the command.",
        )
    old = formats.text_of(file) if before else ""
    new = change(old)
    if new == old:
        return Rewritten(file, is_changed=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as written:
            written.write(new.encode("utf-8"))
            written.flush()
            os.fsync(written.fileno())
        if before:
            _liken(fresh, before)
        backup = _copied(file, before) if before else None
        if not _is_same(before, _status(file)):
            if backup:
                backup.unlink()
            return None
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    return Rewritten(file, is_changed=True, backup=backup)


def _status(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _is_same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    def mark(status: os.stat_result | None) -> tuple[int, ...]:
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else ()

    return mark(one) == mark(other)


def _liken(fresh: Path, before: os.stat_result) -> None:
    """Give a new file the mode and the owner of the one that it replaces."""
    fresh.chmod(stat.S_IMODE(before.st_mode))
    if sys.platform != "win32":
        with suppress(PermissionError):  # it belongs to this user then, who could write it
            os.chown(fresh, before.st_uid, before.st_gid)


def _copied(file: Path, before: os.stat_result) -> Path:
    """A copy beside the file, of the same mode; an older copy stays."""
    for number in count(1):
        copy = file.with_name(f"{file.name}.before-autobg-{number}")
        with suppress(FileExistsError):
            with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                target.write(file.read_bytes())
            _liken(copy, before)
            return copy
    raise AssertionError("unreachable")


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Wait until no other process of this package rewrites a file; the system lets go of it where the process ends."""
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt  # it is there only

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl  # it is not there

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
