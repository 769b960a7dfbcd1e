"""Draw the demonstration pictures: one car in a cluttered yard, a showroom, a logo and a number plate.

Usage: `python examples/drawing/draw_photos.py [folder] [cut-outs]`; `photos` and `branding` are made in the folder, in
`examples` when none is given, and what the sandbox has to know to cut the car out of these photos in `cut-outs`, in
`autobg_mcp/sandbox/cutouts` when none is given. The same Pillow draws the same bytes every time.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from photo_branding import logo, showroom
from photo_canvas import Camera, Picture, Point, Silhouette, number_plate
from photo_car import PLATES_Z, Car, plate_corners
from photo_inside import Cockpit
from photo_model import BODY
from photo_shots import FLAWS, INSIDE, SHOTS
from photo_yard import HEIGHT, WIDTH, Yard
from PIL import Image

from autobg_mcp.sandbox.cutouts import fingerprint

CHECKOUT = Path(__file__).parent.parent.parent
QUALITY = 76
GROUND_POINTS = 32


def photo(name: str) -> Image.Image:
    """Draw one photo of the car in the yard, or of the yard from the car."""
    shot = SHOTS[name]
    yard = Yard(Picture(WIDTH, HEIGHT), shot.camera, Random(name), shot.wall_m)
    yard.draw()
    for thing, lateral, depth in shot.things:
        thing(yard, lateral, depth)
    if name != INSIDE:
        Car(yard.picture, shot.camera, "AB 123").shadow()
    car(name, yard.picture)
    yard.picture.grain(yard.random, 0, 0.02, (1.2, 1.2))
    return yard.picture.finished()


def car(name: str, picture: Picture) -> None:
    """Draw what a cut-out keeps of a photo."""
    if name == INSIDE:
        Cockpit(picture).draw()
    else:
        Car(picture, SHOTS[name].camera, "AB 123").draw()


def mask(name: str) -> Image.Image:
    """Draw how much of each pixel is car."""
    silhouette = Silhouette(WIDTH, HEIGHT)
    car(name, silhouette)
    return silhouette.mask()


def plate(camera: Camera) -> list[Point] | None:
    """Return where the corners of the plate are seen, clockwise from its top left; None where it is not."""
    for side, z in PLATES_Z.items():
        if camera.direction(0, 1, 0)[0] * side > 0.2:
            return plate_corners(camera, side, z)
    return None


def ground(camera: Camera) -> list[Point]:
    """Return the outline of what the car stands over."""
    _, sill = next(BODY.grid(GROUND_POINTS))
    return [camera.see((x, y, 0)) for x, y, _ in sill[:-1]]


def shares(points: list[Point] | None) -> list[list[float]] | None:
    """Return points as shares of the photo's width and height."""
    return None if points is None else [[round(x / WIDTH, 4), round(y / HEIGHT, 4)] for x, y in points]


def cut_out(name: str, drawn: Path) -> dict[str, Any]:
    """Return what the sandbox has to know of one photo beside its mask."""
    camera, inside = SHOTS[name].camera, name == INSIDE
    with Image.open(drawn) as picture:
        print_of_it = fingerprint(picture).hex()
    return {
        "fingerprint": print_of_it,
        "plate": None if inside else shares(plate(camera)),
        "ground": None if inside else shares(ground(camera)),
        "flaw": {part: [shares(one) for one in outlines] for part, outlines in FLAWS[name].items()}
        if name in FLAWS
        else None,
    }


def draw(name: str, photos: Path, cutouts: Path) -> dict[str, Any]:
    """Draw one photo and its mask; returns what the sandbox has to know beside it."""
    photo(name).save(photos / f"{name}.jpg", quality=QUALITY, optimize=True)
    mask(name).save(cutouts / f"{name}.png", optimize=True)
    return cut_out(name, photos / f"{name}.jpg")


def main() -> None:
    """Draw every picture into the folders named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=CHECKOUT / "examples")
    parser.add_argument("cutouts", nargs="?", type=Path, default=CHECKOUT / "autobg_mcp/sandbox/cutouts")
    options = parser.parse_args()
    folder, cutouts = options.folder, options.cutouts
    photos, branding = folder / "photos", folder / "branding"
    for part in (photos, branding, cutouts):
        part.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as pool:
        known = list(pool.map(draw, SHOTS, [photos] * len(SHOTS), [cutouts] * len(SHOTS)))
    lines = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in zip(SHOTS, known, strict=True)]
    (cutouts / "cutouts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    showroom().save(branding / "background-showroom.jpg", quality=88, optimize=True)
    logo().save(branding / "logo.png", optimize=True)
    number_plate("NG 2026", 520, 110).save(branding / "plate.png", optimize=True)
    for path in sorted([*photos.iterdir(), *branding.iterdir(), *cutouts.iterdir()]):
        print(f"{path.parent.name}/{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
