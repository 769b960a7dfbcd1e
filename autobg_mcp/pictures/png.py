"""PNG files, chunk by chunk (W3C Portable Network Graphics, third edition)."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property

from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in, orientation_in_xmp
from autobg_mcp.pictures.pieces import NotDecodableError, Piece, bounded

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DECODED = frozenset(b"IHDR PLTE tRNS IDAT IEND".split())
# What decides how the pixels look; texts, times, resolution, EXIF and whatever an editor added are left out.
_KEPT = _DECODED | frozenset(b"cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD".split())
# What Pillow reads without unpacking or joining anything.
_HARMLESS = _KEPT - {b"iCCP"} | {b"eXIf", b"tIME", b"pHYs"}
_ANCILLARY, _IGNORED = 0x20, b""
_BODY_BYTES = {
    b"cHRM": 32,
    b"gAMA": 4,
    b"sRGB": 1,
    b"cICP": 4,
    b"mDCV": 24,
    b"cLLI": 8,
    b"pHYs": 9,
    b"tIME": 7,
}
_TEXTS = frozenset(b"tEXt zTXt iTXt".split())
_MOST_TEXT_BYTES, _MOST_NAME_BYTES = 1 << 20, 79
# The names by which editors have put EXIF and XMP into texts; under APP1 stands one or the other.
_RAW_PROFILES = tuple(b"Raw profile type " + kind for kind in (b"exif", b"APP1", b"app1", b"xmp"))
_XMP_TEXT = b"XML:com.adobe.xmp"


class PngFile:
    """A PNG file whose chunks are whole and lead to its end; see `PictureFile`.

    Raises:
        NotDecodableError: The file is damaged or cut off.
    """

    bytes_per_pixel = 0.0

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._chunks = bounded(_chunks(content))
        first = self._chunks[0]
        if first.kind != b"IHDR":
            raise NotDecodableError("The PNG picture is damaged: it does not start with its header.")
        header = self._body(first)
        self.size_px = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
        frames = (self._body(chunk)[:4] for chunk in self._chunks if chunk.kind == b"acTL")
        self.animated = any(int.from_bytes(count, "big") > 1 for count in frames)

    @cached_property
    def orientation(self) -> int:
        """The orientation, 1 to 8: that of EXIF, of EXIF in a text, or of XMP; of each the first is believed."""
        exif = next((self._body(chunk) for chunk in self._chunks if chunk.kind == b"eXIf"), b"")
        profiles = [_unprofiled(self._text(name)) for name in _RAW_PROFILES]
        xmps = (orientation_in_xmp(xmp) for xmp in (self._text(_XMP_TEXT), *profiles))
        stated = (*map(orientation_in, (exif, *profiles)), *xmps)
        return next(filter(None, stated), UPRIGHT)

    def decodable(self) -> bytes:
        """The still picture's pixels and palette; the file itself where nothing else in it is unpacked."""
        if all(chunk.kind in _HARMLESS for chunk in self._chunks):
            return self._content
        return self._of(_DECODED, b"")

    def without_metadata(self) -> bytes:
        """The same pixels, orientation and colours without any other metadata, and without what follows the picture."""
        return self._of(_KEPT, b"" if self.orientation == UPRIGHT else _exif_chunk(self.orientation))

    def _of(self, kinds: frozenset[bytes], exif: bytes) -> bytes:
        view = memoryview(self._content)
        kept = [view[chunk.start : chunk.end] for chunk in self._chunks if chunk.kind in kinds]
        return b"".join([_SIGNATURE, kept[0], exif, *kept[1:]])

    def _text(self, name: bytes) -> bytes:
        """The first text of this name, unpacked up to a bound; empty where there is none."""
        for chunk in self._chunks:
            if chunk.kind in _TEXTS and self._named(chunk) == name:
                return _unpacked(chunk.kind, self._body(chunk).partition(b"\0")[2])
        return b""

    def _named(self, chunk: Piece) -> bytes:
        """The name that a text begins with."""
        return self._content[chunk.body : min(chunk.body + _MOST_NAME_BYTES + 1, chunk.end - 4)].partition(
            b"\0"
        )[0]

    def _body(self, chunk: Piece) -> bytes:
        return self._content[chunk.body : chunk.end - 4]


def _unpacked(kind: bytes, text: bytes) -> bytes:
    """What stands behind a text's name."""
    packed = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
    text = {b"tEXt": text, b"zTXt": text[1:], b"iTXt": text[2:].split(b"\0", 2)[-1]}[kind]
    if not packed:
        return text[:_MOST_TEXT_BYTES]
    try:
        return zlib.decompressobj().decompress(text, _MOST_TEXT_BYTES)
    except zlib.error:
        return b""


def _unprofiled(text: bytes) -> bytes:
    """The bytes in a raw profile: a name, their number, and hexadecimal digits in lines."""
    with suppress(ValueError):
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii", "replace"))
    return b""


def _exif_chunk(turned: int) -> bytes:
    body = exif_of(turned)
    return len(body).to_bytes(4, "big") + b"eXIf" + body + zlib.crc32(b"eXIf" + body).to_bytes(4, "big")


def _chunks(content: bytes) -> Iterator[Piece]:
    """Every chunk up to the end chunk; one that decoders need not know loses its kind where it is damaged."""
    at, view = len(_SIGNATURE), memoryview(content)
    while at + 12 <= len(content):
        kind, body = content[at + 4 : at + 8], at + 8
        end = body + int.from_bytes(content[at : at + 4], "big") + 4
        if end > len(content):
            break
        fits = zlib.crc32(view[at + 4 : end - 4]) == int.from_bytes(content[end - 4 : end], "big")
        if not (fits or kind[0] & _ANCILLARY):
            raise NotDecodableError("The PNG picture is damaged: a checksum does not fit.")
        size_bytes = end - 4 - body
        known = fits and _BODY_BYTES.get(kind, size_bytes) == size_bytes
        yield Piece(kind if known else _IGNORED, at, body, end)
        if kind == b"IEND":
            return
        at = end
    raise NotDecodableError("The PNG picture is damaged or cut off: the file ends before the picture does.")
