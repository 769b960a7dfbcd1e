"""The used-car yard of the demonstration photos and the things standing in it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from photo_canvas import Camera, Picture, Point, disc, rounded

WIDTH, HEIGHT = 960, 640


@dataclass(frozen=True)
class Yard:
    """A used-car yard before a camera: lateral and depth are metres to the right and in front of it."""

    picture: Picture
    camera: Camera
    random: Random
    wall_m: float

    def slab(
        self, lateral: float, depth: float, half: float, low: float, high: float, *, taper: float = 1
    ) -> list[Point]:
        """Return an upright board's outline; its top is `taper` times as wide as its foot."""
        corners = ((-half * taper, high), (half * taper, high), (half, low), (-half, low))
        return [self.camera.view(lateral + x, depth, z) for x, z in corners]

    def carpet(self, lateral: float, depth: float, half: float, length: float) -> list[Point]:
        """Return the outline of a rectangle on the ground, its near edge at `depth`."""
        corners = ((-half, 0), (half, 0), (half, length), (-half, length))
        return [self.camera.view(lateral + x, depth + far, 0) for x, far in corners]

    def shade(self, lateral: float, depth: float, half: float) -> None:
        """Darken the ground round the foot of a thing."""
        self.picture.haze(
            self.carpet(lateral + half * 0.3, depth - half * 0.4, half * 1.4, half), (10, 10, 12, 150), 4
        )

    def draw(self) -> None:
        """Draw sky, what stands beyond the wall, the wall and the asphalt."""
        self.sky()
        self.hall(-6.5, self.wall_m + 9)
        for lateral in (3.2, 5.6, 9.5):
            self.tree(lateral, self.wall_m + 3)
        self.wall()
        self.asphalt()

    def sky(self) -> None:
        """Draw a bright sky with a few clouds."""
        bottom = self.camera.horizon_px + 10
        corners = ((0.0, 0.0), (WIDTH, 0.0), (WIDTH, bottom), (0.0, bottom))
        self.picture.fill(corners, (112, 160, 210), (168, 200, 228), (222, 230, 234))
        for _ in range(9):
            x, y, size = (
                self.random.uniform(0, WIDTH),
                self.random.uniform(0, bottom * 0.7),
                self.random.uniform(30, 90),
            )
            self.picture.haze(
                [(a, y + (b - y) * 0.22) for a, b in disc(x, y, size)], (250, 250, 250, 170), 12
            )

    def hall(self, lateral: float, depth: float) -> None:
        """Draw a workshop hall with a row of windows."""
        self.picture.fill(self.slab(lateral, depth, 7, 0, 5.4), (150, 156, 160), (126, 132, 136))
        self.picture.fill(self.slab(lateral, depth, 7.2, 5.4, 5.8), (92, 98, 104))
        for i in range(8):
            self.picture.fill(
                self.slab(lateral - 6 + i * 1.7, depth, 0.6, 3.6, 4.6), (188, 208, 222), (84, 98, 110)
            )

    def tree(self, lateral: float, depth: float) -> None:
        """Draw a tree crown as many leaf clusters, dark ones first."""
        crown = [self.camera.view(x, depth, z) for x, z in disc(lateral, 3.3, 1.2)]
        self.picture.fill(crown, (46, 84, 40), (26, 56, 26))
        for i in range(420):
            angle, reach = self.random.uniform(0, math.tau), math.sqrt(self.random.random()) * 1.3
            x, y = self.camera.view(lateral + reach * math.cos(angle), depth, 3.3 + reach * math.sin(angle))
            green = 52 + i // 10 + self.random.randrange(20)
            size = self.camera.focal_px / depth * self.random.uniform(0.05, 0.17)
            self.picture.fill(disc(x, y, size), (green // 2 + 10, green + 14, green // 3 + 8))

    def wall(self) -> None:
        """Draw a brick wall with a coping and a painted board."""
        half, course = 14.0, 0.2
        self.picture.fill(self.slab(0, self.wall_m, half, 0, 2.4), (150, 140, 132), (110, 102, 96))
        for row in range(12):
            for i in range(int(2 * half / 0.5)):
                x, tone = -half + (i + row % 2 / 2) * 0.5, self.random.uniform(-16, 16) - 18 * (row < 2)
                colour = (round(146 + tone), round(90 + tone * 0.8), round(70 + tone * 0.7))
                self.picture.fill(
                    self.slab(x, self.wall_m, 0.238, row * course, row * course + 0.178), colour
                )
        self.picture.fill(self.slab(0, self.wall_m, half, 2.4, 2.52), (186, 182, 174), (140, 136, 130))
        foot = self.slab(0, self.wall_m, half, 0, 0.9)
        self.picture.fill(foot, (20, 18, 16, 0), (20, 18, 16, 120))

    def asphalt(self) -> None:
        """Draw worn asphalt with patches, bay lines, oil stains and cracks."""
        top = self.camera.view(0, self.wall_m, 0)[1]
        corners = ((0.0, top), (WIDTH, top), (WIDTH, HEIGHT), (0.0, HEIGHT))
        self.picture.fill(corners, (140, 140, 141), (126, 126, 128), (114, 114, 117), (102, 102, 106))
        self.picture.grain(self.random, top, 0.10, (2.4, 1.5))
        self.picture.grain(self.random, top, 0.13, (70, 12))
        near = self.camera.distance_m
        self.picture.fill(self.carpet(-2.6, near - 1.2, 0.9, 1.4), (58, 58, 62, 150))
        for lateral in (-3.4, 3.1):
            self.picture.fill(
                self.carpet(lateral, near * 0.45, 0.06, self.wall_m * 0.8), (226, 224, 214, 120)
            )
        for _ in range(4):
            x, y = self.camera.view(self.random.uniform(-3, 3), near + self.random.uniform(-3, 2), 0)
            self.picture.haze([(a, y + (b - y) * 0.25) for a, b in disc(x, y, 42)], (20, 20, 24, 110), 8)
        for _ in range(6):
            self.crack(self.random.uniform(-4, 4), near + self.random.uniform(-3, 2))

    def crack(self, lateral: float, depth: float) -> None:
        """Draw a crack wandering over the asphalt."""
        path = []
        for _ in range(14):
            path.append(self.camera.view(lateral, depth, 0))
            lateral, depth = lateral + self.random.uniform(-0.05, 0.3), depth + self.random.uniform(-0.2, 0.2)
        self.picture.line(path, (34, 34, 37, 190), 1.2)


def cone(yard: Yard, lateral: float, depth: float) -> None:
    """Put up a traffic cone."""
    yard.shade(lateral, depth, 0.2)
    yard.picture.fill(yard.slab(lateral, depth, 0.22, 0, 0.05), (60, 60, 62))
    yard.picture.fill(yard.slab(lateral, depth, 0.16, 0.05, 0.72, taper=0.16), (255, 132, 52), (226, 84, 16))
    for low, half in ((0.24, 0.122), (0.46, 0.078)):
        yard.picture.fill(
            yard.slab(lateral, depth, half, low, low + 0.12, taper=0.8), (246, 246, 242), (206, 206, 204)
        )
    yard.picture.fill(yard.slab(lateral + 0.075, depth, 0.075, 0.05, 0.7, taper=0.2), (60, 16, 0, 70))


def bin_on_wheels(yard: Yard, lateral: float, depth: float) -> None:
    """Put up a green wheeled bin."""
    yard.shade(lateral, depth, 0.4)
    for side in (-1, 1):
        yard.picture.fill(yard.slab(lateral + side * 0.26, depth, 0.05, 0, 0.2), (24, 24, 26))
    yard.picture.fill(yard.slab(lateral, depth, 0.27, 0.06, 1.0, taper=1.18), (64, 116, 74), (34, 76, 46))
    for x in (-0.14, 0, 0.14):
        yard.picture.fill(yard.slab(lateral + x, depth, 0.02, 0.2, 0.85), (20, 54, 30))
    yard.picture.fill(
        rounded(yard.slab(lateral, depth, 0.36, 0.98, 1.1, taper=0.92)), (84, 140, 92), (40, 86, 52)
    )


def lamp_post(yard: Yard, lateral: float, depth: float) -> None:
    """Put up a street lamp."""
    yard.shade(lateral, depth, 0.2)
    yard.picture.fill(yard.slab(lateral, depth, 0.11, 0, 0.6), (96, 102, 106), (66, 70, 74))
    yard.picture.fill(yard.slab(lateral, depth, 0.065, 0.6, 4.6, taper=0.7), (138, 144, 148), (92, 98, 102))
    yard.picture.fill(yard.slab(lateral + 0.45, depth, 0.5, 4.5, 4.58), (120, 126, 130))
    yard.picture.fill(
        rounded(yard.slab(lateral + 0.85, depth, 0.3, 4.4, 4.56, taper=0.6)), (90, 94, 98), (250, 246, 220)
    )


def tyres(yard: Yard, lateral: float, depth: float) -> None:
    """Pile up four old tyres."""
    yard.shade(lateral, depth, 0.4)
    for i in range(4):
        lean = yard.random.uniform(-0.05, 0.05)
        outline = rounded(yard.slab(lateral + lean, depth, 0.34, i * 0.2, i * 0.2 + 0.2))
        yard.picture.fill(outline, (74, 74, 77), (40, 40, 42), (20, 20, 22))
        for x in range(-5, 6):
            yard.picture.fill(
                yard.slab(lateral + lean + x * 0.055, depth, 0.006, i * 0.2 + 0.05, i * 0.2 + 0.15),
                (12, 12, 13),
            )


def pallets(yard: Yard, lateral: float, depth: float) -> None:
    """Stack three wooden pallets."""
    yard.shade(lateral, depth, 0.6)
    for i in range(4):
        low, tone = i * 0.16, yard.random.randrange(-12, 12)
        yard.picture.fill(yard.slab(lateral, depth, 0.6, low, low + 0.14), (46, 36, 28))
        for x in (-0.52, 0, 0.52):
            yard.picture.fill(
                yard.slab(lateral + x, depth, 0.08, low, low + 0.14), (150 + tone, 116 + tone, 78 + tone)
            )
        yard.picture.fill(
            yard.slab(lateral, depth, 0.6, low + 0.1, low + 0.145), (190 + tone, 152 + tone, 106 + tone)
        )


def drum(yard: Yard, lateral: float, depth: float) -> None:
    """Put up a rusty red oil drum."""
    yard.shade(lateral, depth, 0.34)
    yard.picture.fill(rounded(yard.slab(lateral, depth, 0.3, 0, 0.9)), (176, 62, 50), (128, 40, 34))
    yard.picture.fill(yard.slab(lateral + 0.17, depth, 0.1, 0.03, 0.87), (50, 10, 8, 90))
    yard.picture.fill(yard.slab(lateral - 0.15, depth, 0.05, 0.03, 0.87), (255, 200, 180, 70))
    for z in (0.3, 0.6, 0.86):
        yard.picture.fill(yard.slab(lateral, depth, 0.305, z, z + 0.03), (206, 98, 80), (90, 28, 24))


Thing = Callable[[Yard, float, float], None]
