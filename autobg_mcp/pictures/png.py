"""PNG files, chunk by chunk (W3C Portable Network Graphics, third edition)."""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from autobg_mcp.pictures.decoding import NotDecodableError
from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decides how the pixels look; texts, times, EXIF and whatever an editor added are left out.
_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs".split()
)  # fmt: skip
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_INFLATED_AT_ONCE = 1 << 20


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


def verify(content: bytes) -> None:
    """Checks every checksum and that the coded pixels are all there, without holding them.

    Raises:
        NotDecodableError: The file is damaged, cut off or animated.
    """
    chunks = list(_chunks(content))
    if chunks[0].kind != b"IHDR":
        raise NotDecodableError("The PNG picture is damaged: it does not start with its header.")
    if any(chunk.kind == b"acTL" for chunk in chunks):
        raise NotDecodableError("The PNG picture is animated.")
    missing = _pixel_bytes(content[chunks[0].body : chunks[0].body + 13])
    stream = zlib.decompressobj()
    view = memoryview(content)
    for chunk in chunks:
        coded: bytes | memoryview = view[chunk.body : chunk.end - 4] if chunk.kind == b"IDAT" else b""
        while coded and missing > 0:
            try:
                missing -= len(stream.decompress(coded, _INFLATED_AT_ONCE))
            except zlib.error as error:
                raise NotDecodableError(
                    "The PNG picture is damaged: its pixels cannot be unpacked."
                ) from error
            coded = stream.unconsumed_tail
    if missing > 0:
        raise NotDecodableError("The PNG picture is cut off: pixels are missing.")


def orientation(content: bytes) -> int:
    """The EXIF orientation, 1 to 8."""
    for chunk in _chunks(content):
        if chunk.kind == b"eXIf":
            return orientation_in(content[chunk.body : chunk.end - 4])
    return UPRIGHT


def without_metadata(content: bytes) -> bytes:
    """The same pixels, orientation and colours without any other metadata, and without what follows the picture."""
    turned = orientation(content)
    view = memoryview(content)
    kept = [view[chunk.start : chunk.end] for chunk in _chunks(content) if chunk.kind in _KEPT]
    exif = b"" if turned == UPRIGHT else _exif_chunk(turned)
    return b"".join([_SIGNATURE, kept[0], exif, *kept[1:]])


def _exif_chunk(turned: int) -> bytes:
    body = exif_of(turned)
    return len(body).to_bytes(4, "big") + b"eXIf" + body + zlib.crc32(b"eXIf" + body).to_bytes(4, "big")


def _pixel_bytes(header: bytes) -> int:
    """How many bytes the unpacked pixels take, each row with its filter's byte."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _CHANNELS.get(header[9], 1)
    total = 0
    for left, top, right_step, down_step in _ADAM7 if header[12] else ((0, 0, 1, 1),):
        columns, rows = -((left - width) // right_step), -((top - height) // down_step)
        if columns > 0:
            total += max(rows, 0) * (1 + (columns * bits + 7) // 8)
    return total


def _chunks(content: bytes) -> Iterator[_Chunk]:
    """Every chunk with its checksum checked, up to the end chunk."""
    at, view = len(_SIGNATURE), memoryview(content)
    while at + 12 <= len(content):
        kind, body = content[at + 4 : at + 8], at + 8
        end = body + int.from_bytes(content[at : at + 4], "big") + 4
        if end > len(content):
            break
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise NotDecodableError("The PNG picture is damaged: a checksum does not fit.")
        yield _Chunk(kind, at, body, end)
        if kind == b"IEND":
            return
        at = end
    raise NotDecodableError("The PNG picture is cut off: the file ends before the picture does.")
