"""What the sandbox knows of the photos that ship with it: where the car is, its plate, and the ground under it.

The scripts that draw the photos draw this too (`examples/drawing`), so it fits to the pixel. A photo is known by how it
looks, not by its bytes: what is sent has lost its metadata, and may have been encoded again or made smaller.
"""

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from PIL import Image

Spot: TypeAlias = tuple[float, float]
"""A point as shares of a picture's width and height."""

_PRINT_PX = (24, 16)
_MOST_APART, _MOST_APART_ANYWHERE = 0.8, 5
"""How far two prints of one photo are apart at most, of 255: in the mean, and in one shade."""


class Flaw(BaseModel):
    """What a first attempt gets wrong: the outlines that it leaves of the old background, and those that it loses of the car."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    left: tuple[tuple[Spot, ...], ...]
    lost: tuple[tuple[Spot, ...], ...]


class Cutout(BaseModel):
    """Where the car is in one photo.

    Attributes:
        mask: How much of each pixel is car (PNG, 8 bit grey); it fits the photo at any size.
        plate: The corners of the number plate, clockwise from its top left; None where none is seen.
        ground: The outline of what the car stands over; None where no ground is seen.
        flaw: What the first attempt gets wrong; None for nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mask: bytes
    plate: Annotated[tuple[Spot, ...], Field(min_length=4, max_length=4)] | None = None
    ground: tuple[Spot, ...] | None = None
    flaw: Flaw | None = None


def fingerprint(photo: "Image.Image") -> bytes:
    """How a photo looks from afar: 24 by 16 shades of grey, row by row."""
    from PIL import Image

    return photo.convert("L").resize(_PRINT_PX, Image.Resampling.BOX).tobytes()


def recognised(photo: "Image.Image") -> Cutout | None:
    """What is known of a photo; None of one that does not ship with the package."""
    seen = fingerprint(photo)
    for known, cutout in _known():
        apart = [abs(one - other) for one, other in zip(seen, known, strict=True)]
        if sum(apart) <= _MOST_APART * len(apart) and max(apart) <= _MOST_APART_ANYWHERE:
            return cutout
    return None


@cache
def _known() -> tuple[tuple[bytes, Cutout], ...]:
    """The print and the cutout of each photo in `cutouts.json`; its mask is a file of the photo's name."""
    folder = files(__package__).joinpath("cutouts")
    entries = json.loads(folder.joinpath("cutouts.json").read_bytes())
    return tuple(
        (
            bytes.fromhex(entry.pop("fingerprint")),
            Cutout(mask=folder.joinpath(f"{name}.png").read_bytes(), **entry),
        )
        for name, entry in entries.items()
    )
