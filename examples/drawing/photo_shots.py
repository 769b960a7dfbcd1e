"""The photos of the demonstration car: where each is taken from, how far the wall is and what stands about."""

from dataclasses import dataclass

from photo_canvas import Camera, Point
from photo_yard import Thing, bin_on_wheels, cone, drum, lamp_post, pallets, tyres

INSIDE = "11-dashboard"


@dataclass(frozen=True)
class Shot:
    """One photo; things stand so many metres to the right and in front of the camera."""

    camera: Camera
    wall_m: float
    things: tuple[tuple[Thing, float, float], ...]


SHOTS = {
    "01-front-left": Shot(
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
    "02-front": Shot(
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
    "03-front-right": Shot(
        Camera(316, 8, 1.45, 1300, 464, 250),
        15.0,
        (
            (lamp_post, 2.6, 13.8),
            (pallets, -3.9, 13.2),
            (drum, 3.6, 12.6),
            (drum, 4.3, 12.9),
            (tyres, -4.7, 12.4),
            (cone, 2.5, 7.6),
        ),
    ),
    "04-side-right": Shot(
        Camera(270, 8, 1.35, 1070, 480, 318),
        12.5,
        (
            (lamp_post, -2.6, 12.0),
            (bin_on_wheels, 3.9, 11.5),
            (pallets, 4.6, 11.0),
            (tyres, -4.4, 10.9),
            (cone, 3.3, 7.8),
        ),
    ),
    "05-rear-right": Shot(
        Camera(222, 8, 1.45, 1300, 494, 250),
        14.0,
        (
            (lamp_post, 4.2, 13.2),
            (drum, -3.6, 12.4),
            (bin_on_wheels, -4.4, 12.8),
            (tyres, 3.5, 12.4),
            (cone, -2.6, 7.8),
        ),
    ),
    "06-rear": Shot(
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
    "07-rear-left": Shot(
        Camera(138, 8, 1.45, 1300, 466, 250),
        14.0,
        (
            (lamp_post, -3.9, 13.0),
            (pallets, 3.6, 12.6),
            (bin_on_wheels, -3.2, 12.8),
            (drum, 4.5, 12.4),
            (cone, 2.6, 8.0),
        ),
    ),
    "08-side-left": Shot(
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
    "09-wheel": Shot(Camera(80, 4.4, 0.85, 1500, 1000, 110), 9.0, ((tyres, -2.6, 6.6), (drum, -3.3, 7.2))),
    "10-headlight": Shot(Camera(36, 4.4, 1.15, 1150, 790, 90), 9.5, ((drum, -3.0, 8.2),)),
    INSIDE: Shot(
        Camera(0, 6, 1.2, 900, 480, 232),
        14.0,
        ((lamp_post, 2.0, 13.0), (bin_on_wheels, 3.1, 12.0), (tyres, -3.3, 11.0), (cone, -1.4, 8.0)),
    ),
    "12-tail-light": Shot(Camera(146, 5.0, 1.2, 1330, 215, 175), 9.5, ((bin_on_wheels, 1.6, 7.0),)),
}
"""What a dealer takes of a car, by the photo's name, walking round it."""

FLAWS: dict[str, dict[str, tuple[list[Point], ...]]] = {
    "03-front-right": {
        "left": (
            [
                *((200, 322), (172, 296), (158, 252), (170, 214), (208, 190), (256, 196)),
                *((300, 186), (352, 206), (372, 244), (300, 252), (244, 268), (214, 300)),
            ],
        ),
        "lost": ([(606, 302), (622, 292), (668, 290), (676, 318), (660, 338), (640, 329), (616, 318)],),
    }
}
"""What a first attempt gets wrong: the wall that it leaves behind the roof, and the mirror that it loses; in pixels."""
