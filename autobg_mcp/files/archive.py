"""What a zip that came from outside holds, one file at a time and never more than promised."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import MOST_PICTURE_BYTES, ZIP, is_picture, kind_of
from autobg_mcp.files.names import safe_name
from autobg_mcp.text import quoted

_NEXT_STEP = "Fetch the pictures one by one with getImagesRaw instead."
_MOST_ENTRIES = 500
_MOST_BYTES = 256 * 2**20
# Coded pictures hardly shrink any further; what grows a hundredfold is no picture.
_PICTURES_GROWTH = 100
_SLACK_BYTES = 1 << 20

# The two methods that Python unfolds in bounded steps; bzip2 and LZMA fill memory before the first byte comes out.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DIRECTORY_MARK = b"PK\x01\x02"
_SHORTEST_HEAD_BYTES = 30
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,  # of a file without a name
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)


def pictures_in(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The name and bytes of each picture in a zip; what is no picture is passed over.

    Yields:
        A name made safe for any file system, and the unpacked bytes.

    Raises:
        FileRefusedError: The zip is damaged, encrypted, holds another archive, or unpacks to more than allowed.
    """
    files = files_in(
        content,
        max_entries=_MOST_ENTRIES,
        max_entry_bytes=MOST_PICTURE_BYTES,
        max_bytes=_MOST_BYTES,
        max_growth=_PICTURES_GROWTH,
    )
    for name, unpacked in files:
        if kind_of(unpacked) == ZIP:
            raise FileRefusedError(f"{quoted(name)} in the archive is another archive.", next_step=_NEXT_STEP)
        if is_picture(unpacked):
            yield safe_name(PurePosixPath(name).name), unpacked


def files_in(
    content: bytes, *, max_entries: int, max_entry_bytes: int, max_bytes: int, max_growth: int
) -> Iterator[tuple[str, bytes]]:
    """The name, as it stands there, and the bytes of each file in a zip.

    Args:
        content: The zip.
        max_entries: The most files and folders in it.
        max_entry_bytes: The most bytes of one unpacked file.
        max_bytes: The most bytes of all unpacked files.
        max_growth: How many times its packed size a file may have, beyond the first megabyte.

    Raises:
        FileRefusedError: The zip is damaged, encrypted, packed in an unusual way, or unpacks to more than allowed.
    """
    if content.count(_DIRECTORY_MARK) > max_entries:  # zipfile would make an object of each
        raise FileRefusedError(f"The archive holds more than {max_entries} files.", next_step=_NEXT_STEP)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_apart(archive.infolist())
            for entry in archive.infolist():
                allowed = min(max_entry_bytes, max_bytes, entry.compress_size * max_growth + _SLACK_BYTES)
                unpacked = b"" if entry.is_dir() else _unpacked(archive, entry, allowed)
                max_bytes -= len(unpacked)
                yield entry.filename, unpacked
    except _DAMAGED as error:
        raise FileRefusedError(
            "The archive is damaged, encrypted or of an unknown kind.", next_step=_NEXT_STEP
        ) from error


def _check_apart(entries: Sequence[zipfile.ZipInfo]) -> None:
    """Files that share bytes unfold the same data again and again."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise zipfile.BadZipFile("overlapping files")
        end = entry.header_offset + _SHORTEST_HEAD_BYTES + entry.compress_size


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """One file's bytes. What the archive says of its size is believed only where it says too much."""
    if entry.compress_type not in _METHODS:
        raise FileRefusedError(
            f"{quoted(entry.filename)} in the archive is packed in an unusual way; only stored and deflated files are read.",
            next_step=_NEXT_STEP,
        )
    unpacked = b""
    if entry.file_size <= max_bytes:
        with archive.open(entry) as file:
            unpacked = file.read(max_bytes + 1)
    if max(entry.file_size, len(unpacked)) > max_bytes:
        raise FileRefusedError(
            f"{quoted(entry.filename)} in the archive unpacks to too much.", next_step=_NEXT_STEP
        )
    if len(unpacked) != entry.file_size:
        raise zipfile.BadZipFile("a file of another size")
    return unpacked
