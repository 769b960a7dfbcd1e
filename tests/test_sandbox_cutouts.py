"""The sandbox cuts out the photos that ship with the package, and says of every other one that it cannot."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from readme_parts import ROOT
from sandbox_visitor import PLAIN, REPORT, UPLOAD, Visitor, picture

from autobg_mcp.sandbox import cutouts

pytestmark = pytest.mark.anyio

PHOTOS = sorted((ROOT / "examples" / "photos").glob("*.jpg"))
NAMES = [path.name for path in PHOTOS]
SIDE, REAR, FLAWED = "04-side-right.jpg", "06-rear.jpg", "03-front-right.jpg"
WALL = {"09-wheel.jpg": (60, 60), "10-headlight.jpg": (60, 60), "11-dashboard.jpg": (300, 220)}
SKY, CAR, PLATE, TAILGATE = (940, 100), (480, 400), (480, 388), (480, 430)  # spots of a 960 x 640 picture
LEFT_BEHIND, MIRROR = (200, 230), (636, 316)
GREEN = (0, 128, 0)

every_photo = pytest.mark.parametrize("name", NAMES)


def photo(name: str) -> Image.Image:
    return Image.open(ROOT / "examples" / "photos" / name).convert("RGB")


def encoded(image: Image.Image, quality: int = 90) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def apart(image: Image.Image, spot: tuple[int, int], wanted: tuple[int, int, int]) -> int:
    """How far a pixel is from a colour, of 255."""
    pixel = image.convert("RGB").getpixel(spot)
    assert isinstance(pixel, tuple)
    return max(abs(one - other) for one, other in zip(pixel, wanted, strict=True))


def colour(image: Image.Image, spot: tuple[int, int]) -> tuple[int, int, int]:
    red, green, blue = image.convert("RGB").getpixel(spot)  # type: ignore[misc]
    return red, green, blue


async def on_green(visitor: Visitor, content: bytes, **branding: bytes) -> Image.Image:
    """A photo on a template that is green all over and covers plates."""
    data = UPLOAD | {"templateCC": await visitor.template(**branding)}
    files = {"cc": ("car.jpg", content)}
    await visitor.post("/images/uploadWithTemplateCC", data=data, files=files)
    return await visitor.result()


def test_a_car_of_twelve_photos_ships_with_the_package() -> None:
    assert len(NAMES) == 12


@every_photo
async def test_every_photo_that_ships_is_cut_out(visitor: Visitor, name: str) -> None:
    result = await on_green(visitor, encoded(photo(name)))
    assert apart(result, WALL.get(name, SKY), GREEN) < 12
    assert apart(result, CAR, colour(photo(name), CAR)) < 20


@pytest.mark.parametrize("width_px", [480, 960, 1600])
@every_photo
async def test_a_photo_is_known_however_it_is_encoded(visitor: Visitor, name: str, width_px: int) -> None:
    small = photo(name).resize((width_px, width_px * 2 // 3), Image.Resampling.LANCZOS)
    result = await on_green(visitor, encoded(small, quality=40))
    assert apart(result.resize((960, 640)), WALL.get(name, SKY), GREEN) < 12


async def test_without_a_template_the_car_has_soft_edges_on_nothing(visitor: Visitor) -> None:
    files = {"cc": ("car.jpg", encoded(photo(SIDE)))}
    await visitor.post(PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files=files)
    alpha = (await visitor.result()).getchannel("A")
    edge = set(alpha.crop((0, 300, 960, 420)).tobytes())
    assert (alpha.getpixel(SKY), alpha.getpixel(CAR), len(edge - {0, 255}) > 8) == (0, 255, True)


async def test_a_car_throws_a_shadow_on_its_new_floor(visitor: Visitor) -> None:
    result = await on_green(visitor, encoded(photo(SIDE)))
    under, beside = colour(result, (480, 505)), colour(result, (60, 505))
    assert (under[1] < beside[1] - 40, apart(result, (60, 505), GREEN) < 12) == (True, True)


async def test_a_plate_is_covered_where_it_is(visitor: Visitor) -> None:
    result = await on_green(visitor, encoded(photo(REAR)))
    assert apart(result, PLATE, (255, 255, 255)) < 12
    assert apart(result, TAILGATE, colour(photo(REAR), TAILGATE)) < 20


async def test_a_plate_of_the_template_is_laid_over_it(visitor: Visitor) -> None:
    result = await on_green(
        visitor, encoded(photo(REAR)), numberPlate=picture("yellow", (520, 110), kind="PNG")
    )
    assert apart(result, PLATE, (255, 255, 0)) < 12


async def test_only_its_plate_is_changed_where_that_is_asked_for(visitor: Visitor) -> None:
    data = UPLOAD | {"numPlateProcessor": "1"}
    before = photo(REAR)
    await visitor.post("/images/replaceNumPlate-v3", data=data, files={"cc": ("car.jpg", encoded(before))})
    result = await visitor.result()
    assert apart(result, PLATE, (255, 255, 255)) < 12
    assert [apart(result, spot, colour(before, spot)) < 20 for spot in (SKY, CAR, TAILGATE)] == [True] * 3


async def test_one_first_attempt_has_a_flaw_that_is_gone_when_redone(visitor: Visitor) -> None:
    first = await on_green(visitor, encoded(photo(FLAWED)))
    await visitor.post("/images/reportImages", REPORT)
    second = await visitor.result()
    assert apart(first, LEFT_BEHIND, colour(photo(FLAWED), LEFT_BEHIND)) < 20
    assert apart(first, MIRROR, GREEN) < 12
    assert apart(second, LEFT_BEHIND, GREEN) < 12
    assert apart(second, MIRROR, colour(photo(FLAWED), MIRROR)) < 20


@every_photo
async def test_another_photo_lies_there_as_a_print_over_words(visitor: Visitor, name: str) -> None:
    other = photo(name).crop((12, 8, 948, 632))  # near enough to be taken for the one that ships
    result = (await on_green(visitor, encoded(other))).resize((960, 640))
    assert apart(result, SKY, GREEN) < 12
    assert apart(result, (217, 300), (255, 255, 255)) < 40  # the print's white edge
    assert apart(result, (480, 492), (26, 30, 38)) < 40  # the panel with the words


@pytest.mark.long
def test_the_scripts_that_draw_the_photos_draw_the_masks_that_ship(tmp_path: Path) -> None:
    drawn, shipped = tmp_path / "mask.png", Path(cutouts.__file__).with_suffix("") / "08-side-left.png"
    script = f"import draw_photos; draw_photos.mask('08-side-left').save({str(drawn)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT / "examples" / "drawing", check=True)
    with Image.open(drawn) as one, Image.open(shipped) as other:
        assert max(ImageChops.difference(one, other).tobytes()) <= 2
