"""A local file becomes an upload: read once, proved to be a picture, freed of what tells on its maker."""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.kinds import sniff
from autobg_mcp.pictures import jpeg, png, webp
from autobg_mcp.pictures.decoding import MAX_PIXELS, decoder_faults, opened
from autobg_mcp.text import quoted

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_BYTES = 64 * 2**20
"""The most bytes of one photo: a professional camera's largest JPEG has about 40 MiB."""

# What decoding a pixel takes beyond the file: libjpeg keeps the coefficients of a progressive picture, libwebp two
# canvases of which Pillow makes two copies. What would take more than this is refused: only pictures leave the machine.
_MOST_DECODING_BYTES = 512 * 2**20
_PROGRESSIVE_BYTES_PER_PIXEL = 6
_WEBP_BYTES_PER_PIXEL = 16
_HEIC_JPEG_QUALITY = 95


class _Format(Protocol):
    def verify(self, content: bytes) -> None: ...
    def without_metadata(self, content: bytes) -> bytes: ...


_FORMATS: dict[str, _Format] = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}


@dataclass(frozen=True)
class Photo:
    """A picture that is ready to be uploaded.

    Attributes:
        name: The file's name; a converted file's ends in `.jpg`.
        mime: `image/jpeg`, `image/png` or `image/webp`, by the bytes of `content`.
        width_px: Stored width, before any orientation is applied.
        height_px: Stored height, before any orientation is applied.
        content: What is uploaded.
        sha256: Hexadecimal digest of the file as it lies on disk.
    """

    name: str
    mime: str
    width_px: int
    height_px: int
    content: bytes
    sha256: str


def take_in(
    fence: Fence,
    path: Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    keep_metadata: bool = False,
) -> Photo:
    """Reads `path` once and makes an upload of it.

    Pixels, orientation and colour profile stay as they are. A HEIC or HEIF picture becomes a JPEG.

    Args:
        fence: Says whether the file may be read.
        path: The file.
        max_bytes: The most bytes the file may have.
        max_pixels: The most pixels the picture may have.
        keep_metadata: True uploads the file byte by byte; False leaves out positions, serial numbers, names, dates,
            comments and anything behind the picture.

    Raises:
        FileRefusedError: The file may not be read, or is no whole, still JPEG, PNG, WebP or HEIC picture in bounds.
    """
    original = _read(fence, path, max_bytes)
    try:
        mime, content, size_px = _prepared(original, max_pixels, keep_metadata)
    except FileRefusedError as error:
        raise FileRefusedError(
            f"{quoted(path.name)} is refused. {error}", next_step=error.next_step
        ) from error
    name = path.name if mime == sniff(original) else f"{path.stem}.jpg"
    name = os.fsencode(name).decode("utf-8", "replace")  # not every file system holds text
    return Photo(name, mime, *size_px, content, hashlib.sha256(original).hexdigest())


def _read(fence: Fence, path: Path, max_bytes: int) -> bytes:
    with fence.open(path) as file:
        # A file that grows while it is read is not read to its end.
        size_bytes = os.fstat(file.fileno()).st_size
        content = b"" if size_bytes > max_bytes else file.read(max_bytes + 1)
    if max(size_bytes, len(content)) > max_bytes:
        raise FileRefusedError(
            f"{quoted(path.name)} has {size_bytes:,} bytes, more than the {max_bytes:,} that are read."
        )
    if not content:
        raise FileRefusedError(f"{quoted(path.name)} is empty.")
    return content


def _prepared(original: bytes, max_pixels: int, keep_metadata: bool) -> tuple[str, bytes, tuple[int, int]]:
    """MIME type, bytes to upload, and size in pixels."""
    mime = sniff(original)
    if mime == "image/heic":
        return _converted(original, max_pixels, keep_metadata)
    format_ = _FORMATS.get(mime or "")
    if format_ is None:
        holds = mime or "bytes of no known kind"
        raise FileRefusedError(
            f"It holds {holds}, not a JPEG, PNG, WebP or HEIC picture, whatever its name says."
        )
    image = opened(original, mime, max_pixels=max_pixels)
    size_px = image.size
    with decoder_faults():
        format_.verify(original)
        _decode(image)
    return str(mime), original if keep_metadata else format_.without_metadata(original), size_px


def _decode(image: "ImageFile") -> None:
    """Decodes a JPEG or WebP picture; a PNG's pixels have been unpacked already.

    Raises:
        FileRefusedError: That would take too much memory.
    """
    pixels = image.width * image.height
    if image.format == "JPEG":
        cost = _PROGRESSIVE_BYTES_PER_PIXEL if "progressive" in image.info else 0
        # An eighth of the size still makes the decoder read all the coded data.
        image.draft(image.mode, (1, 1))
    else:
        cost = _WEBP_BYTES_PER_PIXEL
    if image.format == "PNG":
        return
    if pixels * cost > _MOST_DECODING_BYTES:
        raise FileRefusedError(
            f"It has {pixels:,} pixels, too many to be checked as {'a progressive JPEG' if cost < _WEBP_BYTES_PER_PIXEL else 'WebP'}.",
            next_step="Save it as an ordinary (baseline) JPEG.",
        )
    image.load()


def _converted(original: bytes, max_pixels: int, keep_metadata: bool) -> tuple[str, bytes, tuple[int, int]]:
    """A phone's HEIC picture as JPEG, upright."""
    image = opened(original, "image/heic", max_pixels=max_pixels)
    jpeg_file = io.BytesIO()
    with decoder_faults():
        image.load()
        shown: Image = image if image.mode == "RGB" else image.convert("RGB")
        kept = {"icc_profile": image.info.get("icc_profile")}
        if keep_metadata:
            kept |= {"exif": image.info.get("exif") or b""}
        shown.save(jpeg_file, "JPEG", quality=_HEIC_JPEG_QUALITY, subsampling=0, **kept)
    return "image/jpeg", jpeg_file.getvalue(), image.size
