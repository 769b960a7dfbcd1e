"""What a model sees of one picture: small, upright, opaque and as sharp as its bytes allow."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.kinds import sniff
from autobg_mcp.pictures import jpeg, png, webp
from autobg_mcp.pictures.decoding import decoder_faults, opened
from autobg_mcp.pictures.exif import SIDEWAYS, UPRIGHT

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATIONS = {"image/jpeg": jpeg.orientation, "image/png": png.orientation, "image/webp": webp.orientation}
_QUALITIES = (90, 86, 82)
_SHRINK = 0.85
_MIN_PX = 32
_SQUARE_PX = 12
_LIGHT, _DARK = 255, 224


@dataclass(frozen=True)
class Preview:
    """A picture made for looking at.

    Attributes:
        content: The picture's bytes.
        mime: What the bytes are.
        width_px: Width of the preview.
        height_px: Height of the preview.
        source_mime: What the original's bytes are.
        source_width_px: Width of the original as shown, its orientation applied.
        source_height_px: Height of the original as shown, its orientation applied.
    """

    content: bytes
    mime: str
    width_px: int
    height_px: int
    source_mime: str
    source_width_px: int
    source_height_px: int


def preview(content: bytes, *, max_px: int = 1024, max_bytes: int = 300_000) -> Preview:
    """A JPEG of the picture in `content`, its first frame if it moves.

    Orientation is applied. Transparent places show a light checkerboard, so that clipping edges can be seen.

    Args:
        content: A JPEG, PNG, WebP, GIF or HEIC file.
        max_px: The most pixels of the longer side; a smaller picture is not enlarged.
        max_bytes: The most bytes of the JPEG.

    Raises:
        FileRefusedError: The bytes are no picture, damaged, or have too many pixels.
    """
    shown, mime, source_px = reduced(content, max_px)
    encoded, size_px = as_jpeg(shown, max_bytes)
    return Preview(encoded, "image/jpeg", *size_px, mime, *source_px)


def reduced(content: bytes, max_px: int) -> "tuple[Image, str, tuple[int, int]]":
    """The picture upright, opaque, at most `max_px` on its longer side; its MIME type; its full size as shown.

    Raises:
        FileRefusedError: As `preview`.
    """
    from PIL import Image  # noqa: PLC0415 - Pillow is loaded when first needed

    mime = sniff(content)
    image = opened(content, mime)
    width_px, height_px = image.size
    with decoder_faults():
        orientation = _ORIENTATIONS[mime](content) if mime in _ORIENTATIONS else UPRIGHT
        # A JPEG is decoded at a fraction of its size: never more pixels in memory than needed.
        share = min(1.0, 2 * max_px / max(image.size))
        image.draft(None, (max(1, int(width_px * share)), max(1, int(height_px * share))))
        image.load()
        plain = _drawable(image)
        plain.thumbnail((max_px, max_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
        shown = _opaque(_upright(plain, orientation))
    source_px = (height_px, width_px) if orientation in SIDEWAYS else (width_px, height_px)
    return shown, str(mime), source_px


def as_jpeg(image: "Image", max_bytes: int) -> tuple[bytes, tuple[int, int]]:
    """`image` as a JPEG of at most `max_bytes`, and its size: lower quality first, then fewer pixels."""
    from PIL import Image  # noqa: PLC0415

    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            # Full colour resolution: halved, it smears the edge between a car and its new background.
            image.save(file, "JPEG", quality=quality, subsampling=0, optimize=True)
            if file.tell() <= max_bytes:
                return file.getvalue(), image.size
        width_px, height_px = (round(side * _SHRINK) for side in image.size)
        if min(width_px, height_px) < _MIN_PX:
            raise FileRefusedError(f"No preview of the picture fits into {max_bytes:,} bytes.")
        image = image.resize((width_px, height_px), Image.Resampling.LANCZOS)


def _drawable(image: "Image") -> "Image":
    """RGB, or RGBA where something is transparent."""
    if image.mode.startswith("I"):
        # 16 bits of grey: Pillow's own way to 8 bits cuts off whatever is brighter than 255.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose  # noqa: PLC0415

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _opaque(image: "Image") -> "Image":
    """Lays a picture with transparency on a light checkerboard."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    if image.mode != "RGBA":
        return image
    board = Image.new("RGB", image.size, (_LIGHT,) * 3)
    draw = ImageDraw.Draw(board)
    for top in range(0, image.height, _SQUARE_PX):
        for left in range(top // _SQUARE_PX % 2 * _SQUARE_PX, image.width, 2 * _SQUARE_PX):
            draw.rectangle((left, top, left + _SQUARE_PX - 1, top + _SQUARE_PX - 1), fill=(_DARK,) * 3)
    board.paste(image, mask=image.getchannel("A"))
    return board
