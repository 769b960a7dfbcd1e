"""What makes a photo the same photo: what is sent of it without metadata, and so what is not paid twice."""

import io
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from conftest import Connect
from documented import structured
from mcp import Client as McpClient
from pictures_drawn import PROFILE, coded, png_chunk, png_with, quartered, revealing_exif
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from uploading import spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

Draw = Callable[[], bytes]
JPEG = coded(quartered())
JFIF_END = 20
XMP = b"<x:xmpmeta><dc:title>Car 7</dc:title></x:xmpmeta>"


def texts(**told: str) -> PngInfo:
    info = PngInfo()
    for name, text in told.items():
        info.add_text(name, text, zip=len(text) > 100)
    return info


def heic(make: str) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x010F] = make
    pillow_heif.from_pillow(quartered()).save(file, exif=exif.tobytes())
    return file.getvalue()


def write(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


EDITED: dict[str, tuple[Draw, Draw]] = {
    "EXIF added": (lambda: JPEG, lambda: coded(quartered(), exif=revealing_exif(1))),
    "EXIF in place of JFIF": (
        lambda: JPEG,
        lambda: JPEG[:2] + coded(quartered(), exif=revealing_exif(1))[JFIF_END:],
    ),
    "another maker": (
        lambda: coded(quartered(), exif=revealing_exif()),
        lambda: coded(quartered(), exif=revealing_exif().tobytes().replace(b"SECRET", b"PUBLIC")),
    ),
    "a comment": (lambda: coded(quartered(), comment="one"), lambda: coded(quartered(), comment="the other")),
    "XMP added": (lambda: JPEG, lambda: coded(quartered(), xmp=XMP)),
    "another resolution": (lambda: coded(quartered(), dpi=(72, 72)), lambda: coded(quartered(), dpi=(300, 300))),
    "something appended": (lambda: JPEG, lambda: JPEG + b"a maker's trailer"),
    "the orientation in XMP instead of EXIF": (
        lambda: coded(quartered(), exif=revealing_exif(6)),
        lambda: coded(quartered(), xmp=b'<rdf:Description tiff:Orientation="6"/>'),
    ),
    "texts of a PNG": (
        lambda: coded(quartered(), "PNG", pnginfo=texts(Author="Ann")),
        lambda: coded(quartered(), "PNG", pnginfo=texts(Author="Bob", Comment="seen " * 100)),
    ),
    "time and resolution of a PNG": (
        png_with,
        lambda: png_with(png_chunk(b"tIME", bytes(7)), png_chunk(b"pHYs", bytes(9))),
    ),
    "EXIF added to a PNG": (png_with, lambda: coded(quartered(), "PNG", exif=revealing_exif(1))),
    "EXIF and XMP added to a WebP": (
        lambda: coded(quartered(), "WEBP"),
        lambda: coded(quartered(), "WEBP", exif=revealing_exif(1), xmp=XMP),
    ),
    "EXIF added to a WebP without loss": (
        lambda: coded(quartered(), "WEBP", lossless=True),
        lambda: coded(quartered(), "WEBP", lossless=True, exif=revealing_exif(1)),
    ),
    "EXIF of a HEIC": (lambda: heic("Apple"), lambda: heic("Pear")),
}  # fmt: skip


@pytest.mark.parametrize("keep_metadata", ["0", "1"])
@pytest.mark.parametrize(("before", "after"), EDITED.values(), ids=EDITED)
async def test_a_photo_with_other_metadata_is_not_paid_again(
    before: Draw, after: Draw, keep_metadata: str, connect: Connect, world: World, car: Path
) -> None:
    assert before() != after()
    async with connect(keep_metadata=keep_metadata) as client:
        for draw in (before, after):
            result = structured(await upload(client, write(car, draw())))
    assert "not sent again" in str(result["note"])
    assert spent(world) == 1


async def test_a_photo_sent_with_its_metadata_is_not_paid_again_without_them(
    connect: Connect, world: World, car: Path
) -> None:
    write(car, coded(quartered(), exif=revealing_exif()))
    for keep_metadata in ("1", "0"):
        async with connect(keep_metadata=keep_metadata) as client:
            await upload(client, car)
    assert spent(world) == 1


DIFFERENT: dict[str, Draw] = {
    "turned": lambda: coded(quartered(), exif=revealing_exif(6)),
    "turned by XMP": lambda: coded(quartered(), xmp=b'<rdf:Description tiff:Orientation="6"/>'),
    "in other colours": lambda: coded(quartered(), icc_profile=PROFILE),
    "coded again": lambda: coded(quartered(), quality=76),
}


@pytest.mark.parametrize("draw", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize("keep_metadata", ["0", "1"])
async def test_a_photo_that_looks_different_is_another_photo(
    draw: Draw, keep_metadata: str, connect: Connect, world: World, car: Path
) -> None:
    async with connect(keep_metadata=keep_metadata) as client:
        for content in (JPEG, draw()):
            await upload(client, write(car, content))
    assert spent(world) == 2


async def test_copies_with_other_metadata_in_one_call_are_paid_once(
    client: McpClient, world: World, car: Path
) -> None:
    copy = write(car.with_name("copy.jpg"), coded(quartered(), exif=revealing_exif(1)))
    result = structured(await upload(client, write(car, JPEG), copy))
    assert "1 of 2 not sent again" in str(result["note"])
    assert spent(world) == 1
