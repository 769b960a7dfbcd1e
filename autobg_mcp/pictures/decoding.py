"""Pillow behind one door: only the decoders that are meant, only sizes that are bounded, one kind of failure."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import sniff
from autobg_mcp.text import cleaned

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 100_000_000
"""The most pixels of a picture that is decoded: 12,000 x 8,000 fits."""


_SHOWN_KINDS = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


class NotDecodableError(FileRefusedError):
    """Bytes that no decoder makes a picture of."""


@contextmanager
def decoder_faults() -> Iterator[None]:
    """Turns whatever a decoder raises into NotDecodableError: hostile bytes reach many corners of it.

    Raises:
        NotDecodableError: The decoder failed.
    """
    try:
        yield
    except FileRefusedError:
        raise
    except Exception as error:
        raise NotDecodableError(f"The picture is damaged or cut off ({cleaned(str(error), 80)}).") from error


def opened(content: bytes, mime: str | None, *, max_pixels: int = MAX_PIXELS) -> "ImageFile":
    """The picture in `content` with its header read and nothing decoded yet.

    Args:
        content: The whole file.
        mime: What `sniff` said it is.
        max_pixels: The most pixels it may have.

    Raises:
        NotDecodableError: It is no picture that can be shown, or its header is broken.
        FileRefusedError: It has too many pixels.
    """
    with decoder_faults():
        image = _decoder(mime)(io.BytesIO(content))
    width_px, height_px = image.size
    if width_px * height_px > max_pixels:
        raise FileRefusedError(
            f"The picture has {width_px} x {height_px} pixels, more than the {max_pixels:,} that are handled."
        )
    return image


def size_px(content: bytes) -> tuple[int, int] | None:
    """Stored width and height of a picture, before any orientation is applied; None where nothing shows it."""
    mime = sniff(content)
    if mime not in _SHOWN_KINDS:
        return None
    try:
        return opened(content, mime).size
    except FileRefusedError:
        return None


def _decoder(mime: str | None) -> "type[ImageFile]":
    """The one Pillow decoder for `mime`. `Image.open` would try many and warn by a limit that is not ours."""
    if mime == "image/jpeg":
        from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415 - Pillow is loaded when first needed

        return JpegImageFile
    if mime == "image/png":
        from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415

        return PngImageFile
    if mime == "image/webp":
        from PIL.WebPImagePlugin import WebPImageFile  # noqa: PLC0415

        return WebPImageFile
    if mime == "image/gif":
        from PIL.GifImagePlugin import GifImageFile  # noqa: PLC0415

        return GifImageFile
    if mime == "image/heic":
        return _heic_decoder()
    raise NotDecodableError(f"The bytes are {mime or 'nothing known'}, not a picture that can be shown.")


def _heic_decoder() -> "type[ImageFile]":
    try:
        from pillow_heif import HeifImageFile  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise FileRefusedError(
            "It is a HEIC picture, and HEIC is not installed: pip install 'autobg-mcp[heic]'.",
            next_step="Ask the person who runs this server to install it with: pip install 'autobg-mcp[heic]'",
        ) from error
    return HeifImageFile
