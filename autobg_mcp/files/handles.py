"""Where an open file really lies, by the operating system's own account."""

import os
import sys
from pathlib import Path


def path_of(descriptor: int) -> str | None:
    """The absolute path, without links, of an open file or folder; None when the system does not say."""
    try:
        path = _asked(descriptor)
    except OSError:
        return None
    return path if Path(path).is_absolute() else None


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
