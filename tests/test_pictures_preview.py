"""What a model sees: upright, opaque, small, and honest about what it is."""

import io
import random
from itertools import pairwise

import pytest
from pictures_drawn import BLUE, GREEN, RED, WHITE, coded, png_of_zeros, quartered, revealing_exif
from PIL import Image, ImageChops, ImageDraw

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.pictures.preview import Preview, as_jpeg, preview, reduced
from autobg_mcp.pictures.sheet import Tile, contact_sheet

# The colours at top left, top right, bottom left and bottom right, once the stored picture is turned as it says.
TURNED = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}


def shown(seen: Preview) -> Image.Image:
    image = Image.open(io.BytesIO(seen.content))
    assert (image.size, image.mode, image.format) == ((seen.width_px, seen.height_px), "RGB", "JPEG")
    return image


def corners(seen: Preview) -> tuple[tuple[int, int, int], ...]:
    """The colour in the middle of each quarter, as the nearest of those that are drawn."""
    image = shown(seen)
    near = (
        (x, y)
        for y in (image.height // 4, image.height * 3 // 4)
        for x in (image.width // 4, image.width * 3 // 4)
    )
    return tuple(nearest(image.getpixel(at)) for at in near)  # type: ignore[arg-type]


def nearest(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return min(
        (RED, GREEN, BLUE, WHITE), key=lambda each: sum(abs(a - b) for a, b in zip(each, colour, strict=True))
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_a_picture_is_shown_upright(kind: str, orientation: int) -> None:
    seen = preview(coded(quartered(), kind, exif=revealing_exif(orientation)))

    assert corners(seen) == TURNED[orientation]


@pytest.mark.parametrize("size_px", [(4000, 3000), (3000, 4000), (12_000, 1_000), (1_024, 1_024), (5_000, 3)])
def test_the_longer_side_has_at_most_1024_px(size_px: tuple[int, int]) -> None:
    seen = preview(coded(Image.new("RGB", size_px, BLUE)))

    assert max(seen.width_px, seen.height_px) == 1024


def test_a_small_picture_is_not_enlarged() -> None:
    seen = preview(coded(quartered()))

    assert (seen.width_px, seen.height_px) == (64, 48)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_preview_of_noise_has_at_most_300_kb(kind: str) -> None:
    noise = Image.effect_noise((1500, 1500), 120).convert("RGB")

    assert len(preview(coded(noise, kind)).content) <= 300_000


@pytest.mark.parametrize("max_bytes", [2_000_000, 300_000, 60_000])
def test_coloured_noise_nearly_fills_the_bytes_of_its_jpeg(max_bytes: int) -> None:
    noise = Image.frombytes("RGB", (1024, 700), random.Random(1).randbytes(1024 * 700 * 3))

    content, _ = as_jpeg(reduced(coded(noise, quality=98), 1024), max_bytes)
    assert min(max_bytes, 900_000) * 0.6 < len(content) <= max_bytes


def test_a_picture_that_cannot_be_small_enough_is_refused() -> None:
    with pytest.raises(FileRefusedError, match="fits into 100 bytes"):
        as_jpeg(quartered(400, 300), 100)


def test_a_preview_tells_no_metadata() -> None:
    assert b"SECRET" not in preview(coded(quartered(), exif=revealing_exif())).content


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "YCbCr"])
def test_colours_of_a_jpeg_stay_what_they_are(mode: str) -> None:
    assert corners(preview(coded(quartered().convert(mode)))) == TURNED[1]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_colours_of_other_pictures_stay_what_they_are(mode: str, kind: str) -> None:
    assert corners(preview(coded(quartered().convert(mode), kind))) == TURNED[1]


@pytest.mark.parametrize("level", [0, 1_000, 32_768, 65_535])
def test_16_bits_of_grey_are_scaled_and_not_cut_off(level: int) -> None:
    seen = shown(preview(coded(Image.new("I;16", (32, 32), level), "PNG")))

    assert abs(seen.convert("L").getpixel((16, 16)) - level / 257) < 2  # type: ignore[operator]


def test_16_bits_a_colour_are_shown() -> None:
    seen = preview(png_of_zeros(8, 8, bits=16, colour=2, pixel_bytes=8 * 49))

    assert shown(seen).getpixel((4, 4)) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_a_moving_picture_is_shown(kind: str) -> None:
    content = coded(quartered(), kind, save_all=True, append_images=[Image.new("RGB", (64, 48), BLUE)])

    assert corners(preview(content)) == TURNED[1]


def cut_out() -> Image.Image:
    image = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((100, 0, 199, 99), fill=(*BLUE, 255))
    return image


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_shows_a_light_checkerboard(kind: str) -> None:
    seen = shown(preview(coded(cut_out(), kind, **({"lossless": True} if kind == "WEBP" else {}))))

    row = seen.convert("L").crop((0, 6, 96, 7)).tobytes()[6::12]
    assert all(abs(left - right) > 20 for left, right in pairwise(row))
    assert min(row) > 210


@pytest.mark.parametrize("mode", ["LA", "P"])
def test_transparency_of_grey_and_palette_pictures_is_seen(mode: str) -> None:
    image = cut_out().convert("LA") if mode == "LA" else cut_out().quantize()

    seen = shown(preview(coded(image, "PNG"))).convert("L")

    assert (seen.getpixel((6, 6)), seen.getpixel((18, 6))) == (224, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<html></html>",
        b"%PDF-1.4",
        coded(quartered())[:200],
        b"\xff\xd8\xff",
        coded(quartered(), "TIFF"),
    ],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(FileRefusedError):
        preview(content)


def tiles(count: int, *, after: bytes | None = None, before: bytes | None = None) -> list[Tile]:
    return [Tile(9_000 + number, f"car-{number}.jpg", "done", after, before) for number in range(count)]


def tokens(seen: Preview) -> float:
    """What hosts count for a picture."""
    return seen.width_px * seen.height_px / 750


NOISE = coded(Image.effect_noise((800, 600), 90).convert("RGB"))


@pytest.mark.parametrize("size_px", [(400, 300), (300, 400), (900, 500), (900, 200), (200, 900)])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 12])
def test_a_sheet_costs_less_than_2300_tokens(size_px: tuple[int, int], count: int) -> None:
    picture = coded(quartered(*size_px))

    assert tokens(contact_sheet(tiles(count, after=picture, before=picture))) < 2_300


@pytest.mark.long
def test_a_batch_of_40_costs_less_than_9000_tokens() -> None:
    sheets = [contact_sheet(tiles(count, after=NOISE, before=NOISE)) for count in (12, 12, 12, 4)]

    assert sum(map(tokens, sheets)) < 9_000


def test_a_sheet_of_noise_stays_below_a_megabyte_of_base64() -> None:
    assert len(contact_sheet(tiles(12, after=NOISE, before=NOISE)).content) * 4 / 3 < 1_000_000


def area_of(seen: Preview, colour: tuple[int, int, int]) -> int:
    """How many pixels of a sheet have about this colour."""
    difference = ImageChops.difference(shown(seen), Image.new("RGB", (seen.width_px, seen.height_px), colour))
    return sum(difference.convert("L").histogram()[:8])


def test_the_original_stands_beside_the_result_and_is_smaller() -> None:
    original, result = (coded(Image.new("RGB", (800, 600), colour)) for colour in (RED, BLUE))
    seen = contact_sheet(tiles(2, after=result, before=original))

    assert 0.2 < area_of(seen, RED) / area_of(seen, BLUE) < 0.5


def test_a_result_without_its_original_stands_where_the_others_stand() -> None:
    result, original = (coded(Image.new("RGB", (800, 600), colour)) for colour in (BLUE, RED))
    one, other = (
        Tile(number, "a.jpg", "done", result, before) for number, before in enumerate((original, None))
    )
    sheet = shown(contact_sheet([one, other]))

    lower = sheet.height // 2
    assert nearest(sheet.getpixel((sheet.width // 4, lower + 80))) != RED  # type: ignore[arg-type]
    assert nearest(sheet.getpixel((sheet.width * 3 // 4, lower + 80))) == BLUE  # type: ignore[arg-type]


def test_results_are_as_large_without_originals_as_the_sheet_allows() -> None:
    result = coded(Image.new("RGB", (400, 300), BLUE))

    assert area_of(contact_sheet(tiles(12, after=result)), BLUE) > 12 * 300 * 225


@pytest.mark.parametrize("state", ["failed", "pending", "done"])
def test_a_tile_without_a_result_says_so(state: str) -> None:
    one = contact_sheet([Tile(1, "a.jpg", state)])  # type: ignore[arg-type]
    others = [contact_sheet([Tile(1, "a.jpg", other)]) for other in {"failed", "pending", "done"} - {state}]  # type: ignore[arg-type]

    assert one.content not in {other.content for other in others}


def test_a_damaged_result_does_not_spoil_the_sheet() -> None:
    damaged = contact_sheet(tiles(2, after=NOISE[:1000]))

    assert damaged.content == contact_sheet(tiles(2)).content


@pytest.mark.parametrize("name", ["", "x" * 500, "Größe.jpg", "車.jpg", "a\nb\u202e.jpg", "\U0001f697"])
def test_any_name_can_be_drawn(name: str) -> None:
    tall = coded(quartered(200, 900))

    assert contact_sheet([Tile("W" * 30, name, "pending", tall)] * 12).height_px > 500


def test_a_second_page_continues_the_numbers_of_the_first() -> None:
    assert contact_sheet(tiles(1)).content != contact_sheet(tiles(1), first_number=13).content


@pytest.mark.parametrize("count", [0, 13])
def test_a_sheet_shows_one_to_twelve_pictures(count: int) -> None:
    with pytest.raises(ValueError, match=f"not {count}"):
        contact_sheet(tiles(count))
