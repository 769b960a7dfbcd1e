"""GIF files, as far as their first frame (GIF89a specification)."""

from collections.abc import Iterator

from autobg_mcp.pictures.exif import UPRIGHT
from autobg_mcp.pictures.pieces import NotDecodableError, Piece, bounded

_HEADER_BYTES = 13
_EXTENSION, _IMAGE = b"!", b","
_GRAPHIC_CONTROL = b"\xf9"


class GifFile:
    """A GIF file; see `PictureFile`. It is only ever shown."""

    animated = True
    orientation = UPRIGHT
    bytes_per_pixel = 0.0

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_px = int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
        colours = content[10]
        self._head_bytes = _HEADER_BYTES + (3 << (colours & 7) + 1 if colours & 0x80 else 0)

    def decodable(self) -> bytes:
        """The first frame, how it is drawn, and what follows. Comments of any length stand before it.

        Raises:
            NotDecodableError: There is no frame.
        """
        view = memoryview(self._content)
        extensions = bounded(_extensions(self._content, self._head_bytes))
        first = extensions[-1].end if extensions else self._head_bytes
        if view[first : first + 1] != _IMAGE:
            raise NotDecodableError("The GIF picture is damaged: it has no frame.")
        control = [view[one.start : one.end] for one in extensions if one.kind == _GRAPHIC_CONTROL]
        return b"".join([view[: self._head_bytes], *control[-1:], view[first:]])

    def without_metadata(self) -> bytes:
        """GIF is no photo and is never uploaded."""
        raise NotDecodableError("A GIF picture is not uploaded.")


def _extensions(content: bytes, at: int) -> Iterator[Piece]:
    """Every extension before the first frame; each of its blocks counts as a part, so that their number is bounded."""
    while content[at : at + 1] == _EXTENSION:
        start, kind = at, content[at + 1 : at + 2]
        at += 2
        while size := content[at]:
            at += 1 + size
            if kind != _GRAPHIC_CONTROL:
                yield Piece(b"", start, at, at)
        at += 1
        yield Piece(kind, start, start + 2, at)
