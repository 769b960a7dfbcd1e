"""JPEG files, segment by segment (ITU-T T.81, annex B)."""

import io
import itertools
import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in, orientation_in_xmp
from autobg_mcp.pictures.pieces import NotDecodableError, Piece, bounded

_END = b"\xff\xd9"
_SOI, _EOI, _SOS, _COM = b"\xd8", b"\xd9", b"\xda", b"\xfe"
_FRAMES = frozenset(bytes((kind,)) for kind in range(0xC0, 0xD0) if kind not in {0xC4, 0xC8, 0xCC})
_SEQUENTIAL = frozenset({b"\xc0", b"\xc1"})
_ALONE = frozenset({b"\x01", *(bytes((kind,)) for kind in range(0xD0, 0xD8))})
_APPS = frozenset(bytes((kind,)) for kind in range(0xE0, 0xF0))
_WITHOUT_PIXELS = _ALONE | {_COM, _EOI}
# What decides how the pixels look: the colour space and transform, and the colour profile, which decoders leave alone.
_APP0, _ADOBE = b"\xe0", b"\xee"
_DECODED_APPS = {_APP0: b"JFIF\0", _ADOBE: b"Adobe"}
_KEPT_APPS = {b"\xe2": b"ICC_PROFILE\0", _ADOBE: b"Adobe"}
# Version 1.01, square pixels, no thumbnail (JFIF 1.02): what else it may say is metadata.
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
_JFIF_COMPONENTS, _RGB_NAMES = (1, 3), b"RGB"
_APP1, _EXIF_ID, _XMP_ID = b"\xe1", b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
# Decoders skip what stands before a marker, any number of 0xFF too.
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# In coded data 0xFF is followed by 0x00, a restart marker or another 0xFF; anything else ends the data.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
# One after every 16 x 16 of 100 megapixels.
_MOST_RESTARTS = 400_000
# What belongs to nothing: decoders skip it before a marker, unless coded data lack there. It holds no marker, and makes
# none of a 0xFF before it.
_FILLING = bytes(range(0, 255, 11))
_MOST_STRAY_BYTES = 1 << 20
_MOST_SCANS = 200
_COEFFICIENTS = 64
# Every scan goes over all pixels: about 2 s, both looks at them together. Of 100 megapixels, twelve scans fit.
_MOST_PIXELS_IN_SCANS = 1_200_000_000
# More than a decoder reads ahead of the last row, and less than a row of any photo can be made of.
_LOOK_AHEAD = bytes(16)
_SIP_BYTES = 4096
_STRIDE_BYTES = 1 << 20


class JpegFile:
    """A JPEG file whose segments lead to the end of its picture; see `PictureFile`.

    Raises:
        NotDecodableError: The file is damaged or cut off, or has an attacker's number of scans.
        FileRefusedError: Its scans would take too long.
    """

    animated = False

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._segments = bounded(_segments(content))
        self._scans = [one for one in self._segments if one.kind == _SOS]
        frames = [one for one in self._segments if one.kind in _FRAMES]
        if not frames or not 0 < len(self._scans) <= _MOST_SCANS:
            raise NotDecodableError(f"The JPEG picture has {len(self._scans)} scans.")
        frame = self._body(frames[0])
        self.size_px = int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")
        self._sampling = {
            part: divmod(sides, 16) for part, sides in zip(frame[6::3], frame[7::3], strict=False)
        }
        self.one_scan = _holds_all_rows(content, frames[0], self._scans[0])
        self._ended = self._segments[-1].kind == _EOI
        if not self.one_scan:
            self._check_scans()

    @property
    def bytes_per_pixel(self) -> float:
        """Coefficients of 2 bytes, as many as samples, which libjpeg keeps between one scan and the next."""
        samples = [across * down for across, down in self._sampling.values()]
        most = [max(sides) for sides in zip(*self._sampling.values(), strict=True)]
        return 0.0 if self.one_scan else 2 * sum(samples) / max(1, math.prod(most))

    @cached_property
    def orientation(self) -> int:
        """The orientation, 1 to 8: EXIF's, or else XMP's."""
        stated = orientation_in(self._first(_EXIF_ID)) or orientation_in_xmp(self._first(_XMP_ID))
        return stated or UPRIGHT

    def decodable(self) -> bytes:
        """The segments of the pixels. Where one scan holds all rows it has no end: libjpeg paints grey what lacks before one."""
        return b"".join([*self._kept(_DECODED_APPS), _LOOK_AHEAD if self.one_scan else _END])

    def filled(self) -> bytes:
        """The segments of the pixels with stray bytes where coded data end: they show where data lack, and else nowhere.

        libjpeg paints grey what lacks before a marker, in silence; the stray bytes become pixels in its place.

        Raises:
            NotDecodableError: Whole parts between restart markers are missing.
        """
        view, filled, restarts = memoryview(self._content), bytearray(self._content[:2]), itertools.count(1)
        for one in (one for one in self._segments if self._shows(one, _DECODED_APPS)):
            at = one.start
            for place, found in enumerate(_found(_RESTART, self._content, one) if one.kind == _SOS else ()):
                if found[1][0] % 8 != place % 8 or next(restarts) > _MOST_RESTARTS:
                    raise NotDecodableError("The JPEG picture is damaged: coded data are missing.")
                filled += view[at : found.start()]
                filled += _FILLING
                at = found.start()
            filled += view[at : one.end]
            filled += _FILLING if one.kind == _SOS else b""
        return bytes(filled + (_LOOK_AHEAD if self.one_scan else _END))

    def without_metadata(self) -> bytes:
        """The same pixels, orientation and colours without any other metadata, and without what follows the picture.

        Phones append a second picture, a film clip or a depth map, each with metadata of its own.
        """
        start, *kept = self._kept(_KEPT_APPS)
        if not self._ended:
            kept[-1] = kept[-1][: self._scan_bytes()]
        turned = b"" if self.orientation == UPRIGHT else _exif_segment(self.orientation)
        return b"".join([start, _JFIF if self._is_jfif() else b"", turned, *kept, _END])

    def _is_jfif(self) -> bool:
        """Whether the colours are JFIF's, said or not: decoders take grey and YCbCr for granted.

        libjpeg believes JFIF, then Adobe's segment, then components that are named R, G and B (jdapimin.c).
        """
        kinds = {one.kind for one in self._segments if self._shows(one, _DECODED_APPS)}
        unsaid = _ADOBE not in kinds and bytes(self._sampling) != _RGB_NAMES
        return _APP0 in kinds or (unsaid and len(self._sampling) in _JFIF_COMPONENTS)

    def _kept(self, apps: Mapping[bytes, bytes]) -> list[memoryview]:
        """The start and every segment that decides how the pixels look."""
        view = memoryview(self._content)
        return [view[:2], *(view[one.start : one.end] for one in self._segments if self._shows(one, apps))]

    def _shows(self, segment: Piece, apps: Mapping[bytes, bytes]) -> bool:
        if segment.kind in _APPS:
            return segment.kind in apps and self._content.startswith(apps[segment.kind], segment.body)
        return segment.kind not in _WITHOUT_PIXELS

    def _scan_bytes(self) -> int:
        """How much of a scan without an end belongs to the picture: what a decoder needs for all of its rows."""
        content, scan = self.decodable(), self._scans[-1]
        start = len(content) - len(_LOOK_AHEAD) - (scan.end - scan.start)
        near = _needed(content, start + scan.body - scan.start, _SIP_BYTES)
        return _needed(content, max(start, near - 2 * _SIP_BYTES), 1) - start

    def _check_scans(self) -> None:
        """Makes sure that the scans, where they are several, are neither too few nor too many."""
        width_px, height_px = self.size_px
        if len(self._scans) * width_px * height_px > _MOST_PIXELS_IN_SCANS:
            raise FileRefusedError(
                f"It is a JPEG of {width_px} x {height_px} pixels in {len(self._scans)} scans, which would take too long.",
                next_step="Save it as an ordinary (baseline) JPEG.",
            )
        told = {(name, place) for scan in self._scans for name, place in _scanned(self._content, scan)}
        if not told >= set(itertools.product(self._sampling, range(_COEFFICIENTS))):
            raise NotDecodableError("The JPEG picture is cut off: some of its scans are missing.")

    def _first(self, app1: bytes) -> bytes:
        """The first segment of an application, by what it begins with; empty where there is none."""
        own = (
            one for one in self._segments if one.kind == _APP1 and self._content.startswith(app1, one.body)
        )
        return next(map(self._body, own), b"")

    def _body(self, segment: Piece) -> bytes:
        return self._content[segment.body : segment.end]


class _Sips(io.BytesIO):
    """A file that gives little at once from a place on: where its reader has stopped is what it needed."""

    def __init__(self, content: bytes, start: int, sip_bytes: int) -> None:
        super().__init__(content)
        self._start, self._sip_bytes = start, sip_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        before = self._start - self.tell()
        return super().read(min(size or 0, before) if before > 0 else self._sip_bytes)


def _needed(content: bytes, start: int, sip_bytes: int) -> int:
    """How many bytes of a file are needed for all rows, to `sip_bytes` precisely; they lie behind `start`."""
    from PIL.JpegImagePlugin import JpegImageFile

    file = _Sips(content, start, sip_bytes)
    image = JpegImageFile(file)
    image.draft(None, (1, 1))
    image.load()
    return file.tell()


def _scanned(content: bytes, scan: Piece) -> Iterator[tuple[int, int]]:
    """Every component in a scan, by name, with every coefficient that it holds of it."""
    names_end = scan.body + 1 + 2 * content[scan.body]
    first, last = content[names_end], content[names_end + 1]
    return itertools.product(
        content[scan.body + 1 : names_end : 2], range(first, min(last + 1, _COEFFICIENTS))
    )


def _holds_all_rows(content: bytes, frame: Piece, scan: Piece) -> bool:
    """Whether a scan has all components of a sequential frame, so that nothing has to follow it."""
    return frame.kind in _SEQUENTIAL and content[frame.body + 5] == content[scan.body]


def _found(pattern: re.Pattern[bytes], content: bytes, piece: Piece) -> Iterator[re.Match[bytes]]:
    """Every place of two bytes in a piece's body, searched for in strides: no other thread goes on before one is done."""
    for at in range(piece.body, piece.end, _STRIDE_BYTES):
        yield from pattern.finditer(content, at, min(at + _STRIDE_BYTES + 1, piece.end))


def _exif_segment(turned: int) -> bytes:
    body = _EXIF_ID + exif_of(turned)
    return b"\xff" + _APP1 + (len(body) + 2).to_bytes(2, "big") + body


def _segments(content: bytes) -> Iterator[Piece]:
    """Every segment after the first marker, coded data with its scan's header, up to the end of the picture."""
    at, frame = 2, None
    while found := _MARKER.search(content, at, at + _MOST_STRAY_BYTES):
        kind, start, body = found[1], found.end() - 2, found.end() + 2
        if kind == _EOI:
            yield Piece(kind, start, found.end(), found.end())
            return
        at = (
            found.end()
            if kind in _ALONE
            else found.end() + int.from_bytes(content[found.end() : body], "big")
        )
        if kind == _SOI or at > len(content):
            break
        if kind == _SOS:
            end = next(_found(_END_OF_SCAN, content, Piece(kind, start, at, len(content))), None)
            at = end.start() if end else len(content)
        frame = frame or (Piece(kind, start, body, at) if kind in _FRAMES else None)
        yield Piece(kind, start, body, at)
        if kind == _SOS and frame and _holds_all_rows(content, frame, Piece(kind, start, body, at)):
            end = _MARKER.match(content, at)
            if end and end[1] == _EOI:
                yield Piece(_EOI, at, end.end(), end.end())
            return
    raise NotDecodableError(
        "The JPEG picture is damaged or cut off: its segments do not lead to the end of a picture."
    )
