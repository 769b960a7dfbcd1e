"""The bytes of local pictures, read once and never more than a photo has."""

import errno
import os
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.kinds import MOST_PICTURE_BYTES
from autobg_mcp.text import quoted


def read_original(fence: Fence, path: Path, *, unchanged_since_s: float | None = None) -> bytes:
    """The bytes of a local file, read once.

    Args:
        fence: Says whether the file may be read.
        path: The file.
        unchanged_since_s: Seconds since 1970 after which it must not have changed; None: whenever.

    Raises:
        FileRefusedError: It may not be read, cannot be read, is empty, has too many bytes, or has changed.
    """
    name = quoted(path.name)
    with fence.open(path) as file:
        try:
            status = os.fstat(file.fileno())
            # A file that grows while it is read is not read to its end.
            content = b"" if status.st_size > MOST_PICTURE_BYTES else file.read(MOST_PICTURE_BYTES + 1)
            if content is None:  # what is opened so as not to block says so when it would
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        except OSError as error:
            raise FileRefusedError(
                f"{name} cannot be read: {error.strerror}.",
                next_step="Ask the user to make sure that the file opens on this machine: fetched from the cloud, its card or share in place.",
            ) from error
    if unchanged_since_s is not None and status.st_mtime > unchanged_since_s:
        raise FileRefusedError(f"{name} was changed in the meantime.")
    if (size_bytes := max(status.st_size, len(content))) > MOST_PICTURE_BYTES:
        raise FileRefusedError(
            f"{name} has {size_bytes:,} bytes, more than the {MOST_PICTURE_BYTES:,} that are read."
        )
    if not content:
        raise FileRefusedError(f"{name} is empty.")
    return content
