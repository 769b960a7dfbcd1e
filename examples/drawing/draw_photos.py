"""Draw the demonstration pictures: one car in a cluttered yard, a showroom, a logo and a number plate.

Usage: `python examples/drawing/draw_photos.py [folder]`; `photos` and `branding` are made in it, in `examples`
when no folder is given. The same Pillow draws the same bytes every time.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random

from photo_canvas import SCALE, Camera, Colour, Picture, disc, lettering, number_plate
from photo_car import Car
from photo_yard import HEIGHT, WIDTH, Thing, Yard, bin_on_wheels, cone, drum, lamp_post, pallets, tyres
from PIL import Image, ImageDraw

NAVY, ORANGE = (16, 40, 74), (240, 122, 28)


@dataclass(frozen=True)
class Shot:
    """One photo: where it is taken from, how far the wall is and what stands about."""

    camera: Camera
    wall_m: float
    things: tuple[tuple[Thing, float, float], ...]


SHOTS = {
    "car-front-left": Shot(
        Camera(42, 8, 1.45, 1300, 500, 250),
        14.5,
        (
            (lamp_post, -4.4, 13.5),
            (bin_on_wheels, 3.3, 13.2),
            (bin_on_wheels, 4.1, 13.4),
            (tyres, -3.3, 12.8),
            (drum, -4.2, 11.6),
            (cone, -2.35, 7.4),
            (cone, 2.75, 8.4),
        ),
    ),
    "car-side": Shot(
        Camera(90, 8, 1.35, 1070, 480, 318),
        12.0,
        (
            (lamp_post, 3.6, 11.6),
            (pallets, -4.3, 11.4),
            (tyres, -3.55, 10.9),
            (drum, 3.75, 10.9),
            (bin_on_wheels, 4.55, 10.8),
            (cone, -3.05, 7.6),
        ),
    ),
    "car-rear": Shot(
        Camera(180, 9, 1.1, 2250, 480, 232),
        18.0,
        (
            (lamp_post, -3.1, 16.5),
            (bin_on_wheels, 2.6, 16),
            (pallets, 3.0, 14.6),
            (tyres, -2.5, 14.5),
            (drum, 1.9, 13.5),
            (cone, -1.55, 8.4),
        ),
    ),
    "car-front": Shot(
        Camera(0, 9, 1.1, 2250, 480, 232),
        18.0,
        (
            (lamp_post, 2.7, 16.5),
            (bin_on_wheels, -2.5, 15.5),
            (bin_on_wheels, -3.3, 15.7),
            (tyres, 2.15, 13.5),
            (drum, -1.95, 13.5),
            (cone, 1.6, 8.2),
        ),
    ),
}


def photo(name: str, shot: Shot) -> Image.Image:
    """Draw one photo of the car in the yard."""
    yard = Yard(Picture(WIDTH, HEIGHT), shot.camera, Random(name), shot.wall_m)
    yard.draw()
    for thing, lateral, depth in shot.things:
        thing(yard, lateral, depth)
    Car(yard.picture, shot.camera, "AB 123").draw()
    yard.picture.grain(yard.random, 0, 0.02, (1.2, 1.2))
    return yard.picture.finished()


def showroom() -> Image.Image:
    """Draw an empty showroom: lit wall panels, a horizon and a polished floor that mirrors them."""
    picture, wide, high, horizon = Picture(1280, 720), 1280.0, 720.0, 400.0
    room = [(0.0, 0.0), (wide, 0.0), (wide, horizon), (0.0, horizon)]
    floor = [(0.0, horizon), (wide, horizon), (wide, high), (0.0, high)]
    picture.fill(room, (188, 194, 202), (208, 213, 218), (220, 224, 228), (214, 218, 222))
    picture.fill(floor, (186, 191, 197), (206, 210, 214), (218, 221, 224), (208, 211, 215), (190, 194, 199))
    for x in (110, 375, 640, 905, 1170):
        panel = [(x - 95.0, 70.0), (x + 95.0, 70.0), (x + 95.0, 330.0), (x - 95.0, 330.0)]
        picture.haze(panel, (255, 255, 255, 150), 26)
        picture.fill(panel, (253, 254, 255), (247, 249, 251), (240, 243, 246))
        drift = (x - 640) * 0.35
        mirrored = [(x - 95.0, 440.0), (x + 95.0, 440.0), (x + 125 + drift, 640.0), (x - 125 + drift, 640.0)]
        picture.haze(mirrored, (255, 255, 255, 110), 20)
    picture.haze(
        [(0, horizon - 3), (wide, horizon - 3), (wide, horizon + 4), (0, horizon + 4)],
        (120, 128, 138, 150),
        4,
    )
    for radius, colour in ((470, (255, 255, 255, 130)), (350, (255, 255, 255, 90))):
        picture.haze([(x, 560 + (y - 560) * 0.2) for x, y in disc(640, 560, radius)], colour, 30)
    for side in (-60.0, wide - 60):
        picture.haze(
            [(side, 0.0), (side + 120, 0.0), (side + 120, high), (side, high)], (96, 104, 116, 60), 60
        )
    return picture.finished()


def logo() -> Image.Image:
    """Draw the dealer's logo on a transparent ground: a gate over a road, and the name."""
    art = Image.new("RGBA", (320 * SCALE, 120 * SCALE), (*NAVY, 0))
    pen = ImageDraw.Draw(art)

    def shape(colour: Colour, *points: tuple[int, int]) -> None:
        pen.polygon([(x * SCALE, y * SCALE) for x, y in points], colour)

    pen.rounded_rectangle([v * SCALE for v in (6, 12, 102, 108)], 20 * SCALE, NAVY)
    shape(
        (255, 255, 255),
        (24, 92),
        (24, 34),
        (54, 20),
        (84, 34),
        (84, 92),
        (74, 92),
        (74, 41),
        (54, 31),
        (34, 41),
        (34, 92),
    )
    shape(ORANGE, (49, 46), (59, 46), (70, 92), (38, 92))
    for low, high in ((52, 60), (66, 74), (80, 88)):
        shape(NAVY, (53, low), (55, low), (56, high), (52, high))
    for text, size, colour, y in (("NORTHGATE", 33, NAVY, 30), ("C A R S", 27, ORANGE, 68)):
        ink = lettering(text, size * SCALE, colour, SCALE)
        art.paste(ink, (116 * SCALE, y * SCALE), ink)
    return art.reduce(SCALE)


def main() -> None:
    """Draw every picture into the folder named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    photos, branding = folder / "photos", folder / "branding"
    for part in (photos, branding):
        part.mkdir(parents=True, exist_ok=True)
    for name, shot in SHOTS.items():
        photo(name, shot).save(photos / f"{name}.jpg", quality=83, optimize=True)
    showroom().save(branding / "background-showroom.jpg", quality=88, optimize=True)
    logo().save(branding / "logo.png", optimize=True)
    number_plate("NG 2026", 520, 120).save(branding / "plate.png", optimize=True)
    for path in sorted([*photos.iterdir(), *branding.iterdir()]):
        print(f"{path.relative_to(folder)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
