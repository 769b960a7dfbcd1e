"""A canvas drawn large and shrunk at the end, and a camera that projects metres onto it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, ...]
Point = tuple[float, float]
Point3 = tuple[float, float, float]

SCALE = 4


class Picture:
    """A canvas addressed in final pixels and drawn SCALE times larger."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.image = Image.new("RGB", (width * SCALE, height * SCALE))
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def fill(self, points: Sequence[Point], *colours: Colour) -> None:
        """Fill a polygon with one colour, or with several blended from its top to its bottom."""
        corners = [(x * SCALE, y * SCALE) for x, y in points]
        if len(colours) == 1:
            self.pen.polygon(corners, colours[0])
            return
        left, top = (int(min(c[i] for c in corners)) for i in (0, 1))
        size = (int(max(c[0] for c in corners)) - left + 1, int(max(c[1] for c in corners)) - top + 1)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in corners], 255)
        ramp = Image.new("RGBA", (1, len(colours)))
        ramp.putdata([(*c, 255)[:4] for c in colours])
        blend = ramp.resize(size, Image.Resampling.BILINEAR)
        self.image.paste(blend, (left, top), ImageChops.multiply(mask, blend.getchannel("A")))

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:
        """Stroke a polyline, `width` in final pixels."""
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(width * SCALE), "curve")

    def haze(self, points: Sequence[Point], colour: Colour, radius: float) -> None:
        """Fill a polygon whose edge fades over `radius` pixels: shadows, clouds, glows."""
        left, top = (int(min(p[i] for p in points) - 3 * radius) for i in (0, 1))
        wide, high = (int(max(p[i] for p in points) + 3 * radius) for i in (0, 1))
        mask = Image.new("L", (wide - left, high - top))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], colour[3])
        soft = mask.filter(ImageFilter.GaussianBlur(radius))
        soft = soft.resize((soft.width * SCALE, soft.height * SCALE), Image.Resampling.BILINEAR)
        self.image.paste(colour[:3], (left * SCALE, top * SCALE), soft)

    def grain(self, random: Random, top: float, strength: float, size: Point) -> None:
        """Roughen everything below row `top` with grains of `size` pixels; strength is 0 to 1."""
        width, height = self.size[0], self.size[1] - int(top)
        columns, rows = int(width / size[0]), int(height / size[1])
        noise = Image.frombytes("L", (columns, rows), random.randbytes(columns * rows))
        box = (0, int(top) * SCALE, width * SCALE, self.size[1] * SCALE)
        rough = noise.resize((box[2], box[3] - box[1]), Image.Resampling.BICUBIC).convert("RGB")
        below = self.image.crop(box)
        self.image.paste(Image.blend(below, ImageChops.overlay(below, rough), strength), box[:2])

    def stick(self, sticker: Image.Image, top_left: Point, top_right: Point, bottom_left: Point) -> None:
        """Lay a small picture over the parallelogram given by three of its corners."""
        (ax, ay), (bx, by), (cx, cy) = ((x * SCALE, y * SCALE) for x, y in (top_left, top_right, bottom_left))
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        wide, high = sticker.width / area, sticker.height / area
        across = ((cy - ay) * wide, (ax - cx) * wide)
        down = ((ay - by) * high, (bx - ax) * high)
        matrix = (*across, -across[0] * ax - across[1] * ay, *down, -down[0] * ax - down[1] * ay)
        flat = sticker.convert("RGBA").transform(
            self.image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
        )
        self.image.paste(flat, (0, 0), flat)

    def finished(self) -> Image.Image:
        """Return the picture at its final size."""
        return self.image.reduce(SCALE)


class Silhouette(Picture):
    """A canvas that keeps where something was drawn and not what: white on black, hazes left out."""

    def fill(self, points: Sequence[Point], *colours: Colour) -> None:  # noqa: ARG002  # as a picture's
        """Fill a polygon; `colours` do not matter."""
        super().fill(points, (255, 255, 255))

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:  # noqa: ARG002  # as a picture's
        """Stroke a polyline; `colour` does not matter."""
        super().line(points, (255, 255, 255), width)

    def haze(self, points: Sequence[Point], colour: Colour, radius: float) -> None:
        """Leave out what has no edge."""

    def stick(self, sticker: Image.Image, top_left: Point, top_right: Point, bottom_left: Point) -> None:  # noqa: ARG002  # as a picture's
        """Fill the parallelogram that a small picture would cover."""
        last = (top_right[0] + bottom_left[0] - top_left[0], top_right[1] + bottom_left[1] - top_left[1])
        self.fill([top_left, top_right, last, bottom_left])

    def mask(self) -> Image.Image:
        """Return how much of each pixel was drawn on, 0 to 255, a little inside its edge, where nothing shines through."""
        covered = self.finished().convert("L")
        return covered.point([max(0, min(255, round((v - 64) * 255 / 191))) for v in range(256)])


@dataclass(frozen=True)
class Camera:
    """A level camera circling the car: azimuth 0 looks at its front, 90 at its left side."""

    azimuth_deg: float
    distance_m: float
    height_m: float
    focal_px: float
    centre_x_px: float
    horizon_px: float

    def view(self, lateral: float, depth: float, z: float) -> Point:
        """Project a point given in metres to the right of, in front of and (z) over the ground at the camera."""
        zoom = self.focal_px / depth
        return self.centre_x_px + lateral * zoom, self.horizon_px + (self.height_m - z) * zoom

    def depth(self, point: Point3) -> float:
        """Return how far in front of the camera a point of the car is, in metres."""
        angle = math.radians(self.azimuth_deg)
        return self.distance_m - point[0] * math.cos(angle) - point[1] * math.sin(angle)

    def see(self, point: Point3) -> Point:
        """Project a point of the car."""
        angle = math.radians(self.azimuth_deg)
        lateral = point[1] * math.cos(angle) - point[0] * math.sin(angle)
        return self.view(lateral, self.depth(point), point[2])

    def direction(self, right: float, back: float, up: float) -> Point3:
        """Turn a direction seen from the camera into car axes, length 1."""
        a, size = math.radians(self.azimuth_deg), math.hypot(right, back, up)
        x, y = back * math.cos(a) - right * math.sin(a), back * math.sin(a) + right * math.cos(a)
        return x / size, y / size, up / size


def lettering(text: str, size: int, colour: Colour, weight: int = 0) -> Image.Image:
    """Return a text cut to its ink on a transparent ground; `weight` thickens the strokes, in pixels."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text, stroke_width=weight)
    ink = Image.new("RGBA", (math.ceil(right - left), math.ceil(bottom - top)), (*colour, 0))
    ImageDraw.Draw(ink).text((-left, -top), text, colour, font, stroke_width=weight)
    return ink


def number_plate(text: str, width: int = 520, height: int = 110) -> Image.Image:
    """Return a white number plate with a blue field on its left."""
    plate = Image.new("RGB", (width, height), (244, 245, 240))
    pen = ImageDraw.Draw(plate)
    pen.rectangle((0, 0, width // 9, height), (18, 62, 150))
    pen.rectangle((0, 0, width - 1, height - 1), outline=(30, 30, 32), width=4)
    ink = lettering(text, round(height * 0.82), (20, 20, 24), 3)
    plate.paste(ink, ((width * 10 // 9 - ink.width) // 2, (height - ink.height) // 2), ink)
    return plate


def rounded(points: Sequence[Point]) -> list[Point]:
    """Return a closed outline with many points and softly cut corners."""
    ring = list(points)
    for shares in ((0, 0.15, 0.3, 0.5, 0.7, 0.85), (0.25, 0.75), (0.25, 0.75)):
        ring = [
            (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)
            for a, b in pairwise([*ring, ring[0]])
            for t in shares
        ]
    return ring


def area(points: Sequence[Point]) -> float:
    """Return twice the area that a closed outline goes round, negative where it goes the other way."""
    return sum(p[0] * q[1] - q[0] * p[1] for p, q in pairwise([*points, points[0]]))


def disc(x: float, z: float, radius: float) -> list[Point]:
    """Return the outline of a circle."""
    return [
        (x + radius * math.cos(i * math.tau / 48), z + radius * math.sin(i * math.tau / 48))
        for i in range(48)
    ]
