"""Where an open file really lies and what an open folder holds, by the operating system's own account."""

import os
import sys
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

Identity = tuple[int, int]
"""What tells a file from every other on this machine: device and number."""

Kind = Literal["file", "folder", "unknown", "other"]
"""`unknown` is a link, or what a folder does not tell the kind of."""


class FolderEntry(NamedTuple):
    """One name in a folder."""

    name: str
    kind: Kind
    identity: Identity | None = None


class Listing(NamedTuple):
    """What a folder holds, and where it really lies; None where the system does not say."""

    real: str | None
    entries: list[FolderEntry]


def path_of(descriptor: int) -> str | None:
    """The absolute path, without links, of an open file or folder; None when the system does not say."""
    try:
        path = _asked(descriptor)
    except OSError:
        return None
    return path if Path(path).is_absolute() else None


def contents(at: int | Path, most: int) -> Listing:
    """What a folder holds, `most` entries of it: an open one, or by its path where no handle can be listed.

    Raises:
        OSError: It cannot be listed.
    """
    device = os.fstat(at).st_dev if isinstance(at, int) else None
    real = path_of(at) if isinstance(at, int) else os.path.realpath(at)
    with os.scandir(at) as entries:
        return Listing(real, [_entry(entry, device) for entry in islice(entries, most)])


def _entry(entry: os.DirEntry[str], device: int | None) -> FolderEntry:
    """An entry without a look at the file itself, where the folder tells its kind."""
    try:
        if entry.is_symlink():
            return FolderEntry(entry.name, "unknown")
        kind: Kind = "folder" if entry.is_dir() else "file" if entry.is_file() else "other"
    except OSError:
        return FolderEntry(entry.name, "unknown")
    return FolderEntry(entry.name, kind, None if device is None else (device, entry.inode()))


if sys.platform == "win32":  # pragma: no cover - Windows

    def _asked(descriptor: int) -> str:
        import ctypes  # noqa: PLC0415 - Windows alone needs these two
        import msvcrt  # noqa: PLC0415

        path = ctypes.create_unicode_buffer(32_768)
        ask = ctypes.WinDLL("kernel32", use_last_error=True).GetFinalPathNameByHandleW
        chars = ask(ctypes.c_void_p(msvcrt.get_osfhandle(descriptor)), path, len(path), 0)
        return path.value if 0 < chars < len(path) else ""

elif sys.platform == "darwin":  # pragma: no cover - macOS

    def _asked(descriptor: int) -> str:
        import fcntl  # noqa: PLC0415 - macOS alone needs it here

        # The constant's 1024 is MAXPATHLEN, which F_GETPATH requires the buffer to hold.
        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))

else:

    def _asked(descriptor: int) -> str:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
