"""WebP files, chunk by chunk (RFC 9649, section 2)."""

from collections.abc import Iterator
from functools import cached_property

from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in, orientation_in_xmp
from autobg_mcp.pictures.pieces import NotDecodableError, Piece, bounded

_HEADER_BYTES = 12
_SIMPLE = frozenset({b"VP8 ", b"VP8L"})
_EXTENDED = frozenset({b"ICCP", b"ALPH"})
_KEPT = {b"VP8X"} | _EXTENDED | _SIMPLE
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04
_SIDE = 0x3FFF


class WebpFile:
    """A WebP file whose chunks are whole; see `PictureFile`.

    Raises:
        NotDecodableError: The file is damaged or cut off.
    """

    # libwebp has two canvases of 4 bytes a pixel, and Pillow copies one before it makes the picture.
    bytes_per_pixel = 12.0

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._chunks = bounded(_chunks(content))
        self.size_px = self._size_px()
        self.animated = any(chunk.kind == b"ANIM" for chunk in self._chunks)

    @cached_property
    def orientation(self) -> int:
        """The orientation, 1 to 8: EXIF's, or else XMP's."""
        stated = orientation_in(self._body(b"EXIF")) or orientation_in_xmp(self._body(b"XMP "))
        return stated or UPRIGHT

    def decodable(self) -> bytes:
        """The whole file: libwebp reads nothing that the pixels do not need."""
        return self._content

    def without_metadata(self) -> bytes:
        """The same pixels, orientation and colours without any other metadata, and without what follows the picture."""
        view = memoryview(self._content)
        turned = self.orientation != UPRIGHT
        parts: list[bytes | memoryview] = []
        kept = _KEPT if turned or not self._is_simple() else _SIMPLE
        for chunk in (chunk for chunk in self._chunks if chunk.kind in kept):
            if chunk.kind == b"VP8X":
                flags = self._content[chunk.body] & ~(_EXIF_FLAG | _XMP_FLAG) | turned * _EXIF_FLAG
                parts += [view[chunk.start : chunk.body], bytes((flags,)), view[chunk.body + 1 : chunk.end]]
            else:
                parts.append(view[chunk.start : chunk.end])
        if turned:
            body = exif_of(self.orientation)
            parts += [b"EXIF", len(body).to_bytes(4, "little"), body]
        return b"".join([b"RIFF", (4 + sum(map(len, parts))).to_bytes(4, "little"), b"WEBP", *parts])

    def _is_simple(self) -> bool:
        """Whether its pixels need no extended header, which editors put before them to add metadata."""
        return not any(chunk.kind in _EXTENDED for chunk in self._chunks)

    def _size_px(self) -> tuple[int, int]:
        """Width and height of the canvas, as the first chunk states them."""
        first = self._chunks[0] if self._chunks else Piece(b"", 0, 0, 0)
        body = self._content[first.body : first.body + 10].ljust(10, b"\0")
        if first.kind == b"VP8X":
            return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
        if first.kind == b"VP8L":
            packed = int.from_bytes(body[1:5], "little")
            return (packed & _SIDE) + 1, (packed >> 14 & _SIDE) + 1
        if first.kind == b"VP8 ":
            return int.from_bytes(body[6:8], "little") & _SIDE, int.from_bytes(body[8:10], "little") & _SIDE
        raise NotDecodableError("The WebP picture is damaged: it does not start with its size.")

    def _body(self, kind: bytes) -> bytes:
        """The body of the first chunk of a kind; empty where there is none."""
        bodies = (self._content[chunk.body : chunk.end] for chunk in self._chunks if chunk.kind == kind)
        return next(bodies, b"")


def _chunks(content: bytes) -> Iterator[Piece]:
    """Every chunk with the byte that pads it to an even length."""
    at, end = _HEADER_BYTES, int.from_bytes(content[4:8], "little") + 8
    while at + 8 <= end:
        size_bytes = int.from_bytes(content[at + 4 : at + 8], "little")
        after = at + 8 + size_bytes + size_bytes % 2
        if after > min(end, len(content)):
            raise NotDecodableError(
                "The WebP picture is damaged or cut off: the file ends before the picture does."
            )
        yield Piece(content[at : at + 4], at, at + 8, after)
        at = after
