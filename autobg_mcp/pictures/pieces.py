"""What picture files are made of: pieces one after another, bounded in number, and one kind of failure."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from autobg_mcp.errors import FileRefusedError

_MOST_PIECES = 50_000


class NoPictureError(FileRefusedError):
    """Bytes that are no whole, still picture of a kind that is uploaded, whenever they are looked at."""


class NotDecodableError(NoPictureError):
    """Bytes that no decoder makes a picture of."""


class Piece(NamedTuple):
    """One segment or chunk of a file: it starts with its kind and its length, and `body` is what they announce."""

    kind: bytes
    start: int
    body: int
    end: int


class PictureFile(Protocol):
    """A file whose pieces have been found and counted, and of whose pixels nothing has been decoded."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Stored width and height, before any orientation is applied."""

    @property
    def animated(self) -> bool:
        """Whether it has more than one frame."""

    @property
    def orientation(self) -> int:
        """How the stored pixels are to be turned: 1 to 8 as in EXIF, from EXIF or else from XMP."""

    @property
    def bytes_per_pixel(self) -> float:
        """What decoding takes for each stored pixel beside the picture itself."""

    def decodable(self) -> bytes:
        """What a decoder needs for the pixels of the first frame, and nothing else that it would have to read."""

    def without_metadata(self) -> bytes:
        """The same pixels, orientation and colours without any other metadata, and without what follows the picture."""


def bounded(pieces: Iterator[Piece]) -> list[Piece]:
    """All pieces of a file.

    Raises:
        NotDecodableError: There are more than any camera or editor writes, so that only going through them is an attack.
    """
    found: list[Piece] = []
    for piece in pieces:
        found.append(piece)
        if len(found) > _MOST_PIECES:
            raise NotDecodableError(f"The picture is in more than {_MOST_PIECES:,} pieces.")
    return found
