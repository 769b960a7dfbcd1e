"""Cuts out a car whose place in the photo is known: soft edges, a shadow on the new floor, the plate under its cover."""

import math
from typing import TYPE_CHECKING, Final

from autobg_mcp.sandbox.cutouts import Cutout, Spot
from autobg_mcp.sandbox.prints import opened

if TYPE_CHECKING:
    from PIL import Image

_FINER: Final = 4  # sharp things are drawn so many times larger, which makes their edges soft; shadows so many times smaller
_SHADOWS: Final = ((1.12, 70, 0.022), (1.03, 120, 0.010), (0.95, 150, 0.004))
"""A car's shadow from its fringe to its core: how far it reaches beyond the ground under the car, how dark it is of 255,
and how soft, as a share of the picture's width."""
_SHADE: Final = (12, 14, 20)
_PLATE_GROWS: Final = 1.07  # so that nothing of the old plate looks out


def cut_out(
    photo: "Image.Image", cutout: Cutout, background: "Image.Image | None", *, flawed: bool
) -> "Image.Image":
    """Put the car on a background, or on nothing.

    Args:
        photo: The photo.
        cutout: Where the car is in it.
        background: What is put behind it, RGBA of the photo's size; None leaves that transparent.
        flawed: Make the mistake of a first attempt, if the photo is one that a mistake is known for.

    Returns:
        An RGBA picture of the photo's size.
    """
    from PIL import Image

    mask = opened(cutout.mask, "L")
    if mask.size != photo.size:
        mask = mask.resize(photo.size, Image.Resampling.BICUBIC)
    if flawed and cutout.flaw is not None:
        for part in cutout.flaw.left:
            mask.paste(255, mask=outline(photo.size, part))
        for part in cutout.flaw.lost:
            mask.paste(0, mask=outline(photo.size, part))
    scene = Image.new("RGBA", photo.size) if background is None else background.copy()
    if cutout.ground is not None:
        _cast_shadow(scene, cutout.ground)
    car = photo.convert("RGBA")
    car.putalpha(mask)
    scene.alpha_composite(car)
    return scene


def cover_plate(
    scene: "Image.Image", corners: tuple[Spot, ...], colour: str, picture: "Image.Image | None"
) -> None:
    """Cover a plate in a colour, and lay a picture over that, turned as the plate is."""
    from PIL import Image

    spots = _grown(corners, _PLATE_GROWS)
    scene.paste(Image.new("RGBA", scene.size, colour), mask=outline(scene.size, spots))
    if picture is not None:
        _lay(scene, picture, spots)


def _lay(scene: "Image.Image", picture: "Image.Image", spots: tuple[Spot, ...]) -> None:
    """Lay a picture over the parallelogram of an outline's first two corners and its last."""
    from PIL import Image

    left, top, right, bottom = _bounds(scene.size, spots)
    corners = [((x * scene.width - left) * _FINER, (y * scene.height - top) * _FINER) for x, y in spots]
    (ax, ay), (bx, by), _, (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    wide, high = picture.width / area, picture.height / area
    across, down = ((cy - ay) * wide, (ax - cx) * wide), ((ay - by) * high, (bx - ax) * high)
    turned = (*across, -across[0] * ax - across[1] * ay, *down, -down[0] * ax - down[1] * ay)
    size = ((right - left) * _FINER, (bottom - top) * _FINER)
    laid = picture.transform(size, Image.Transform.AFFINE, turned, Image.Resampling.BICUBIC)
    scene.alpha_composite(laid.reduce(_FINER), (left, top))


def outline(size_px: tuple[int, int], spots: tuple[Spot, ...]) -> "Image.Image":
    """A mask (L) of what an outline goes round, with soft edges."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = _bounds(size_px, spots)
    finer = Image.new("L", ((right - left) * _FINER, (bottom - top) * _FINER))
    corners = [((x * size_px[0] - left) * _FINER, (y * size_px[1] - top) * _FINER) for x, y in spots]
    ImageDraw.Draw(finer).polygon(corners, fill=255)
    mask = Image.new("L", size_px)
    mask.paste(finer.reduce(_FINER), (left, top))
    return mask


def _bounds(size_px: tuple[int, int], spots: tuple[Spot, ...]) -> tuple[int, int, int, int]:
    """The whole pixels inside the picture that an outline touches: left, top, right, bottom."""
    (width, height), (across, down) = size_px, zip(*spots, strict=True)
    left, top = max(0, math.floor(min(across) * width)), max(0, math.floor(min(down) * height))
    right, bottom = min(width, math.ceil(max(across) * width)), min(height, math.ceil(max(down) * height))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _cast_shadow(scene: "Image.Image", ground: tuple[Spot, ...]) -> None:
    from PIL import Image, ImageChops, ImageDraw, ImageFilter

    small = (max(1, scene.width // _FINER), max(1, scene.height // _FINER))  # nothing in it is sharp
    shade = Image.new("L", small)
    for reach, darkness, softness in _SHADOWS:
        layer = Image.new("L", small)
        spots = [(x * small[0], y * small[1]) for x, y in _grown(ground, reach)]
        ImageDraw.Draw(layer).polygon(spots, fill=darkness)
        shade = ImageChops.screen(shade, layer.filter(ImageFilter.GaussianBlur(softness * small[0])))
    cast = Image.new("RGBA", scene.size, _SHADE)
    cast.putalpha(shade.resize(scene.size, Image.Resampling.BICUBIC))
    scene.alpha_composite(cast)


def _grown(spots: tuple[Spot, ...], by: float) -> tuple[Spot, ...]:
    """An outline so many times as large round its middle."""
    middle_x, middle_y = (sum(values) / len(spots) for values in zip(*spots, strict=True))
    return tuple((middle_x + (x - middle_x) * by, middle_y + (y - middle_y) * by) for x, y in spots)
