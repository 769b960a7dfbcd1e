"""PNG files, chunk by chunk (W3C Portable Network Graphics, third edition)."""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property

from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in, orientation_in_xmp
from autobg_mcp.pictures.pieces import NotDecodableError, Piece, bounded

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DECODED = frozenset(b"IHDR PLTE tRNS IDAT IEND".split())
# What decides how the pixels look; texts, times, EXIF and whatever an editor added are left out.
_KEPT = _DECODED | frozenset(b"cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs".split())
# What Pillow reads without unpacking or joining anything.
_HARMLESS = _KEPT - {b"iCCP"} | {b"eXIf", b"tIME"}
_ANCILLARY, _IGNORED = 0x20, b""
_TEXTS = frozenset(b"tEXt zTXt iTXt".split())
_MOST_TEXT_BYTES = 1 << 20
# The names by which editors have put EXIF and XMP into texts.
_EXIF_TEXTS = frozenset({b"Raw profile type exif", b"Raw profile type APP1"})
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
        """The orientation, 1 to 8: that of EXIF, of EXIF in a text, or of XMP."""
        exif: list[int | None] = []
        xmp: list[int | None] = []
        for chunk in self._chunks:
            if chunk.kind == b"eXIf":
                exif.insert(0, orientation_in(self._body(chunk)))
            elif chunk.kind in _TEXTS:
                name, text = _text(chunk.kind, self._body(chunk))
                if name in _EXIF_TEXTS:
                    exif.append(orientation_in(_unprofiled(text)))
                elif name == _XMP_TEXT:
                    xmp.append(orientation_in_xmp(text))
        return next(filter(None, exif + xmp), UPRIGHT)

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

    def _body(self, chunk: Piece) -> bytes:
        return self._content[chunk.body : chunk.end - 4]


def _text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """Name and content of a text chunk, unpacked up to a bound."""
    name, _, text = body.partition(b"\0")
    packed = kind == b"zTXt" or (kind == b"iTXt" and text[:1] == b"\1")
    text = {b"tEXt": text, b"zTXt": text[1:], b"iTXt": text[2:].split(b"\0", 2)[-1]}[kind]
    if packed and name in _EXIF_TEXTS | {_XMP_TEXT}:
        try:
            text = zlib.decompressobj().decompress(text, _MOST_TEXT_BYTES)
        except zlib.error:
            text = b""
    return name, text[:_MOST_TEXT_BYTES]


def _unprofiled(text: bytes) -> bytes:
    """The bytes in a raw profile: a name, their number, and hexadecimal digits in lines."""
    with suppress(ValueError):
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii", "replace"))
    return b""


def _exif_chunk(turned: int) -> bytes:
    body = exif_of(turned)
    return len(body).to_bytes(4, "big") + b"eXIf" + body + zlib.crc32(b"eXIf" + body).to_bytes(4, "big")


def _chunks(content: bytes) -> Iterator[Piece]:
    """Every chunk up to the end chunk; one that decoders need not know loses its kind where its checksum is wrong."""
    at, view = len(_SIGNATURE), memoryview(content)
    while at + 12 <= len(content):
        kind, body = content[at + 4 : at + 8], at + 8
        end = body + int.from_bytes(content[at : at + 4], "big") + 4
        if end > len(content):
            break
        fits = zlib.crc32(view[at + 4 : end - 4]) == int.from_bytes(content[end - 4 : end], "big")
        if not (fits or kind[0] & _ANCILLARY):
            raise NotDecodableError("The PNG picture is damaged: a checksum does not fit.")
        yield Piece(kind if fits else _IGNORED, at, body, end)
        if kind == b"IEND":
            return
        at = end
    raise NotDecodableError("The PNG picture is damaged or cut off: the file ends before the picture does.")
