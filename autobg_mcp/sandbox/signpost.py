"""Shows the way with a photo that the sandbox cannot cut out: the photo as a print in its place, and words that say so."""

from typing import TYPE_CHECKING, Final

from autobg_mcp.sandbox.prints import Ink, text_width, write

if TYPE_CHECKING:
    from PIL import Image

_PANEL, _INK, _FAINT = (26, 30, 38), (255, 255, 255), (176, 186, 200)
_WHITE: Final[Ink] = (255, 255, 255)
_PRINT_SHARE: Final = 0.54  # of the picture's width and height
_PRINT_MIDDLE: Final = 0.45
_STANDS: Final = ("Your car would stand here", "The sandbox cannot cut out cars. The API does.")
_PLATED: Final = ("Your plate would be changed", "The sandbox cannot find plates. The API does.")


def in_its_place(photo: "Image.Image", background: "Image.Image | None") -> "Image.Image":
    """Lay the photo as a print onto a background, or onto nothing, where the car would stand."""
    from PIL import Image, ImageFilter

    scene = Image.new("RGBA", photo.size) if background is None else background.copy()
    width, height = photo.size
    small = photo.copy()
    small.thumbnail((max(1, int(width * _PRINT_SHARE)), max(1, int(height * _PRINT_SHARE))))
    edge = max(2, min(width, height) // 80)
    card = Image.new("RGBA", (small.width + 2 * edge, small.height + 2 * edge), _WHITE)
    card.paste(small, (edge, edge))
    corner = ((width - card.width) // 2, max(0, int(height * _PRINT_MIDDLE) - card.height // 2))
    shade = Image.new("L", photo.size)
    shade.paste(120, (corner[0], corner[1] + edge, corner[0] + card.width, corner[1] + edge + card.height))
    layer = Image.new("RGBA", photo.size, (12, 14, 20))
    layer.putalpha(shade.filter(ImageFilter.GaussianBlur(2 * edge)))
    scene.alpha_composite(layer)
    scene.paste(card, corner)
    return scene


def say_so(scene: "Image.Image", plate: "Image.Image | None", *, stands: bool) -> None:
    """Write into the picture what the sandbox cannot do.

    Args:
        scene: The picture.
        plate: What the plate would be covered with, shown beside the words; None where plates are left alone.
        stands: The car was to be cut out; else its plate alone was to be changed.
    """
    from PIL import Image, ImageDraw

    width, height = scene.size
    first, second = _STANDS if stands else _PLATED
    size = max(6.0, min(height / 20, width / 26))
    pad = size * 0.7
    words = max(text_width(first, size), text_width(second, size * 0.7))
    shown = None if plate is None else plate.resize((round(size * 5.2), round(size * 1.2)))
    panel = words + 2 * pad + (shown.width + pad if shown else 0)
    left, top = (width - panel) / 2, height * 0.76
    ground = Image.new("RGBA", scene.size)
    box = (left, top, left + panel, top + size * 1.9 + 2 * pad)
    ImageDraw.Draw(ground).rounded_rectangle(box, size / 2, fill=(*_PANEL, 238))
    scene.alpha_composite(ground)
    write(scene, first, (left + pad, top + pad * 0.8), size, _INK)
    write(scene, second, (left + pad, top + pad * 0.8 + size * 1.3), size * 0.7, _FAINT)
    if shown:
        corner = (round(left + 2 * pad + words), round(top + pad * 0.8 + size * 0.1))
        scene.paste(shown, corner, shown)
        under = (corner[0] + shown.width / 2, top + pad * 0.8 + size * 1.3)
        write(scene, "your plates", under, size * 0.6, _FAINT, "ma")
