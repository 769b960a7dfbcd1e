"""The bytes of a local file become an upload: proved to be a picture, freed of what tells on its maker."""

import hashlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import EXTENSIONS, sniff
from autobg_mcp.files.search import PICTURE_SUFFIXES
from autobg_mcp.pictures.decoding import decoder_faults, whole
from autobg_mcp.pictures.jpeg import JpegFile
from autobg_mcp.pictures.pieces import NoPictureError
from autobg_mcp.text import quoted

if TYPE_CHECKING:
    from PIL.Image import Image

_HEIC_JPEG_QUALITY = 95
_REWRITTEN = re.compile(r"""["\\\x00-\x1f\x7f]""")
"""What a form cannot carry in a name as it is: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data."""
_UPLOADED = frozenset({"image/jpeg", "image/png", "image/webp", "image/heic"})
_SUFFIXES = {"image/jpeg": {".jpg", ".jpeg", ".jpe", ".jfif"}, "image/png": {".png"}, "image/webp": {".webp"}}


@dataclass(frozen=True)
class Photo:
    """A picture that is ready to be uploaded.

    Attributes:
        name: The file's name, with an ending that fits `mime`.
        mime: `image/jpeg`, `image/png` or `image/webp`, by the bytes of `content`.
        content: What is uploaded.
        sha256: Hexadecimal digest of what is uploaded without metadata, also where metadata are kept: what tells one
            photo from another.
    """

    name: str
    mime: str
    content: bytes
    sha256: str


def take_in(name: str, original: bytes, *, keep_metadata: bool = False) -> Photo:
    """Makes an upload of a local file's bytes; it decodes them, so its place is the lane.

    Pixels, orientation and colour profile stay as they are. A HEIC or HEIF picture becomes a JPEG.

    Args:
        name: The file's name.
        original: The file's bytes.
        keep_metadata: True uploads the file byte by byte; False leaves out positions, serial numbers, names, dates,
            comments and anything behind the picture.

    Raises:
        NoPictureError: It is no whole, still JPEG, PNG, WebP or HEIC picture.
        FileRefusedError: It is one that is not decoded here: beyond the bounds, or HEIC without its decoder.
    """
    try:
        mime, told, bare = _prepared(original)
    except FileRefusedError as error:
        raise type(error)(
            f"{quoted(name)} is refused. {error}", repeatable=error.repeatable, next_step=error.next_step
        ) from error
    content = told if keep_metadata else bare
    return Photo(_wire_name(name, mime), mime, content, hashlib.sha256(bare).hexdigest())


def _prepared(original: bytes) -> tuple[str, bytes, bytes]:
    """MIME type and bytes of what is uploaded, with its metadata and without."""
    mime = sniff(original)
    if mime not in _UPLOADED:
        holds = mime or "bytes of no known kind"
        raise NoPictureError(
            f"It holds {holds}, not a JPEG, PNG, WebP or HEIC picture, whatever its name says."
        )
    picture = whole(original)
    if picture.file and picture.file.animated:
        raise NoPictureError("The picture is animated.")
    with decoder_faults():
        if picture.file:
            return mime, original, picture.file.without_metadata()
        jpeg = _as_jpeg(picture.image)
        return "image/jpeg", jpeg, JpegFile(jpeg).without_metadata()


def _as_jpeg(image: "Image") -> bytes:
    """A phone's HEIC picture as JPEG, upright; the decoder has made its EXIF say so."""
    jpeg_file = io.BytesIO()
    shown = image if image.mode == "RGB" else image.convert("RGB")
    told = {"icc_profile": image.info.get("icc_profile"), "exif": image.info.get("exif") or b""}
    shown.save(jpeg_file, "JPEG", quality=_HEIC_JPEG_QUALITY, subsampling=0, **told)
    return jpeg_file.getvalue()


def _wire_name(name: str, mime: str) -> str:
    """The name as it arrives: another picture's ending is replaced by one that fits the content, the rest is kept.

    It is what the ledger and the API know the photo by, so nothing may be in it that is rewritten on the way.
    """
    text = os.fsencode(name).decode("utf-8", "replace")  # not every file system holds text
    name = _REWRITTEN.sub("_", text)
    path = PurePath(name)
    if path.suffix.lower() in _SUFFIXES[mime]:
        return name
    stem = path.stem if path.suffix.lower() in PICTURE_SUFFIXES else name
    return f"{stem}.{EXTENSIONS[mime]}"
