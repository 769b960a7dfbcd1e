"""WebP files, chunk by chunk (RFC 9649, section 2)."""

from collections.abc import Iterator
from typing import NamedTuple

from autobg_mcp.pictures.decoding import NotDecodableError
from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in

_HEADER_BYTES = 12
_KEPT = frozenset({b"VP8X", b"ICCP", b"ALPH", b"VP8 ", b"VP8L"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


def verify(content: bytes) -> None:
    """Makes sure that the chunks are whole and that the picture stands still.

    Raises:
        NotDecodableError: The file is damaged, cut off or animated.
    """
    if any(chunk.kind == b"ANIM" for chunk in _chunks(content)):
        raise NotDecodableError("The WebP picture is animated.")


def orientation(content: bytes) -> int:
    """The EXIF orientation, 1 to 8."""
    for chunk in _chunks(content):
        if chunk.kind == b"EXIF":
            return orientation_in(content[chunk.body : chunk.end])
    return UPRIGHT


def without_metadata(content: bytes) -> bytes:
    """The same pixels, orientation and colours without any other metadata, and without what follows the picture."""
    turned = orientation(content)
    view = memoryview(content)
    parts: list[bytes | memoryview] = []
    for chunk in _chunks(content):
        if chunk.kind == b"VP8X":
            flags = content[chunk.body] & ~(_EXIF_FLAG | _XMP_FLAG) | (0 if turned == UPRIGHT else _EXIF_FLAG)
            parts += [view[chunk.start : chunk.body], bytes((flags,)), view[chunk.body + 1 : chunk.end]]
        elif chunk.kind in _KEPT:
            parts.append(view[chunk.start : chunk.end])
    if turned != UPRIGHT:
        body = exif_of(turned)
        parts += [b"EXIF", len(body).to_bytes(4, "little"), body]
    return b"".join([b"RIFF", (4 + sum(map(len, parts))).to_bytes(4, "little"), b"WEBP", *parts])


def _chunks(content: bytes) -> Iterator[_Chunk]:
    """Every chunk with the byte that pads it to an even length."""
    at, end = _HEADER_BYTES, int.from_bytes(content[4:8], "little") + 8
    while at + 8 <= end:
        size_bytes = int.from_bytes(content[at + 4 : at + 8], "little")
        after = at + 8 + size_bytes + size_bytes % 2
        if after > min(end, len(content)):
            raise NotDecodableError("The WebP picture is cut off: the file ends before the picture does.")
        yield _Chunk(content[at : at + 4], at, at + 8, after)
        at = after
