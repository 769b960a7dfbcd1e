"""The demonstration car seen by a camera: its shells first, then what is mounted on them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from photo_canvas import Camera, Colour, Picture, Point, Point3, area, disc, number_plate, rounded
from photo_model import (
    BODY,
    CABIN,
    DARK,
    FRONT_PARTS,
    LAMP,
    REAR_PARTS,
    TRIM,
    Part,
    Shell,
    body_end,
    body_flank,
    cabin_flank,
    mirror,
    skin,
)

GLASS = ((112, 132, 148), (58, 70, 82), (26, 32, 38))
MIRROR_GLASS = [(-0.8, 0.15), (0.8, 0.15), (0.8, 0.85), (-0.8, 0.85)]
CHROME, RED = (205, 210, 215), (176, 14, 22)
FRONT, REAR = partial(body_end, side=1), partial(body_end, side=-1)
WHEELS_X, WHEEL_R = (1.37, -1.34), 0.335
PLATES_Z = {1: 0.495, -1: 0.63}


@dataclass(frozen=True)
class Car:
    """The car in front of a camera, drawn onto a picture."""

    picture: Picture
    camera: Camera
    plate: str

    def draw(self) -> None:
        """Draw everything the camera sees but the shadow, what is behind first."""
        for x in sorted(WHEELS_X, key=lambda x: -self.camera.depth((x, 0, 0))):
            for side in (-1, 1):
                self.tread(x, side)
        angle = math.radians(self.camera.azimuth_deg)
        front, left = math.cos(angle), math.sin(angle)
        near = [side for side in (-1, 1) if side * left > -0.2]
        self.shells((BODY, CABIN, *(mirror(side) for side in (-1, 1) if side not in near)))
        if front < -0.2:
            self.rear()
        if abs(left) > 0.2:
            self.flank(1 if left > 0 else -1)
        if front > 0.2:
            self.front()
        self.shells([mirror(side) for side in near])
        if front < -0.2:
            for side in near:
                self.on(partial(mirror(side).end, side=-1), rounded(MIRROR_GLASS), *GLASS)

    def shells(self, shells: Sequence[Shell]) -> None:
        """Paint shells, farthest faces first."""
        faces = [face for shell in shells for face in skin(shell, self.camera)]
        for _, outline, colour in sorted(faces, key=lambda face: -face[0]):
            self.picture.fill(outline, colour)

    def on(self, place: Callable[[float, float], Point3], outline: Sequence[Point], *colours: Colour) -> None:
        """Fill an outline that lies on a surface of the car."""
        self.picture.fill([self.camera.see(place(*p)) for p in outline], *colours)

    def seam(
        self, place: Callable[[float, float], Point3], path: Sequence[Point], colour: Colour, width: float
    ) -> None:
        """Stroke a path that lies on a surface of the car."""
        dense = [
            (a[0] + (b[0] - a[0]) * t / 8, a[1] + (b[1] - a[1]) * t / 8)
            for a, b in pairwise(path)
            for t in range(9)
        ]
        self.picture.line([self.camera.see(place(*p)) for p in dense], colour, width)

    def shadow(self) -> None:
        """Darken the asphalt under the car and, thrown by the sun, beside it."""
        sun = self.camera.direction(1, -0.4, 0)
        _, sill = next(BODY.grid())
        for grow, throw, strength, blur in ((1.1, 0.3, 90, 14), (1.05, 0.05, 190, 7), (0.99, 0, 200, 3)):
            ground = [(x * grow + sun[0] * throw, y * grow + sun[1] * throw, 0.0) for x, y, _ in sill]
            self.picture.haze([self.camera.see(p) for p in ground], (8, 9, 12, strength), blur)

    def tread(self, x: float, side: int) -> None:
        """Draw the running surface of a wheel."""
        near = self.camera.depth((x, 0, 0)) < self.camera.distance_m
        rubber = (40, 40, 43) if near else (18, 18, 20)
        rims = [
            [self.camera.see((a, y * side, b)) for a, b in disc(x, WHEEL_R, WHEEL_R)] for y in (0.6, 0.83)
        ]
        for (a, b), (d, c) in zip(pairwise(rims[0]), pairwise(rims[1]), strict=True):
            self.picture.fill((a, b, c, d), rubber)
        for rim in rims:
            self.picture.fill(rim, (16, 16, 18))
        facing = math.copysign(0.3, math.cos(math.radians(self.camera.azimuth_deg)))
        for y in (0.66, 0.715, 0.77):
            groove = [
                (x + facing * math.cos(t / 10) * 1.1, WHEEL_R - 0.335 * math.sin(t / 10))
                for t in range(-12, 15)
            ]
            self.picture.line([self.camera.see((a, y * side, b)) for a, b in groove], (8, 8, 9), 1.5)

    def wheel(self, x: float, side: int) -> None:
        """Draw the outer face of a wheel: tyre, rim, five spokes and hub."""

        def face(a: float, z: float) -> Point3:
            return a, 0.84 * side, z

        z = WHEEL_R
        self.on(face, disc(x, z, z), (46, 46, 49), (24, 24, 26), (14, 14, 15))
        self.on(face, disc(x, z, 0.262), (22, 22, 24))
        self.on(face, disc(x, z, 0.245), (240, 243, 246), (150, 154, 160), (196, 200, 205))
        self.on(face, disc(x, z, 0.222), (30, 31, 34), (12, 12, 14))
        self.on(face, disc(x, z, 0.14), (92, 92, 94), (60, 60, 62))
        for i in range(5):
            a = math.tau * (i / 5 + 0.05)
            for bend in (-0.16, 0.16):
                spoke = [
                    (x + r * math.cos(a + t), z + r * math.sin(a + t))
                    for r, t in (
                        (0.05, bend * 2 - 0.5),
                        (0.232, bend - 0.075),
                        (0.232, bend + 0.075),
                        (0.05, bend * 2 + 0.5),
                    )
                ]
                self.on(face, spoke, (236, 239, 242), (158, 162, 168))
        self.on(face, disc(x, z, 0.062), (212, 216, 220), (140, 144, 150))
        self.on(face, disc(x, z, 0.032), (30, 32, 36))

    def flank(self, side: int) -> None:
        """Draw a side: cladding, wheels, windows, doors, handles."""
        flank = partial(body_flank, side=side)
        self.on(flank, [(1.3, 0.21), (-1.3, 0.21), (-1.3, 0.33), (1.3, 0.33)], (52, 54, 58), (24, 25, 27))
        for x in WHEELS_X:
            for radius, colour in ((0.43, TRIM), (0.395, (9, 9, 11))):
                self.on(flank, [(a, max(z, 0.2)) for a, z in disc(x, WHEEL_R, radius)], colour)
            self.wheel(x, side)
        self.side_windows(side)
        shut = (6, 22, 44, 210)
        self.seam(flank, [(0.92, 0.93), (0.95, 0.7), (0.9, 0.36), (0.8, 0.33)], shut, 1.2)
        self.seam(flank, [(-0.36, 0.97), (-0.36, 0.33)], shut, 1.2)
        self.seam(flank, [(-1.3, 0.97), (-1.2, 0.8), (-0.98, 0.62), (-0.9, 0.33)], shut, 1.2)
        self.seam(flank, [(0.85, 0.46), (-0.9, 0.5)], (150, 190, 235, 120), 1.5)
        for x in (-0.12, -1.0):
            grip = [(x, 0.8), (x - 0.2, 0.803), (x - 0.2, 0.835), (x, 0.832)]
            self.on(flank, rounded(grip), (190, 214, 240), (24, 66, 120))
        if abs(math.cos(math.radians(self.camera.azimuth_deg))) < 0.2:  # else the ends bring their own
            self.corner_lights(flank)

    def corner_lights(self, flank: Callable[[float, float], Point3]) -> None:
        """Draw what a side shows of the headlight and of the tail light."""
        lamp = rounded([(1.98, 0.79), (2.1, 0.66), (1.9, 0.68), (1.72, 0.76)])
        self.on(flank, lamp, LAMP, (120, 130, 142))
        lamp = rounded([(-1.92, 0.9), (-2.12, 0.88), (-2.12, 0.75), (-1.98, 0.76)])
        self.on(flank, lamp, (225, 50, 50), RED)

    def side_windows(self, side: int) -> None:
        """Draw the windows of a side: black frame, three panes, glare, a bright strip below."""
        flank = partial(cabin_flank, side=side)
        frame = [
            (0.84, 0.04),
            (-0.12, 0.78),
            (-0.36, 0.83),
            (-1.4, 0.81),
            (-1.66, 0.55),
            (-1.84, 0.2),
            (-1.8, 0.04),
        ]
        self.on(flank, rounded(frame), DARK)
        panes = (
            [(0.68, 0.09), (-0.15, 0.74), (-0.32, 0.77), (-0.34, 0.09)],
            [(-0.42, 0.09), (-0.4, 0.77), (-1.12, 0.76), (-1.2, 0.09)],
            [(-1.27, 0.09), (-1.19, 0.75), (-1.38, 0.73), (-1.6, 0.5), (-1.76, 0.2), (-1.74, 0.09)],
        )
        for pane in panes:
            self.on(flank, rounded(pane), *GLASS)
        for glare in (
            [(0.2, 0.5), (0.02, 0.68), (-0.12, 0.1), (0.06, 0.1)],
            [(-0.6, 0.78), (-0.78, 0.78), (-0.95, 0.1), (-0.77, 0.1)],
        ):
            self.on(flank, glare, (235, 245, 255, 60), (235, 245, 255, 15))
        self.seam(flank, [(0.9, 0.03), (-1.82, 0.03)], CHROME, 1.6)

    def end_parts(self, side: int, parts: Sequence[Part]) -> None:
        """Fill outlines (y, z) on the front or rear, each on the halves of the car that do not face away."""
        place = FRONT if side > 0 else REAR
        for outline, colours in parts:
            for half in (-1, 1):
                ring = rounded([(y * half, z) for y, z in outline])
                if area(ring) * area([self.camera.see(place(*p)) for p in ring]) * side < 0:
                    self.on(place, ring, *colours)

    def window(self, side: int, top: float) -> None:
        """Draw the windscreen (side 1) or the rear window (-1) up to a level of the cabin."""

        def pane(share: float, level: float) -> Point3:
            return CABIN.end(share, level, side)

        self.on(pane, rounded([(-0.95, 0.05), (0.95, 0.05), (0.92, top), (-0.92, top)]), DARK)
        self.on(pane, rounded([(-0.91, 0.1), (0.91, 0.1), (0.88, top - 0.04), (-0.88, top - 0.04)]), *GLASS)
        for seat in (-0.45, 0.45):
            rest = [(seat - 0.16, 0.1), (seat + 0.16, 0.1), (seat + 0.11, 0.42), (seat - 0.11, 0.42)]
            self.on(pane, rounded(rest), (10, 12, 15, 120))
        self.on(
            pane,
            [(-0.1, top - 0.05), (-0.4, top - 0.05), (-0.62, 0.12), (-0.2, 0.12)],
            (240, 248, 255, 70),
            (240, 248, 255, 12),
        )
        self.seam(pane, [(-0.7 * side, 0.07), (0.0, 0.09), (0.1 * side, 0.13)], (8, 8, 9), 2)

    def front(self) -> None:
        """Draw the front: windscreen, grille, headlights, intake and plate."""
        self.window(1, 0.8)
        self.end_parts(1, FRONT_PARTS)
        for z in (0.61, 0.65, 0.69):
            self.seam(FRONT, [(-0.42, z), (0.42, z)], (120, 126, 134), 1.8)
        self.seam(FRONT, [(-0.56, 0.34), (0.56, 0.34)], (70, 74, 80), 2)
        self.on(FRONT, disc(0, 0.65, 0.06), (250, 252, 254), (150, 155, 162))
        self.on(FRONT, disc(0, 0.65, 0.042), (40, 110, 190), (14, 50, 100))
        self.number(1, PLATES_Z[1])

    def rear(self) -> None:
        """Draw the rear: window, tail lights, tailgate, bumper, exhausts and plate."""
        self.window(-1, 0.8)
        self.end_parts(-1, REAR_PARTS)
        gate = [(-0.7, 0.72), (-0.66, 0.5), (-0.6, 0.45), (0.6, 0.45), (0.66, 0.5), (0.7, 0.72)]
        self.seam(REAR, gate, (6, 22, 44, 210), 1.6)
        self.seam(REAR, [(-0.42, 0.81), (0.42, 0.81)], CHROME, 3)
        self.on(REAR, disc(0, 0.87, 0.05), (250, 252, 254), (150, 155, 162))
        self.number(-1, PLATES_Z[-1])

    def number(self, side: int, z: float) -> None:
        """Mount the number plate."""
        top_left, top_right, _, bottom_left = plate_corners(self.camera, side, z)
        self.picture.stick(number_plate(self.plate), top_left, top_right, bottom_left)


def plate_corners(camera: Camera, side: int, z: float) -> list[Point]:
    """Return where the corners of a plate of 520 mm by 110 mm are seen, clockwise from its top left; z is its middle."""
    x = body_end(0, z, side)[0] + 0.02 * side
    corners = ((-0.26, 0.055), (0.26, 0.055), (0.26, -0.055), (-0.26, -0.055))
    return [camera.see((x, y * side, z + h)) for y, h in corners]
