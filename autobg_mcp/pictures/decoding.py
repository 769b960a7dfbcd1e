"""Pillow behind one door: only the decoders that are meant, only work that is bounded, one kind of failure."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import sniff
from autobg_mcp.installation import adding
from autobg_mcp.pictures.exif import UPRIGHT
from autobg_mcp.pictures.gif import GifFile
from autobg_mcp.pictures.jpeg import JpegFile
from autobg_mcp.pictures.pieces import NotDecodableError, PictureFile
from autobg_mcp.pictures.png import PngFile
from autobg_mcp.pictures.webp import WebpFile
from autobg_mcp.text import cleaned

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 100_000_000
"""The most pixels of a picture that is decoded: 12,000 x 8,000 fits."""

MAX_DECODING_BYTES = 512 * 2**20
"""The most memory that decoding a picture may take: 33 megapixels of WebP, 48 of HEIC, 67 of progressive JPEG fit."""

_PILLOW_BYTES_PER_PIXEL = 4
# Beside Pillow's picture: libheif's planes and what it makes of them, measured with 8 and 10 bits a sample.
_HEIC_BYTES_PER_PIXEL = 7.0

_FILES: dict[str, Callable[[bytes], PictureFile]] = {
    "image/jpeg": JpegFile,
    "image/png": PngFile,
    "image/webp": WebpFile,
    "image/gif": GifFile,
}


@dataclass(frozen=True)
class OpenedPicture:
    """A picture whose header has been read, and of which nothing has been decoded.

    Attributes:
        mime: What its bytes are.
        size_px: Stored width and height, before any orientation is applied.
        image: Pillow's picture, which may be smaller; `loaded` decodes it.
        file: Its pieces; None for HEIC.
    """

    mime: str
    size_px: tuple[int, int]
    image: "ImageFile"
    file: PictureFile | None

    @property
    def orientation(self) -> int:
        """How the stored pixels are to be turned, 1 to 8 as in EXIF; libheif has turned a HEIC picture already."""
        return self.file.orientation if self.file else UPRIGHT

    def loaded(self) -> "ImageFile":
        """The picture, decoded.

        Raises:
            NotDecodableError: The decoder failed.
        """
        with decoder_faults():
            self.image.load()
        return self.image


@contextmanager
def decoder_faults() -> Iterator[None]:
    """Turns whatever a decoder raises into NotDecodableError: hostile bytes reach many corners of it.

    Raises:
        NotDecodableError: The decoder failed.
        FileRefusedError: There was no memory for it, which says nothing of the bytes.
    """
    try:
        yield
    except FileRefusedError:
        raise
    except MemoryError as error:
        raise FileRefusedError(
            "This machine has no memory to decode the picture now.",
            repeatable=True,
            next_step="Call again later.",
        ) from error
    except Exception as error:
        raise NotDecodableError(f"The picture is damaged or cut off ({cleaned(str(error), 80)}).") from error


def opened(content: bytes, *, least_px: int | None = None, local: bool = False) -> OpenedPicture:
    """The picture in `content`, held to its bounds before any work is done.

    Args:
        content: The whole file.
        least_px: A JPEG may be decoded at a half, a quarter or an eighth of its size, as long as its longer side has
            this many pixels; all coded data are read all the same. None: at its full size.
        local: Whether the bytes are a local file that the operator lets be read: HEIC is decoded from no other place.

    Raises:
        NotDecodableError: It is damaged.
        FileRefusedError: It is of a kind that is not decoded, or decoding would take too much.
    """
    mime = sniff(content)
    if mime == "image/heic":
        return _opened_heic(content, local=local)
    if mime not in _FILES:
        raise FileRefusedError(f"It holds {mime or 'bytes of no known kind'}, which is not decoded.")
    with decoder_faults():
        file = _FILES[mime](content)
        _check_pixels(file.size_px)
        if mime != "image/jpeg":  # libwebp takes memory for all pixels as soon as it has the header
            _check_bytes(file.size_px, file.size_px, file.bytes_per_pixel)
        image = _decoder(mime)(io.BytesIO(file.decodable()))
        size_px = image.size
        _check_pixels(size_px)
        if mime == "image/jpeg" and least_px:
            _reduce(image, least_px)
    _check_bytes(size_px, image.size, file.bytes_per_pixel)
    return OpenedPicture(mime, size_px, image, file)


def whole(content: bytes) -> OpenedPicture:
    """The picture in a local file, decoded and proved to lack nothing; a JPEG smaller, as far as that still shows.

    Raises:
        NotDecodableError: It is damaged or a part of it is missing.
        FileRefusedError: As `opened`.
    """
    picture, least_px = opened(content, least_px=1, local=True), 1
    file = picture.file
    if not isinstance(file, JpegFile):
        picture.loaded()
        return picture
    if not file.one_scan:  # what lacks in a later scan does not show at an eighth of the size
        least_px = max(1, max(picture.size_px) // 2)
        picture = opened(content, least_px=least_px, local=True)
    _check_filling(picture, file, least_px)
    return picture


def _check_filling(picture: OpenedPicture, file: JpegFile, least_px: int) -> None:
    """Makes sure that stray bytes at the ends of coded data are nowhere taken for pixels."""
    across_px, down_px = picture.image.size
    _check_bytes(picture.size_px, (across_px, 2 * down_px), file.bytes_per_pixel)
    shown = picture.loaded().tobytes()
    with decoder_faults():
        filled = _decoder(picture.mime)(io.BytesIO(file.filled()))
        _reduce(filled, least_px)
        if filled.tobytes() != shown:
            raise NotDecodableError("The picture is damaged or cut off: coded data are missing.")


def _reduce(jpeg: "ImageFile", least_px: int) -> None:
    """Lets a JPEG be decoded at a half, a quarter or an eighth, with at least so many pixels on its longer side."""
    width_px, height_px = (max(1, side * least_px // max(jpeg.size)) for side in jpeg.size)
    jpeg.draft(None, (width_px, height_px))


def size_px(content: bytes) -> tuple[int, int] | None:
    """Stored width and height of a picture, before any orientation is applied; None where nothing shows it."""
    build = _FILES.get(sniff(content) or "")
    if build is None:
        return None
    try:
        with decoder_faults():
            return build(content).size_px
    except FileRefusedError:
        return None


def _check_pixels(size_px: tuple[int, int]) -> None:
    width_px, height_px = size_px
    if width_px * height_px > MAX_PIXELS:
        raise FileRefusedError(
            f"It has {width_px} x {height_px} pixels, more than the {MAX_PIXELS:,} that are handled."
        )


def _check_bytes(stored_px: tuple[int, int], decoded_px: tuple[int, int], bytes_per_pixel: float) -> None:
    """Refuses what would take too much memory: `bytes_per_pixel` of the stored pixels, and the decoded picture."""
    (width_px, height_px), (across_px, down_px) = stored_px, decoded_px
    needed = bytes_per_pixel * width_px * height_px + _PILLOW_BYTES_PER_PIXEL * across_px * down_px
    if needed > MAX_DECODING_BYTES:
        raise FileRefusedError(
            f"It has {width_px} x {height_px} pixels, and decoding its format would take {needed / 2**20:,.0f} MB of "
            f"memory, more than the {MAX_DECODING_BYTES / 2**20:.0f} MB that are allowed.",
            next_step="Save it with fewer pixels or as an ordinary (baseline) JPEG.",
        )


def _opened_heic(content: bytes, *, local: bool) -> OpenedPicture:
    """A HEIC picture; libheif holds its parts to bounds, and its pixels to the size in its header."""
    if not local:
        raise FileRefusedError("HEIC is decoded from local files only.")
    try:
        from pillow_heif import HeifImageFile  # an optional extra
    except ImportError as error:
        raise FileRefusedError(
            "It is a HEIC picture, and HEIC is not installed.",
            next_step=f"Ask the person who runs this server to install it with: {adding('heic')}",
        ) from error
    decoder: type[ImageFile] = HeifImageFile
    with decoder_faults():
        image = decoder(io.BytesIO(content))
    _check_pixels(image.size)
    _check_bytes(image.size, image.size, _HEIC_BYTES_PER_PIXEL)
    return OpenedPicture("image/heic", image.size, image, None)


def _decoder(mime: str) -> "type[ImageFile]":
    """The one Pillow decoder for `mime`. `Image.open` would try many and warn by a limit that is not ours."""
    if mime == "image/jpeg":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile
    if mime == "image/png":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile
    if mime == "image/webp":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile
    from PIL.GifImagePlugin import GifImageFile

    return GifImageFile
