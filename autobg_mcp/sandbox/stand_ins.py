"""What the sandbox draws where it has no picture: a car for an address, a sign for a plate or a logo, a studio."""

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from autobg_mcp.sandbox.cutouts import Cutout
from autobg_mcp.sandbox.prints import Ink, encoded, write

if TYPE_CHECKING:
    from PIL import Image

_SIZE_PX = (960, 640)
_PLATE = (405, 452, 555, 490)
_INKS: Final[dict[str, Ink]] = {"dark": (28, 30, 34), "glass": (86, 104, 120), "lamp": (250, 250, 225)}
_MASKED: Final = dict.fromkeys(("paint", *_INKS), 255)


def stand_in(address: str) -> bytes:
    """Draw the car photo that stands for a remote address (JPEG); the same address gives the same car."""
    from PIL import Image, ImageDraw

    shade = hashlib.sha256(address.encode()).digest()
    photo = Image.new("RGB", _SIZE_PX, (150 + shade[3] // 4, 180, 200))
    pen = ImageDraw.Draw(photo)
    for index, left in enumerate(range(0, 960, 160)):  # houses: something that has to disappear
        top = 60 + shade[4 + index] // 2
        pen.rectangle((left, top, left + 130, 440), fill=(150, 120 + shade[10 + index] // 4, 100))
    pen.rectangle((0, 440, 960, 640), fill=(95, 95, 100))
    paint = (60 + shade[0] // 2, 60 + shade[1] // 2, 60 + shade[2] // 2)
    _car(photo, {"paint": paint, **_INKS})
    pen.rectangle(_PLATE, fill=(245, 200, 40), outline=(0, 0, 0), width=2)
    write(photo, f"KA {shade[5]:03d}", (480, 471), 28, (0, 0, 0), "mm")
    return encoded(photo)


@cache
def stand_in_cutout() -> Cutout:
    """Where the car is in a stand-in: in all of them at the same place."""
    from PIL import Image

    mask = Image.new("L", (_SIZE_PX[0] * 2, _SIZE_PX[1] * 2))
    _car(mask, _MASKED, scale=2)
    left, top, right, bottom = _PLATE
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    ground = ((220, 530), (740, 530), (716, 505), (244, 505))
    return Cutout(
        mask=encoded(mask.reduce(2)),
        plate=tuple((x / _SIZE_PX[0], y / _SIZE_PX[1]) for x, y in corners),
        ground=tuple((x / _SIZE_PX[0], y / _SIZE_PX[1]) for x, y in ground),
    )


def _car(picture: "Image.Image", inks: Mapping[str, Ink | int], scale: int = 1) -> None:
    """Draw a car from the front, each part in its ink."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(picture)

    def polygon(part: str, *points: tuple[int, int]) -> None:
        pen.polygon([(x * scale, y * scale) for x, y in points], fill=inks[part])

    def block(part: str, left: int, top: int, right: int, bottom: int, radius: int) -> None:
        pen.rounded_rectangle(
            [v * scale for v in (left, top, right, bottom)], radius * scale, fill=inks[part]
        )

    for left in (226, 650):
        block("dark", left, 440, left + 84, 544, 16)
    polygon("paint", (282, 330), (348, 214), (372, 200), (588, 200), (612, 214), (678, 330))
    polygon("glass", (306, 326), (364, 222), (596, 222), (654, 326))
    for left in (226, 690):
        block("paint", left, 296, left + 44, 326, 12)
    block("paint", 212, 318, 748, 500, 56)
    block("dark", 350, 392, 610, 440, 14)
    block("dark", 300, 490, 660, 514, 10)
    for left in (240, 630):
        block("lamp", left, 372, left + 90, 414, 20)


def sign(text: str) -> bytes:
    """Draw a sign with a text on it, the stand-in for a remote plate or logo (PNG)."""
    from PIL import Image, ImageDraw

    board = Image.new("RGBA", (400, 110), (250, 250, 250, 255))
    ImageDraw.Draw(board).rectangle((0, 0, 60, 110), fill=(20, 60, 170, 255))
    write(board, text, (80, 20), 60, (20, 20, 20))
    return encoded(board)


def backdrop(colour: str) -> bytes:
    """Draw a studio of one colour, a wall above a darker floor (JPEG)."""
    from PIL import Image, ImageDraw, ImageEnhance

    studio = Image.new("RGB", (1200, 900), colour)
    floor = ImageEnhance.Brightness(studio.crop((0, 0, 1200, 320))).enhance(0.75)
    studio.paste(floor, (0, 580))
    ImageDraw.Draw(studio).line((0, 580, 1200, 580), fill="#808080", width=3)
    return encoded(studio)
