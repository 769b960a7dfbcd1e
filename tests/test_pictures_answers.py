"""Pictures in answers: out of archives, and told from the originals."""

import io

import pytest
from pictures_drawn import coded, quartered, revealing_exif, zipped
from PIL import Image, ImageDraw

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.archive import files_in, pictures_in
from autobg_mcp.pictures.compare import same_picture

CAR = coded(quartered())


def test_the_pictures_of_an_archive_come_out_with_safe_names() -> None:
    content = zipped(
        {"cars/": b"", "cars/1.jpg": CAR, "../../etc/2.jpg": CAR, "C:\\3.jpg": CAR, "list.txt": b"1, 2, 3"}
    )

    assert list(pictures_in(content)) == [("1.jpg", CAR), ("2.jpg", CAR), ("C_3.jpg", CAR)]


TOO_MUCH = {
    "too many files": (zipped({f"{number}.jpg": CAR for number in range(9)}), "more than 8 files"),
    "a file too large": (zipped({"1.jpg": CAR * 40}), "unpacks to too much"),
    "files too large together": (
        zipped({f"{number}.jpg": CAR * 8 for number in range(8)}),
        "unpacks to too much",
    ),
}

BOMBS = {
    "another archive": (zipped({"1.zip": zipped({"1.jpg": CAR})}), "another archive"),
    "another archive by a picture's name": (zipped({"1.jpg": zipped({"1.jpg": CAR})}), "another archive"),
    "no archive": (b"PK\x03\x04" + bytes(100), "damaged"),
    "an archive that is cut off": (zipped({"1.jpg": CAR})[:-30], "damaged"),
    "an encrypted archive": (
        zipped({"1.jpg": CAR}).replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"),
        "encrypted",
    ),
    "a damaged file": (zipped({"1.jpg": CAR}).replace(CAR[20:21], b"\xee", 9), "damaged"),
}


@pytest.mark.parametrize(("content", "reason"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_an_archive_beyond_its_bounds_is_refused(content: bytes, reason: str) -> None:
    most = len(CAR)
    with pytest.raises(FileRefusedError, match=reason):
        list(files_in(content, max_entries=8, max_entry_bytes=30 * most, max_bytes=60 * most, max_growth=100))


@pytest.mark.parametrize(("content", "reason"), BOMBS.values(), ids=BOMBS)
def test_a_dangerous_archive_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(FileRefusedError, match=reason):
        list(pictures_in(content))


def test_a_file_that_grows_as_no_picture_does_is_refused() -> None:
    with pytest.raises(FileRefusedError, match="unpacks to too much"):
        list(pictures_in(zipped({"1.jpg": CAR + bytes(30_000_000)})))


def car(
    *, background: str = "gray", plate: str = "white", size_px: tuple[int, int] = (640, 480)
) -> Image.Image:
    image = Image.effect_noise((640, 480), 60).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 640, 120), fill=background)
    draw.ellipse((100, 150, 540, 420), fill="navy")
    draw.rectangle((280, 340, 360, 360), fill=plate)
    return image.resize(size_px)


ORIGINAL = coded(car(), quality=95)
THE_SAME = {
    "itself": ORIGINAL,
    "coded again": coded(Image.open(io.BytesIO(ORIGINAL)), quality=60),
    "another format": coded(Image.open(io.BytesIO(ORIGINAL)), "WEBP", quality=70),
    "a smaller copy": coded(Image.open(io.BytesIO(ORIGINAL)).resize((320, 240)), quality=90),
    "another orientation of the same pixels": coded(
        Image.open(io.BytesIO(ORIGINAL)).transpose(Image.Transpose.ROTATE_90),
        exif=revealing_exif(6),
        quality=90,
    ),
}
OTHERS = {
    "a new background": coded(car(background="white")),
    "a covered plate": coded(car(plate="black")),
    "a mirrored copy": coded(car(plate="white").transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
    "another shape": coded(car(size_px=(640, 400))),
    "turned by its orientation": coded(car(), exif=revealing_exif(6)),
    "cut out": coded(Image.merge("RGBA", (*car().split(), Image.new("L", (640, 480), 90))), "PNG"),
}


@pytest.mark.parametrize("copy", THE_SAME.values(), ids=THE_SAME)
def test_a_copy_is_the_same_picture(copy: bytes) -> None:
    assert same_picture(ORIGINAL, copy)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_processed_picture_is_another(other: bytes) -> None:
    assert not same_picture(ORIGINAL, other)


def test_what_is_no_picture_cannot_be_compared() -> None:
    with pytest.raises(FileRefusedError):
        same_picture(CAR, b"text")
