"""The demonstration dealer's branding: an empty showroom, and a logo."""

from photo_canvas import SCALE, Colour, Picture, disc, lettering
from PIL import Image, ImageDraw

NAVY, ORANGE = (16, 40, 74), (240, 122, 28)


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
