"""What becomes an upload, what is refused and why, and what an upload no longer tells."""

import hashlib
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures_drawn import PROFILE, coded, png_chunk, png_of_zeros, quartered, revealing_exif, zipped
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.originals import read_original
from autobg_mcp.pictures.intake import Photo, take_in
from autobg_mcp.pictures.pieces import NoPictureError
from autobg_mcp.pictures.preview import preview

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
XMP = b"<x:xmpmeta><exif:GPSLatitude>SECRET-PLACE</exif:GPSLatitude></x:xmpmeta>"

Take = Callable[..., Photo]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Writes bytes into a file inside the fence and takes that in."""

    def taken(content: bytes, name: str = "car.jpg", **options: object) -> Photo:
        (tmp_path / name).write_bytes(content)
        return take_in(name, read_original(Fence([tmp_path]), tmp_path / name), **options)  # type: ignore[arg-type]

    return taken


def heic(image: Image.Image) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file)
    return file.getvalue()


def revealing(kind: str) -> bytes:
    """A photo that says where and with what it was taken in every way its format knows."""
    options: dict[str, object] = {"exif": revealing_exif(), "icc_profile": PROFILE}
    if kind == "PNG":
        options["pnginfo"] = texts = PngInfo()
        texts.add_text("Author", "SECRET-NAME")
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=False)
    else:
        options["xmp"] = XMP
    content = coded(quartered(), kind, **options)
    if kind == "JPEG":
        told = b"".join(b"\xff" + bytes((mark, 0, 13)) + b"SECRET-NAME" for mark in (0xED, 0xFE, 0xEF))
        content = content[:2] + told + content[2:]
    return content


def sent_size_px(photo: Photo) -> tuple[int, int]:
    """Width and height as they are stored in what is uploaded."""
    with Image.open(io.BytesIO(photo.content)) as sent:
        return sent.size


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_known_by_its_bytes(kind: str, take: Take) -> None:
    photo = take(coded(quartered(), kind), "car.bin")

    assert (photo.mime, sent_size_px(photo)) == (KINDS[kind], (64, 48))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [True, False])
def test_a_photo_is_told_from_others_by_what_is_sent_without_metadata(
    kind: str, kept: bool, take: Take
) -> None:
    photo = take(revealing(kind), keep_metadata=kept)

    assert photo.sha256 == hashlib.sha256(take(revealing(kind)).content).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_an_upload_does_not_tell_place_maker_or_author(kind: str, take: Take) -> None:
    content = revealing(kind)
    assert b"SECRET" in content

    assert b"SECRET" not in take(content).content


@pytest.mark.parametrize("kind", KINDS)
def test_removing_metadata_leaves_every_pixel(kind: str, take: Take) -> None:
    before, after = (
        Image.open(io.BytesIO(each)) for each in (revealing(kind), take(revealing(kind)).content)
    )

    assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_removing_metadata_leaves_orientation_and_colour_profile_alone(kind: str, take: Take) -> None:
    with Image.open(io.BytesIO(take(revealing(kind)).content)) as after:
        after.load()

        assert (dict(after.getexif()), after.info["icc_profile"]) == ({0x0112: 6}, PROFILE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_survives(kind: str, orientation: int, take: Take) -> None:
    content = coded(quartered(), kind, exif=revealing_exif(orientation))

    before, after = preview(content), preview(take(content).content)

    assert after == before


def test_what_follows_a_photo_is_left_out(take: Take) -> None:
    second = coded(quartered(), exif=revealing_exif())

    assert take(coded(quartered()) + second + b"SECRET").content == coded(quartered())


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_is_kept_when_asked_for(kind: str, take: Take) -> None:
    assert take(revealing(kind), keep_metadata=True).content == revealing(kind)


def test_a_big_endian_orientation_is_understood(take: Take) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x08\0\0\0\0\0\0"
    photo = take(coded(quartered(), exif=exif))

    assert Image.open(io.BytesIO(photo.content)).getexif()[0x0112] == 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
def test_a_broken_exif_block_is_dropped(exif: bytes, take: Take) -> None:
    assert take(coded(quartered(), exif=exif)).content == coded(quartered())


@pytest.mark.parametrize("image", ["CMYK", "L", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_kind_of_jpeg_is_taken(image: str, progressive: bool, take: Take) -> None:
    content = coded(quartered().convert(image), progressive=progressive)

    assert take(content).content == content


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(mode: str, take: Take) -> None:
    image = Image.new("I;16", (64, 48), 40_000) if mode == "I;16" else quartered().convert(mode)

    assert take(coded(image, "PNG")).mime == "image/png"


def test_an_interlaced_png_is_taken(take: Take) -> None:
    assert sent_size_px(take(png_of_zeros(8, 8, interlaced=True, pixel_bytes=79)))[0] == 8


def test_a_png_that_lacks_a_row_is_refused(take: Take) -> None:
    with pytest.raises(FileRefusedError, match="truncated"):
        take(png_of_zeros(8, 8, bits=16, colour=2, pixel_bytes=8 * 49 - 1))


def test_a_photo_of_12000_px_is_taken(take: Take) -> None:
    assert sent_size_px(take(coded(Image.new("L", (12_000, 2_000), 128))))[0] == 12_000


def test_a_progressive_photo_that_would_fill_the_memory_is_taken_by_its_structure(take: Take) -> None:
    photo = take(coded(Image.new("L", (6_000, 4_000), 128), progressive=True))

    assert sent_size_px(photo) == (6_000, 4_000)


def test_a_heic_photo_becomes_a_jpeg(take: Take) -> None:
    photo = take(heic(quartered()), "IMG_1.HEIC")

    assert (photo.name, photo.mime, sent_size_px(photo)) == ("IMG_1.jpg", "image/jpeg", (64, 48))


def test_a_heic_photo_keeps_its_colours(take: Take) -> None:
    with Image.open(io.BytesIO(take(heic(quartered())).content)) as after:
        red, green, blue = after.getpixel((8, 8))  # type: ignore[misc]

    assert red > 190
    assert green < 60
    assert blue < 60


def test_a_heic_photo_keeps_its_metadata_only_when_asked_for(take: Take) -> None:
    file = io.BytesIO()
    pillow_heif.from_pillow(quartered()).save(file, exif=revealing_exif(1).tobytes())

    told = [b"SECRET" in take(file.getvalue(), keep_metadata=kept).content for kept in (False, True)]

    assert told == [False, True]


def test_a_heic_photo_without_the_extra_is_refused_with_advice(
    take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(FileRefusedError, match="HEIC is not installed") as refused:
        take(heic(quartered()))

    assert f"{sys.executable} -m pip install 'autobg-mcp[heic]'" in refused.value.next_step


NOT_PHOTOS = {
    "an empty file": (b"", "is empty"),
    "a private key": (b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n", "holds text/plain"),
    "settings": (b"AUTOBG_API_KEY=abc\n", "holds text/plain"),
    "a list of passwords": (b"user,password\nann,secret\n", "holds text/csv"),
    "JSON": (b'{"token": "abc"}', "holds application/json"),
    "a web page": (b"<!doctype html><p>", "holds text/html"),
    "a drawing": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "holds text/html"),
    "a PDF": (b"%PDF-1.7\n", "holds application/pdf"),
    "a zip": (zipped({"car.jpg": b"x"}), "holds application/zip"),
    "zeros": (bytes(1000), "no known kind"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100), "no known kind"),
    "a GIF": (coded(quartered(), "GIF"), "holds image/gif"),
    "a TIFF": (coded(quartered(), "TIFF"), "holds image/tiff"),
    "a BMP": (coded(quartered(), "BMP"), "holds image/bmp"),
    "an AVIF": (coded(quartered(), "AVIF"), "holds image/avif"),
    "a film": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "no known kind"),
    "a JPEG's first bytes before a key": (b"\xff\xd8\xff\xe0-----BEGIN PRIVATE KEY-----", "damaged"),
    "a PNG's first bytes before a key": (b"\x89PNG\r\n\x1a\n-----BEGIN PRIVATE KEY-----", "damaged"),
    "a WebP's first bytes before a key": (b"RIFF\x20\0\0\0WEBP-----BEGIN PRIVATE KEY-----", "damaged"),
    "a HEIC's first bytes before a key": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic-----BEGIN", "damaged"),
    "a PNG without pixels": (png_of_zeros(8, 8, pixel_bytes=0), "damaged or cut off"),
    "a PNG that claims to be huge": (png_of_zeros(60_000, 60_000, pixel_bytes=9), "60000 x 60000 pixels"),
    "an animated WebP": (
        coded(quartered(), "WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48))]),
        "animated",
    ),
    "an animated PNG": (
        coded(quartered(), "PNG", save_all=True, append_images=[Image.new("RGB", (64, 48))]),
        "animated",
    ),
}


@pytest.mark.parametrize(("content", "reason"), NOT_PHOTOS.values(), ids=NOT_PHOTOS)
def test_what_is_no_photo_is_refused_with_the_reason(content: bytes, reason: str, take: Take) -> None:
    with pytest.raises(FileRefusedError, match=reason) as refused:
        take(content, "holiday.jpg")

    assert "“holiday.jpg”" in str(refused.value)


@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("kind", [*KINDS, "HEIC"])
def test_a_photo_that_is_cut_off_is_refused(kind: str, tenths: int, take: Take) -> None:
    noise = Image.effect_noise((200, 150), 60).convert("RGB")
    content = heic(noise) if kind == "HEIC" else coded(noise, kind)

    with pytest.raises(FileRefusedError):
        take(content[: len(content) * tenths // 10])


def test_a_jpeg_with_an_attackers_number_of_scans_is_refused(take: Take) -> None:
    content = coded(quartered(), progressive=True)
    scan = content[content.rindex(b"\xff\xda") : -2]

    with pytest.raises(FileRefusedError, match="310 scans"):
        take(content[:-2] + scan * 300 + b"\xff\xd9")


def test_a_jpeg_may_be_filled_between_its_segments(take: Take) -> None:
    content = coded(quartered())
    filled = content[:-2] + b"\xff\xff" + content[-2:]

    assert sent_size_px(take(filled[:2] + b"\xff" + filled[2:]))[0] == 64


def test_a_jpeg_that_is_whole_but_cannot_be_decoded_is_refused(take: Take) -> None:
    content = bytearray(coded(quartered()))
    tables = content.index(b"\xff\xc4") + 5
    content[tables : tables + 16] = b"\xff" * 16

    with pytest.raises(FileRefusedError, match="damaged"):
        take(bytes(content))


def test_a_webp_that_is_whole_but_cannot_be_decoded_is_refused(take: Take) -> None:
    content = bytearray(coded(Image.effect_noise((64, 64), 90).convert("RGB"), "WEBP"))
    content[40:] = b"\xff" * len(content[40:])

    with pytest.raises(FileRefusedError, match="damaged"):
        take(bytes(content))


@pytest.mark.parametrize(("orientation", "flagged"), [(1, False), (6, True)])
def test_a_webp_says_of_itself_whether_it_has_metadata(orientation: int, flagged: bool, take: Take) -> None:
    flags = take(
        coded(quartered(), "WEBP", exif=revealing_exif(orientation), xmp=XMP, icc_profile=PROFILE)
    ).content[20]

    assert (bool(flags & 0x08), bool(flags & 0x04), bool(flags & 0x20)) == (flagged, False, True)


PNG = coded(quartered(), "PNG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PNG.replace(b"IDAT", b"IDAZ"), "checksum"),
        (PNG[:8] + png_chunk(b"tEXt", b"a\0b") + PNG[8:], "does not start with its header"),
        (PNG[:33] + png_chunk(b"IDAT", b"no zlib") + PNG[33:], "broken data stream"),
        (PNG[:33] + png_chunk(b"IEND", b""), "cannot load this image"),
        (PNG[:-1], "cut off"),
        (PNG[:-12], "cut off"),
    ],
)
def test_a_damaged_png_is_refused(content: bytes, reason: str, take: Take) -> None:
    with pytest.raises(FileRefusedError, match=reason):
        take(content)


def test_a_jpeg_that_claims_to_be_huge_is_refused(take: Take) -> None:
    content = coded(quartered()).replace(b"\x08\0\x30\0\x40\x03", b"\x08\xff\x00\xff\x00\x03")

    with pytest.raises(FileRefusedError, match="65280 x 65280 pixels"):
        take(content)


def test_a_photo_with_more_pixels_than_allowed_is_refused(take: Take) -> None:
    with pytest.raises(FileRefusedError, match="10001 x 10000 pixels, more than the 100,000,000"):
        take(coded(Image.new("1", (10_001, 10_000)), "PNG"))


def test_a_file_with_more_bytes_than_allowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "car.jpg").touch()
    os.truncate(tmp_path / "car.jpg", 64 * 2**20 + 1)

    with pytest.raises(FileRefusedError, match="has 67,108,865 bytes, more than the 67,108,864"):
        read_original(Fence([tmp_path]), tmp_path / "car.jpg")


def test_a_file_outside_the_fence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "car.jpg").write_bytes(coded(quartered()))

    with pytest.raises(FileRefusedError, match="AUTOBG_IMAGE_DIRS"):
        read_original(Fence([tmp_path / "photos"]), tmp_path / "car.jpg")


SMALL = [revealing(kind) for kind in KINDS] + [heic(quartered()), coded(quartered(), "GIF")]


DAMAGES = st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=4)), max_size=4)


@settings(deadline=None)  # the first HEIC picture loads its decoder
@given(content=st.sampled_from(SMALL), damages=DAMAGES)
def test_damaged_bytes_are_refused_or_taken_and_never_crash(
    content: bytes, damages: list[tuple[int, bytes]]
) -> None:
    for at, damage in damages:
        start = at % len(content)
        content = content[:start] + damage + content[start + len(damage) :]

    for look in (lambda: take_in("damaged.jpg", content), lambda: preview(content, local=True)):
        with suppress(FileRefusedError):
            look()


class FileNotReady(Fence):
    """A file on a disk that has nothing to read yet and, opened so as not to block, says so."""

    def open(self, path: Path) -> BinaryIO:  # noqa: ARG002  # stands for any file
        reading, self.writing = os.pipe()
        os.set_blocking(reading, False)
        return os.fdopen(reading, "rb")


def test_a_file_that_is_not_ready_to_be_read_is_refused(tmp_path: Path) -> None:
    fence = FileNotReady([tmp_path])
    with pytest.raises(
        FileRefusedError, match=r"“car\.jpg” cannot be read: Resource temporarily unavailable"
    ):
        read_original(fence, tmp_path / "car.jpg")
    os.close(fence.writing)


def test_want_of_memory_is_no_verdict_on_the_file(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImageFile, "load", no_memory)
    with pytest.raises(FileRefusedError, match="has no memory to decode the picture now") as refused:
        take(coded(quartered(), "PNG"))
    assert not isinstance(refused.value, NoPictureError)
