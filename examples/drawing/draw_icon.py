"""Draws the icon of the server, a car cut out on a plain ground: small for hosts, large for registries and bundles.

Usage: draw_icon.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
ICON = ROOT / "autobg_mcp/serving/icon.png"
LARGE_ICON = ROOT / "examples/icon.png"
SIDE_PX = 48
LARGE = 8
"""How many times the small one the large one is."""

GROUND, CAR, GLASS = (22, 88, 122), (255, 255, 255), (140, 190, 210)


def icon(times: int = 1) -> Image.Image:
    """In three colours, so that the small one costs a few hundred bytes."""
    image = Image.new("RGB", (SIDE_PX * times, SIDE_PX * times), GROUND)
    draw = ImageDraw.Draw(image)

    def scaled(*points: tuple[int, int]) -> list[tuple[int, int]]:
        return [(x * times, y * times) for x, y in points]

    draw.polygon(
        scaled((6, 31), (8, 24), (14, 22), (19, 14), (33, 14), (39, 22), (43, 25), (43, 31)), fill=CAR
    )
    draw.polygon(scaled((18, 21), (21, 16), (25, 16), (25, 21)), fill=GLASS)
    draw.polygon(scaled((28, 21), (28, 16), (32, 16), (35, 21)), fill=GLASS)
    for middle_px in (15, 34):
        draw.ellipse(scaled((middle_px - 5, 26), (middle_px + 5, 36)), fill=GROUND)
        draw.ellipse(scaled((middle_px - 3, 28), (middle_px + 3, 34)), fill=CAR)
    return image


if __name__ == "__main__":
    icon().quantize(4).save(ICON, optimize=True)
    smooth = icon(LARGE * 2).resize((SIDE_PX * LARGE, SIDE_PX * LARGE), Image.Resampling.LANCZOS)
    smooth.quantize(32).save(LARGE_ICON, optimize=True)
