"""Pictures out of a zip that came from outside, one at a time and never more than promised."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import sniff
from autobg_mcp.files.names import safe_name
from autobg_mcp.text import quoted

_NEXT_STEP = "Fetch the pictures one by one with getImagesRaw instead."
_MOST_ENTRIES = 500
_MOST_ENTRY_BYTES = 64 * 2**20
_MOST_BYTES = 256 * 2**20
# Coded pictures hardly shrink any further; what grows a hundredfold is no picture.
_MOST_GROWTH = 100
_SLACK_BYTES = 1 << 20


def pictures_in(
    content: bytes,
    *,
    max_entries: int = _MOST_ENTRIES,
    max_entry_bytes: int = _MOST_ENTRY_BYTES,
    max_bytes: int = _MOST_BYTES,
) -> Iterator[tuple[str, bytes]]:
    """The name and bytes of each picture in a zip; what is no picture is passed over.

    Args:
        content: The zip.
        max_entries: The most files and folders in it.
        max_entry_bytes: The most bytes of one unpacked file.
        max_bytes: The most bytes of all unpacked files.

    Yields:
        A name made safe for any file system, and the unpacked bytes.

    Raises:
        FileRefusedError: The zip is damaged, encrypted, holds another archive, or unpacks to more than allowed.
    """
    left_bytes = max_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if len(entries) > max_entries:
                raise FileRefusedError(
                    f"The archive holds more than {max_entries} files.", next_step=_NEXT_STEP
                )
            for entry in entries:
                unpacked = _unpacked(archive, entry, min(max_entry_bytes, left_bytes))
                left_bytes -= len(unpacked)
                if (sniff(unpacked) or "").startswith("image/"):
                    yield safe_name(PurePosixPath(entry.filename).name), unpacked
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise FileRefusedError(
            "The archive is damaged, encrypted or of an unknown kind.", next_step=_NEXT_STEP
        ) from error


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """One file's bytes. What the archive says of its size is not believed."""
    if entry.is_dir():
        return b""
    allowed = min(max_bytes, entry.compress_size * _MOST_GROWTH + _SLACK_BYTES)
    with archive.open(entry) as file:
        unpacked = file.read(allowed + 1)
    if len(unpacked) > allowed:
        raise FileRefusedError(
            f"{quoted(entry.filename)} in the archive unpacks to too much.", next_step=_NEXT_STEP
        )
    if sniff(unpacked) == "application/zip":
        raise FileRefusedError(
            f"{quoted(entry.filename)} in the archive is another archive.", next_step=_NEXT_STEP
        )
    return unpacked
