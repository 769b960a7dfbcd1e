"""Up to twelve pictures on one sheet, so that a model judges a batch for the price of a few pictures.

A host counts about width x height / 750 tokens for a picture: a sheet stays below 2,300, a batch of 40 below 10,000.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.pictures.preview import Preview, as_jpeg, reduced
from autobg_mcp.text import cleaned

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

MOST_TILES = 12
"""The most pictures on one sheet."""

_WIDEST_PX, _MOST_PIXELS = 1568, 1_720_000
_MOST_COLUMNS = 4
_MOST_BYTES = 700_000  # below 1 MB as base64
_GAP_PX, _LABEL_PX, _CAPTION_PX = 12, 36, 22
_WIDEST_TILE_PX = 900
_AFTER_SHARE = 0.64
_USUAL_ASPECT, _NARROWEST, _WIDEST = 4 / 3, 3 / 4, 2.0

_PAPER = "#22262d"
_INK, _FAINT = "#ffffff", "#c3cad6"
_COLOURS = {"done": "#2e9e5b", "failed": "#d6423b", "pending": "#b98512"}
_SLOTS = {"done": "#2f353f", "failed": "#46292b", "pending": "#3b3628"}
_WORDS = {"done": "no picture", "failed": "no result", "pending": "in work"}


@dataclass(frozen=True)
class Tile:
    """One picture of a batch on a sheet.

    Attributes:
        picID: The API's id of the picture.
        name: The picture's name.
        state: What imagesStatus says of it.
        after: The result; None when there is none. To save memory pass a preview of it: no tile is wider than 900 px.
        before: What was uploaded; None when it is not known. A preview will do here too.
    """

    picID: int | str
    name: str
    state: Literal["done", "failed", "pending"]
    after: bytes | None = None
    before: bytes | None = None


class _Grid(NamedTuple):
    columns: int
    rows: int
    tile_width_px: int
    after_width_px: int
    picture_height_px: int


class _Drawn(NamedTuple):
    tile: Tile
    after: "Image | None"
    before: "Image | None"


def contact_sheet(tiles: Sequence[Tile], *, first_number: int = 1) -> Preview:
    """One JPEG with every tile's number, picID, name and state above its picture.

    A tile that knows its original shows it small, to the left of the result.

    Args:
        tiles: One to twelve pictures.
        first_number: The number of the first tile; a second page continues the first.

    Raises:
        ValueError: There are no tiles or more than twelve.
        FileRefusedError: The sheet does not fit into its bytes.
    """
    from PIL import Image, ImageDraw

    if not 0 < len(tiles) <= MOST_TILES:
        raise ValueError(f"A sheet shows 1 to {MOST_TILES} pictures, not {len(tiles)}.")
    drawn = [_Drawn(tile, _picture(tile.after), _picture(tile.before)) for tile in tiles]
    grid = _grid(drawn)
    step_x = grid.tile_width_px + _GAP_PX
    step_y = _LABEL_PX + grid.picture_height_px + _GAP_PX
    sheet = Image.new("RGB", (_GAP_PX + grid.columns * step_x, _GAP_PX + grid.rows * step_y), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, each in enumerate(drawn):
        left = _GAP_PX + index % grid.columns * step_x
        top = _GAP_PX + index // grid.columns * step_y
        _draw_label(draw, (left, top), grid.tile_width_px, first_number + index, each.tile)
        _draw_pictures(draw, sheet, (left, top + _LABEL_PX), grid, each)
    content, size_px = as_jpeg(sheet, _MOST_BYTES)
    return Preview(content, *size_px)


def _picture(content: bytes | None) -> "Image | None":
    """A picture small enough for any tile; None for one that cannot be shown, which must not spoil the sheet."""
    try:
        return None if content is None else reduced(content, _WIDEST_TILE_PX)
    except FileRefusedError:
        return None


def _grid(drawn: Sequence[_Drawn]) -> _Grid:
    """The number of columns with which the results become largest."""
    shown = [picture for each in drawn if (picture := each.after or each.before)]
    usual = median(picture.width / picture.height for picture in shown) if shown else _USUAL_ASPECT
    aspect = min(max(usual, _NARROWEST), _WIDEST)
    share = _AFTER_SHARE if any(each.before for each in drawn) else 1.0

    def grid(columns: int) -> _Grid:
        rows = math.ceil(len(drawn) / columns)
        widest = min((_WIDEST_PX - _GAP_PX) / columns - _GAP_PX, _WIDEST_TILE_PX)
        highest = (_MOST_PIXELS / _WIDEST_PX - _GAP_PX) / rows - _GAP_PX - _LABEL_PX
        after = min(widest * share, highest * aspect)
        return _Grid(columns, rows, int(after / share), int(after), int(after / aspect))

    return max(map(grid, range(1, min(len(drawn), _MOST_COLUMNS) + 1)), key=lambda each: each.after_width_px)


def _draw_label(draw: "ImageDraw", at: tuple[int, int], width_px: int, number: int, tile: Tile) -> None:
    """Number, picID, name and state in one line."""
    left, top = at
    middle, bottom = top + _LABEL_PX // 2 - 3, top + _LABEL_PX - 8
    bold, plain = _font(21), _font(18)
    right = left + width_px
    badge = left + 16 + int(bold.getlength(str(number)))
    draw.rounded_rectangle((left, top, badge, bottom), 5, fill=_INK)
    draw.text(((left + badge) / 2, middle), str(number), fill=_PAPER, font=bold, anchor="mm")
    state = right - 18 - int(plain.getlength(tile.state))
    draw.rounded_rectangle((state, top, right, bottom), 5, fill=_COLOURS[tile.state])
    draw.text(((state + right) / 2, middle), tile.state, fill=_INK, font=plain, anchor="mm")
    picture_id = _drawable(cleaned(str(tile.picID), 20))
    draw.text((badge + 10, middle), picture_id, fill=_INK, font=bold, anchor="lm", stroke_width=0.5)
    name = badge + 22 + int(bold.getlength(picture_id))
    draw.text(
        (name, middle),
        _fitted(_drawable(cleaned(tile.name)), plain, state - name - 10),
        fill=_FAINT,
        font=plain,
        anchor="lm",
    )


def _drawable(text: str) -> str:
    """`text` in the letters that Pillow's own font has; the answer's text carries the true name."""
    plain = (
        c for c in unicodedata.normalize("NFKD", text.replace("ß", "ss")) if not unicodedata.combining(c)
    )
    return "".join(c if c.isascii() or c == "…" else "_" for c in plain)


def _fitted(text: str, font: "FreeTypeFont", width_px: float) -> str:
    """`text`, or its beginning and its end: names of one car differ at the end."""
    if font.getlength(text) <= width_px:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shorter = f"{text[: kept // 2]}…{text[-(kept - kept // 2) :]}"
        if font.getlength(shorter) <= width_px:
            return shorter
    return ""


def _draw_pictures(draw: "ImageDraw", sheet: "Image", at: tuple[int, int], grid: _Grid, each: _Drawn) -> None:
    """The result, and left of it the original if it is known."""
    left, top = at
    width_px, height_px = grid.tile_width_px, grid.picture_height_px
    if grid.after_width_px < width_px:
        below = top
        if each.before:
            small = _fit(
                each.before, (width_px - grid.after_width_px - _GAP_PX // 2, height_px - _CAPTION_PX)
            )
            sheet.paste(small, (left, top))
            below += small.height
        caption = "before" if each.before else "original unknown"
        draw.text((left, below + 4), caption, fill=_FAINT, font=_font(16))
        left, width_px = left + width_px - grid.after_width_px, grid.after_width_px
    if each.after is None:
        slot = _SLOTS[each.tile.state]
        draw.rectangle((left, top, left + width_px - 1, top + height_px - 1), fill=slot)
        words = _WORDS[each.tile.state]
        draw.text((left + width_px / 2, top + height_px / 2), words, fill=_FAINT, font=_font(24), anchor="mm")
        return
    large = _fit(each.after, (width_px, height_px))
    sheet.paste(large, (left + (width_px - large.width) // 2, top + (height_px - large.height) // 2))


def _fit(image: "Image", size_px: tuple[int, int]) -> "Image":
    from PIL import Image

    fitted = image.copy()
    fitted.thumbnail(size_px, Image.Resampling.LANCZOS)
    return fitted


def _font(size_px: int) -> "FreeTypeFont":
    from PIL import ImageFont

    font = ImageFont.load_default(size_px)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font
