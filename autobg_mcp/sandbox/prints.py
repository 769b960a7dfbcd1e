"""How the studio opens, encodes and letters pictures. Pillow is imported when the first is drawn."""

from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL import Image

Ink: TypeAlias = tuple[int, int, int]
_QUALITY = 88


def opened(data: bytes, mode: str) -> "Image.Image":
    """A stored picture, in a mode of Pillow's."""
    from PIL import Image

    return Image.open(BytesIO(data)).convert(mode)


def encoded(picture: "Image.Image") -> bytes:
    """A picture as it is stored and answered: PNG if it may be transparent or is a mask, else JPEG."""
    out = BytesIO()
    if picture.mode == "RGB":
        picture.save(out, "JPEG", quality=_QUALITY)
    else:
        picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def text_width(text: str, size_px: float) -> float:
    """How wide a text is at a size, in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size_px).getlength(text)


def write(
    picture: "Image.Image", text: str, at: tuple[float, float], size_px: float, ink: Ink, anchor: str = "la"
) -> None:
    """Write a text; `anchor` is Pillow's, where of the text `at` is, its top left unless told."""
    from PIL import ImageDraw, ImageFont

    ImageDraw.Draw(picture).text(at, text, fill=ink, font=ImageFont.load_default(size_px), anchor=anchor)
