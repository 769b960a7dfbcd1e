"""What a model sees of one picture: small, upright, opaque and as sharp as its bytes allow."""

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.pictures.decoding import decoder_faults, opened

if TYPE_CHECKING:
    from PIL.Image import Image

# Quality 82 makes about 0.7 of the bytes of quality 90; less shows at the edges of cars.
_QUALITY, _LOWER_QUALITY, _LOWER_SHARE = 90, 82, 0.7
_SAFETY = 0.95
_MAX_PX = 1024
_MOST_BYTES = 300_000
_MIN_PX = 32
_STRIP_PX = 64
_SQUARE_PX = 12
_LIGHT, _DARK = 255, 224


@dataclass(frozen=True)
class Preview:
    """A picture made for looking at.

    Attributes:
        content: A JPEG file.
        width_px: Width of the preview.
        height_px: Height of the preview.
    """

    content: bytes
    width_px: int
    height_px: int


def preview(content: bytes, *, local: bool = False) -> Preview:
    """A JPEG of the picture in `content`, its first frame if it moves, at most 1024 px on its longer side.

    Orientation is applied. Transparent places show a light checkerboard, so that clipping edges can be seen.

    Args:
        content: A JPEG, PNG, WebP or GIF file, or a local HEIC file.
        local: Whether `content` is a local file; see `opened`.

    Raises:
        NotDecodableError: The picture is damaged.
        FileRefusedError: It is of a kind that is not decoded, or decoding would take too much.
    """
    encoded, size_px = as_jpeg(reduced(content, _MAX_PX, local=local), _MOST_BYTES)
    return Preview(encoded, *size_px)


def reduced(content: bytes, max_px: int, *, local: bool = False) -> "Image":
    """The picture upright, opaque, at most `max_px` on its longer side; a smaller one is not enlarged.

    Raises:
        FileRefusedError: As `preview`.
    """
    from PIL import Image

    picture = opened(content, least_px=max_px, local=local)
    image = picture.loaded()
    with decoder_faults():
        # Means of whole blocks first: filtering a large picture well takes longer than decoding it.
        plain = _shrunk(image, max(1, int(max(image.size) / (1.5 * max_px))))
        plain.thumbnail((max_px, max_px), Image.Resampling.HAMMING, reducing_gap=None)
        return _opaque(_upright(plain, picture.orientation))


def as_jpeg(image: "Image", max_bytes: int) -> tuple[bytes, tuple[int, int]]:
    """`image` as a JPEG of at most `max_bytes`, and its size: lower quality first, then fewer pixels."""
    from PIL import Image

    quality = _QUALITY
    while len(encoded := _encoded(image, quality)) > max_bytes:
        share = max_bytes / len(encoded)
        if quality == _QUALITY:
            quality, share = _LOWER_QUALITY, share / _LOWER_SHARE
        if share < 1:
            scale = math.sqrt(share) * _SAFETY
            width_px, height_px = (round(side * scale) for side in image.size)
            if min(width_px, height_px) < _MIN_PX:
                raise FileRefusedError(f"No preview of the picture fits into {max_bytes:,} bytes.")
            image = image.resize((width_px, height_px), Image.Resampling.HAMMING)
    return encoded, image.size


def _encoded(image: "Image", quality: int) -> bytes:
    """A JPEG in full colour resolution: halved, it smears the edge between a car and its new background."""
    file = io.BytesIO()
    with decoder_faults():
        image.save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def _shrunk(image: "Image", factor: int) -> "Image":
    """A drawable picture of an n-th of the size, made strip by strip: of the large one there is no second copy."""
    from PIL import Image

    if factor == 1:
        return _drawable(image)
    size_px = tuple(-(-side // factor) for side in image.size)
    strips = []
    for top in range(0, image.height, _STRIP_PX * factor):
        bottom = min(image.height, top + _STRIP_PX * factor)
        strips.append(_drawable(image.crop((0, top, image.width, bottom))).reduce(factor))
    small = Image.new(strips[0].mode, (size_px[0], size_px[1]))
    for number, strip in enumerate(strips):
        small.paste(strip, (0, number * _STRIP_PX))
    return small


def _drawable(image: "Image") -> "Image":
    """RGB, or RGBA where something is transparent."""
    if image.mode.startswith("I"):
        # 16 bits of grey: Pillow's own way to 8 bits cuts off whatever is brighter than 255.
        image = image.convert("I").point(lambda value: value / 257).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _upright(image: "Image", orientation: int) -> "Image":
    from PIL.Image import Transpose

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
    from PIL import Image, ImageDraw

    if image.mode != "RGBA":
        return image
    board = Image.new("RGB", image.size, (_LIGHT,) * 3)
    draw = ImageDraw.Draw(board)
    for top in range(0, image.height, _SQUARE_PX):
        for left in range(top // _SQUARE_PX % 2 * _SQUARE_PX, image.width, 2 * _SQUARE_PX):
            draw.rectangle((left, top, left + _SQUARE_PX - 1, top + _SQUARE_PX - 1), fill=(_DARK,) * 3)
    board.paste(image, mask=image.getchannel("A"))
    return board
