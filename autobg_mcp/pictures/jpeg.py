"""JPEG files, segment by segment (ITU-T T.81, annex B)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from autobg_mcp.pictures.decoding import NotDecodableError
from autobg_mcp.pictures.exif import UPRIGHT, exif_of, orientation_in

_SOI = b"\xff\xd8"
_EOI, _SOS, _COM = 0xD9, 0xDA, 0xFE
_APPS = range(0xE0, 0xF0)
# What decides how the pixels look: the colour space, the colour profile and the colour transform.
_KEPT_APPS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_EXIF_APP, _EXIF_ID = 0xE1, b"Exif\0\0"
# In coded data 0xFF is followed by 0x00, a restart marker or another 0xFF; anything else ends the data.
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_MOST_SCANS = 200


class _Segment(NamedTuple):
    marker: int
    start: int
    body: int
    end: int


def verify(content: bytes) -> None:
    """Makes sure that the segments lead to the end of the picture.

    Raises:
        NotDecodableError: They do not, or there are so many scans that decoding them is an attack.
    """
    scans = sum(segment.marker == _SOS for segment in _segments(content))
    if not 0 < scans <= _MOST_SCANS:
        raise NotDecodableError(f"The JPEG picture has {scans} scans.")


def orientation(content: bytes) -> int:
    """The EXIF orientation, 1 to 8."""
    for segment in _segments(content):
        if segment.marker == _EXIF_APP and content.startswith(_EXIF_ID, segment.body):
            return orientation_in(content[segment.body : segment.end])
    return UPRIGHT


def without_metadata(content: bytes) -> bytes:
    """The same pixels, orientation and colours without any other metadata, and without what follows the picture.

    Phones append a second picture, a film clip or a depth map, each with metadata of its own.
    """
    turned = orientation(content)
    view = memoryview(content)
    kept = [
        view[segment.start : segment.end]
        for segment in _segments(content)
        if _shapes_pixels(content, segment)
    ]
    return b"".join([_SOI, b"" if turned == UPRIGHT else _exif_segment(turned), *kept])


def _shapes_pixels(content: bytes, segment: _Segment) -> bool:
    if segment.marker in _APPS:
        known = _KEPT_APPS.get(segment.marker)
        return known is not None and content.startswith(known, segment.body)
    return segment.marker != _COM


def _exif_segment(turned: int) -> bytes:
    body = _EXIF_ID + exif_of(turned)
    return bytes((0xFF, _EXIF_APP)) + (len(body) + 2).to_bytes(2, "big") + body


def _segments(content: bytes) -> Iterator[_Segment]:
    """Every segment after the first marker, coded data with its scan's header, up to the end-of-image marker."""
    at, end = len(_SOI), len(content)
    while at + 4 <= end or content[at : at + 2] == b"\xff\xd9":
        if content[at] != 0xFF:  # noqa: PLR2004 - every marker starts so
            raise NotDecodableError("The JPEG picture is damaged: a segment does not start with a marker.")
        marker = content[at + 1]
        if marker == _EOI:
            yield _Segment(marker, at, at + 2, at + 2)
            return
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
            continue
        body = at + 4
        after = at + 2 + int.from_bytes(content[at + 2 : body], "big")
        if marker == _SOS:
            found = _END_OF_SCAN.search(content, after)
            after = found.start() if found else end
        yield _Segment(marker, at, body, after)
        at = after
    raise NotDecodableError("The JPEG picture is cut off: the file ends before the picture does.")
