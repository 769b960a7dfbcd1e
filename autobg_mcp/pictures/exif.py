"""The one fact of metadata that changes how a picture looks: its orientation, in EXIF or in XMP.

Pillow's reader would do, but it copies what every entry points to: 64 kB of EXIF can take 350 MB.
"""

import re
from typing import Literal

UPRIGHT = 1
"""The orientation of a picture whose first row is its top and first column its left side (Exif 2.32, tag 0x0112)."""

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = range(1, 9)
_SHORT, _LONG = 3, 4
_ENTRY_BYTES = 12
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
_MOST_XMP_BYTES = 1 << 20
# As an attribute or as an element (XMP specification, part 2, section 3.3).
_IN_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])")


def orientation_in(exif: bytes) -> int | None:
    """The orientation that an EXIF block states, 1 to 8; None when it is missing or unreadable."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = _ORDERS.get(tiff[:2])
    if order is None:
        return None

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    first = number(4, 4)
    end = min(first + 2 + _ENTRY_BYTES * number(first, 2), len(tiff))
    for entry in range(first + 2, end, _ENTRY_BYTES):
        if number(entry, 2) == _ORIENTATION_TAG:
            value = number(entry + 8, {_SHORT: 2, _LONG: 4}.get(number(entry + 2, 2), 0))
            return value if value in _ORIENTATIONS else None
    return None


def orientation_in_xmp(xmp: bytes) -> int | None:
    """The orientation that an XMP packet states, 1 to 8; None when it is missing."""
    found = _IN_XMP.search(xmp, 0, _MOST_XMP_BYTES)
    return int(found[1]) if found else None


def exif_of(orientation: int) -> bytes:
    """A TIFF block that states `orientation` and nothing else."""
    entry = b"".join(
        number.to_bytes(size, "little")
        for number, size in ((_ORIENTATION_TAG, 2), (_SHORT, 2), (1, 4), (orientation, 4))
    )
    return b"II*\0" + (8).to_bytes(4, "little") + (1).to_bytes(2, "little") + entry + bytes(4)
