"""The shapes of the demonstration car in metres (x forward, y to its left, z up) and their shading."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from photo_canvas import Camera, Colour, Point, Point3, area, disc

Part = tuple[Sequence[Point], Sequence[Colour]]

PAINT, TRIM, DARK = (12, 84, 172), (38, 40, 44), (13, 14, 16)
LAMP, GLOBE = (238, 246, 255), ((250, 252, 255), (150, 165, 180))
BLACK = ((36, 38, 42), (12, 13, 15))


@dataclass(frozen=True)
class Shell:
    """A closed skin: rounded-rectangle rings (half width, front, rear) stacked by level 0 to 1, and a lid."""

    rings: tuple[tuple[float, float, float], ...]
    floor: Callable[[float], float]
    top: Callable[[float], float]
    crown: float
    power: float
    y: float = 0
    trim: float = 0

    def at(self, along: float, across: float, level: float, lid: float = 1) -> Point3:
        """Return the point in direction (along, across) on a ring; `lid` below 1 moves it inwards on the lid."""
        half, front, rear = self.ring(level)
        reach = lid / (abs(along) ** self.power + abs(across) ** self.power) ** (1 / self.power)
        x = (front + rear) / 2 + (front - rear) / 2 * along * reach
        z = self.floor(x) + level * (self.top(x) - self.floor(x)) + self.crown * (1 - lid**2)
        return x, self.y + half * across * reach, z

    def ring(self, level: float) -> tuple[float, ...]:
        """Interpolate the ring at a level with a Catmull-Rom curve."""
        place = max(0.0, min(level, 0.9999)) * (len(self.rings) - 1)
        i, t = int(place), place % 1
        a, b, c, d = (self.rings[max(0, min(j, len(self.rings) - 1))] for j in range(i - 1, i + 3))
        return tuple(
            q + t / 2 * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)))
            for p, q, r, s in zip(a, b, c, d, strict=True)
        )

    def flank(self, share: float, level: float, side: int = 1) -> Point3:
        """Return the point of a side at `share` (-1 rear to 1 front) of the ring's length."""
        share = max(-0.999, min(0.999, share))
        return self.at(share, side * (1 - abs(share) ** self.power) ** (1 / self.power), level)

    def end(self, share: float, level: float, side: int = 1) -> Point3:
        """Return the point of the front (side 1) or rear (-1) at `share` of the ring's half width."""
        share = max(-0.999, min(0.999, share))
        return self.at(side * (1 - abs(share) ** self.power) ** (1 / self.power), share, level)

    def grid(self, columns: int = 384, rows: int = 56) -> Iterator[tuple[float, list[Point3]]]:
        """Yield every closed ring of points, with its level, from the bottom to the middle of the lid."""
        turns = [i * 8 / columns for i in range(columns + 1)]
        square = [(trapezium(t), trapezium(t - 2)) for t in turns]
        for i in range(2 * rows + 1):
            level, lid = min(1.0, i / rows), min(1.0, 2 - i / rows)
            yield level, [self.at(p, q, level, lid) for p, q in square]


def trapezium(turn: float) -> float:
    """Return a wave of period 8 that holds -1 around 0 and 1 around 4: one axis of a walk round a square."""
    return max(-1.0, min(1.0, abs((turn + 4) % 8 - 4) - 2))


def shoulder(x: float) -> float:
    """Return the height of the bonnet and of the line under the windows."""
    return 0.985 - 0.03 * max(0.0, x - 0.6) - 0.075 * max(0.0, x - 0.9) ** 2 - 0.01 * x


BODY = Shell(
    rings=(
        (0.820, 2.05, -2.05),
        (0.870, 2.15, -2.15),
        (0.888, 2.20, -2.20),
        (0.894, 2.215, -2.215),
        (0.899, 2.21, -2.205),
        (0.905, 2.20, -2.19),
        (0.908, 2.185, -2.18),
        (0.882, 2.15, -2.15),
        (0.820, 2.03, -2.09),
    ),
    floor=lambda _: 0.2,
    top=shoulder,
    crown=0.045,
    power=4.5,
    trim=0.13,
)
CABIN = Shell(
    rings=(
        (0.815, 1.14, -2.07),
        (0.795, 0.98, -2.03),
        (0.772, 0.81, -1.985),
        (0.748, 0.64, -1.935),
        (0.722, 0.47, -1.88),
        (0.692, 0.29, -1.82),
        (0.655, 0.09, -1.75),
        (0.600, -0.13, -1.66),
        (0.500, -0.36, -1.53),
    ),
    floor=lambda x: shoulder(x) - 0.01,
    top=lambda x: 1.475 - 0.03 * (x + 0.6) ** 2,
    crown=0.02,
    power=4.5,
)

# Outlines are (y, z) on the left half, the right half mirrors them; colours run from top to bottom.
FRONT_PARTS: tuple[Part, ...] = (
    ([(-0.2, 0.73), (0.46, 0.73), (0.42, 0.57), (-0.2, 0.57)], BLACK),
    ([(-0.2, 0.42), (0.56, 0.4), (0.64, 0.27), (-0.2, 0.27)], BLACK),
    (
        [(0.47, 0.75), (0.74, 0.81), (0.79, 0.74), (0.74, 0.65), (0.48, 0.62)],
        ((74, 80, 88), (24, 27, 32)),
    ),
    ([(0.5, 0.73), (0.74, 0.785), (0.755, 0.76), (0.5, 0.705)], (LAMP, (205, 224, 240))),
    (disc(0.56, 0.665, 0.034), GLOBE),
    (disc(0.66, 0.69, 0.034), GLOBE),
    ([(0.72, 0.73), (0.765, 0.74), (0.75, 0.69), (0.72, 0.68)], ((255, 196, 90), (230, 140, 40))),
    ([(0.66, 0.46), (0.78, 0.48), (0.76, 0.33), (0.7, 0.31)], BLACK),
    (disc(0.725, 0.395, 0.03), GLOBE),
)
REAR_PARTS: tuple[Part, ...] = (
    ([(-0.2, 0.42), (0.7, 0.42), (0.81, 0.37), (0.78, 0.22), (-0.2, 0.22)], BLACK),
    (
        [(0.42, 0.87), (0.82, 0.9), (0.85, 0.8), (0.82, 0.72), (0.44, 0.75)],
        ((120, 8, 14), (90, 4, 10)),
    ),
    ([(0.46, 0.855), (0.81, 0.88), (0.83, 0.82), (0.47, 0.82)], ((255, 92, 84), (214, 22, 30))),
    (
        [(0.47, 0.8), (0.66, 0.8), (0.66, 0.755), (0.47, 0.765)],
        ((246, 246, 248), (190, 192, 196)),
    ),
    ([(0.7, 0.8), (0.825, 0.8), (0.805, 0.74), (0.7, 0.75)], ((255, 170, 70), (214, 110, 30))),
    ([(0.5, 0.29), (0.7, 0.29), (0.7, 0.23), (0.5, 0.23)], ((230, 232, 235), (120, 124, 130))),
    ([(0.53, 0.275), (0.67, 0.275), (0.67, 0.245), (0.53, 0.245)], (DARK,)),
    ([(0.6, 0.46), (0.79, 0.47), (0.79, 0.44), (0.6, 0.435)], ((220, 40, 44), (140, 10, 16))),
)


def mirror(side: int) -> Shell:
    """Return the left (side 1) or right (-1) door mirror."""
    rings = (
        (0.07, 0.67, 0.56),
        (0.095, 0.70, 0.54),
        (0.1, 0.71, 0.535),
        (0.095, 0.69, 0.54),
        (0.07, 0.65, 0.56),
    )
    return Shell(rings, lambda _: 0.965, lambda _: 1.085, crown=0.02, power=3, y=0.915 * side, trim=0.2)


def mix(a: Sequence[float], b: Sequence[float], share: float) -> Colour:
    """Blend two colours; share 0 is all `a`."""
    share = max(0.0, min(1.0, share))
    return tuple(round(p + (q - p) * share) for p, q in zip(a, b, strict=True))


def dot(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the scalar product."""
    return sum(p * q for p, q in zip(a, b, strict=True))


def lit(paint: Colour, normal: Point3, eye: Point3, sun: Point3) -> Colour:
    """Shade lacquer: paint in the sun, under the sky, yard and asphalt mirrored in it."""
    facing = max(0.0, dot(normal, eye))
    mirrored = [2 * facing * n - e for n, e in zip(normal, eye, strict=True)]
    up = mirrored[2]
    scene = (
        mix((66, 64, 62), (96, 84, 76), (up + 0.25) * 4)
        if up < 0.06
        else mix((96, 84, 76), (232, 240, 250), (up - 0.06) * 5)
    )
    shine = 0.06 + 0.12 * (paint != TRIM) + 0.45 * (1 - facing) ** 4
    base = mix((0, 0, 0), paint, 0.42 + 0.2 * normal[2] + 0.55 * max(0.0, dot(normal, sun)))
    glint = max(0.0, dot(mirrored, sun)) ** 30 * 0.5 * (paint != TRIM)
    return mix(mix(base, scene, shine), (255, 255, 255), glint)


def skin(shell: Shell, camera: Camera) -> Iterator[tuple[float, list[Point], Colour]]:
    """Yield the visible faces of a shell: distance in metres, outline in pixels, colour."""
    eye, sun = camera.direction(0, 1, 0.12), camera.direction(-0.55, 0.6, 0.9)
    for (level, low), (_, high) in pairwise(shell.grid()):
        for (a, b), (d, c) in zip(pairwise(low), pairwise(high), strict=True):
            outline = [camera.see(p) for p in (a, b, c, d)]
            if area(outline) >= 0:
                continue
            u, v = ([q - p for p, q in zip(*pair, strict=True)] for pair in ((a, c), (b, d)))
            cross = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            size = math.hypot(*cross) or 1
            yield (
                camera.depth(a),
                outline,
                lit(
                    TRIM if level < shell.trim else PAINT,
                    (cross[0] / size, cross[1] / size, cross[2] / size),
                    eye,
                    sun,
                ),
            )


def body_flank(x: float, z: float, side: int = 1) -> Point3:
    """Return the point of the body's left side (1) or right side (-1) at x and height z."""
    level = (z - 0.2) / (shoulder(x) - 0.2)
    _, front, rear = BODY.ring(level)
    return BODY.flank((2 * x - front - rear) / (front - rear), level, side)


def cabin_flank(x: float, level: float, side: int = 1) -> Point3:
    """Return the point of the cabin's left side (1) or right side (-1) at x and a level of the shell."""
    _, front, rear = CABIN.ring(level)
    return CABIN.flank((2 * x - front - rear) / (front - rear), level, side)


def body_end(y: float, z: float, side: int) -> Point3:
    """Return the point of the front (side 1) or rear (-1) at y and height z."""
    level = (z - 0.2) / (shoulder(2.1 * side) - 0.2)
    return BODY.end(y / BODY.ring(level)[0], level, side)
