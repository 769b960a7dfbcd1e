"""Photos that every viewer opens although something in them is odd, and damage that only looks whole."""

import io
import re
import time
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pillow_heif
import pytest
from pictures_drawn import PROFILE, coded, jpeg_with, png_chunk, png_of_zeros, png_with, quartered
from PIL import Image, ImageChops

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.pictures.intake import Photo, take_in
from autobg_mcp.pictures.preview import preview

NOISE = Image.effect_noise((400, 300), 50).convert("RGB")
JPEG, PNG, WEBP = coded(NOISE), coded(quartered(), "PNG"), coded(quartered(), "WEBP")
MB = 2**20
XMP = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
XMP_ELEMENT = XMP.replace(b'="6"/>', b"/><tiff:Orientation>6</tiff:Orientation>")
TRAILER = b"SEFHk\0\0\0SECRET-PANORAMA" + bytes(300) + b"\xff\xd8\xff\xe1" + bytes(900)


def exif(orientation: int = 6) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def segment(kind: int, body: bytes) -> bytes:
    return b"\xff" + bytes((kind,)) + (len(body) + 2).to_bytes(2, "big") + body


def pixels(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def taken(content: bytes, name: str = "car.jpg") -> Photo:
    """What is sent of a photo; it opens."""
    photo = take_in(name, content)
    pixels(photo.content).load()
    return photo


def before(marker: bytes, stray: bytes) -> bytes:
    """A JPEG with stray bytes before a segment."""
    at = JPEG.index(marker)
    return JPEG[:at] + stray + JPEG[at:]


@pytest.mark.parametrize("stray", [b"\0", b"junk", b"\xff\0\xff\0", b"\xff\xff\xff", b"\xff\xd0"])
@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xda"])
def test_stray_bytes_between_the_segments_of_a_jpeg_are_left_out(stray: bytes, marker: bytes) -> None:
    assert taken(before(marker, stray)).content == JPEG


def test_stray_bytes_before_the_end_of_a_jpeg_change_nothing() -> None:
    photo = taken(JPEG[:-2] + b"\0\0\0" + JPEG[-2:])

    assert ImageChops.difference(pixels(photo.content), pixels(JPEG)).getbbox() is None


@pytest.mark.parametrize("trailer", [b"", TRAILER, TRAILER + JPEG, b"\0" * 70_000])
def test_a_whole_jpeg_without_an_end_is_sent_with_one_and_without_what_follows(trailer: bytes) -> None:
    photo = taken(JPEG[:-2] + trailer)

    assert ImageChops.difference(pixels(photo.content), pixels(JPEG)).getbbox() is None
    assert len(photo.content) < len(JPEG) + 16
    assert b"SECRET" not in photo.content


@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("end", [b"\xff\xd9", TRAILER, b"\xff\xd9" + TRAILER])
def test_a_jpeg_whose_lower_rows_are_missing_is_refused_whatever_stands_behind_it(
    tenths: int, end: bytes
) -> None:
    with pytest.raises(FileRefusedError, match="damaged or cut off"):
        taken(JPEG[: len(JPEG) * tenths // 10] + end)


def test_stray_bytes_behind_the_first_marker_of_a_jpeg_are_left_out() -> None:
    assert taken(JPEG[:2] + b"stray\0\xd8" + JPEG[2:]).content == JPEG


@pytest.mark.parametrize("fill", [b"\xff" * 900_000, b"\xff" * 900_000 + b"\0"])
def test_any_number_of_fill_bytes_takes_no_time(fill: bytes) -> None:
    began_s = time.thread_time()

    assert taken(JPEG[:2] + fill + JPEG[2:]).content == JPEG
    assert time.thread_time() - began_s < 10


def restarted(**options: Any) -> tuple[bytes, list[int]]:
    """A JPEG with a restart marker after every row of blocks, and where these are."""
    content = coded(NOISE, restart_marker_rows=1, **options)
    return content, [found.start() for found in re.finditer(rb"\xff[\xd0-\xd7]", content)]


def lacking_a_row() -> bytes:
    content, marks = restarted()
    return content[: marks[3]] + content[marks[4] :]


def lacking_eight_rows() -> bytes:
    content, marks = restarted()
    return content[: marks[3]] + content[marks[11] :]


def lacking_half_a_row() -> bytes:
    content, marks = restarted()
    return content[: (marks[3] + marks[4]) // 2] + content[marks[4] :]


LACKING: dict[str, Callable[[], bytes]] = {
    "a row": lacking_a_row,
    "eight rows": lacking_eight_rows,
    "half a row": lacking_half_a_row,
    "its restart markers": lambda: re.sub(rb"\xff[\xd0-\xd7]", b"", restarted()[0]),
    "its lower half, before a restart marker": lambda: JPEG[: len(JPEG) // 2] + b"\xff\xd0\xff\xd9",
}


@pytest.mark.parametrize("draw", LACKING.values(), ids=LACKING)
def test_a_jpeg_that_lacks_a_part_within_its_coded_data_is_refused(draw: Callable[[], bytes]) -> None:
    with pytest.raises(FileRefusedError, match="damaged"):
        taken(draw())


@pytest.mark.parametrize("tenths", range(1, 10))
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"quality": 95}])
def test_a_progressive_jpeg_that_is_cut_within_a_scan_is_refused(
    tenths: int, options: dict[str, Any]
) -> None:
    content = coded(NOISE, progressive=True, **options)

    with pytest.raises(FileRefusedError, match="cut off"):
        taken(content[: len(content) * tenths // 10] + b"\xff\xd9")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_whose_lower_half_is_plain_grey_is_sent(progressive: bool) -> None:
    image = NOISE.copy()
    image.paste((128, 128, 128), (0, 150, 400, 300))
    content = coded(image, progressive=progressive)

    assert taken(content).content == content


@pytest.mark.parametrize("options", [{}, {"restart_marker_blocks": 1}, {"restart_marker_rows": 2}])
@pytest.mark.parametrize("progressive", [False, True])
def test_restart_markers_are_no_reason_against_a_whole_jpeg(
    progressive: bool, options: dict[str, Any]
) -> None:
    content = coded(NOISE, progressive=progressive, **options)

    assert taken(content).content == content


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_rows": 1}])
def test_a_progressive_jpeg_with_its_first_scan_alone_is_refused(options: dict[str, Any]) -> None:
    content = coded(NOISE, progressive=True, **options)
    second = content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)

    with pytest.raises(FileRefusedError, match="scans are missing"):
        taken(content[:second] + b"\xff\xd9")


@pytest.mark.parametrize("size_px", [(1, 1), (7, 9), (16, 16), (123, 77)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(
    "options",
    [{"quality": 1}, {"quality": 100}, {"subsampling": 0}, {"restart_marker_rows": 1}, {"progressive": True}],
)
def test_every_row_of_a_whole_jpeg_is_found(
    size_px: tuple[int, int], mode: str, options: dict[str, Any]
) -> None:
    content = coded(NOISE.resize(size_px).convert(mode), **options)

    assert taken(content).content == content


PACKED = {
    "text": png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2 * MB))),
    "international text": png_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(2 * MB))),
    "colour profile": png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(PROFILE + bytes(2 * MB))),
    "XMP": png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(2 * MB))),
}


@pytest.mark.parametrize("chunk", PACKED.values(), ids=PACKED)
def test_more_than_a_megabyte_packed_into_a_png_is_no_reason_against_it(chunk: bytes) -> None:
    assert take_in("car.png", png_with(chunk)).mime == "image/png"
    assert preview(png_with(chunk)).width_px == 64


@pytest.mark.parametrize("kind", [b"tIME", b"pHYs", b"abCD", b"eXIf", b"gAMA"])
def test_a_wrong_checksum_where_no_decoder_must_look_costs_that_chunk_alone(kind: bytes) -> None:
    wrong = png_chunk(kind, bytes(9))[:-1] + b"?"

    assert taken(png_with(wrong)).content == PNG


def test_a_wrong_checksum_of_the_pixels_is_refused() -> None:
    with pytest.raises(FileRefusedError, match="checksum does not fit"):
        taken(PNG.replace(b"IDAT", b"IDAT\1", 1)[: len(PNG)])


@pytest.mark.parametrize("filtering", range(5, 256, 50))
def test_a_png_row_with_a_filter_that_does_not_exist_is_refused(filtering: int) -> None:
    rows = b"\0" + bytes(8) + bytes((filtering,)) + bytes(8)
    content = png_of_zeros(8, 2, pixel_bytes=0)
    empty = png_chunk(b"IDAT", zlib.compress(b""))

    with pytest.raises(FileRefusedError, match="damaged or cut off"):
        taken(content.replace(empty, png_chunk(b"IDAT", zlib.compress(rows))))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
"""First column and row of each pass over an interlaced PNG, and the steps to the next ones (PNG, section 8.1)."""


def interlaced(side_px: int, bits: int, colour: int, wrong_pass: int) -> bytes:
    """An interlaced PNG, the rows of one pass of which have a filter that does not exist; 0 for none."""
    samples, rows = {0: 1, 2: 3, 6: 4}[colour], b""
    for number, (left, top, right, down) in enumerate(ADAM7, 1):
        across, along = (-(-(side_px - first) // step) for first, step in ((left, right), (top, down)))
        row = bytes((9 if number == wrong_pass else 0,)) + bytes(-(-across * samples * bits // 8))
        rows += row * along
    content = png_of_zeros(side_px, side_px, bits=bits, colour=colour, interlaced=True, pixel_bytes=0)
    empty = png_chunk(b"IDAT", zlib.compress(b""))
    return content.replace(empty, png_chunk(b"IDAT", zlib.compress(rows)))


@pytest.mark.parametrize("wrong_pass", range(8))
@pytest.mark.parametrize(("bits", "colour"), [(1, 0), (8, 2), (16, 6)])
def test_a_filter_that_does_not_exist_is_found_in_every_pass_of_an_interlaced_png(
    wrong_pass: int, bits: int, colour: int
) -> None:
    content = interlaced(17, bits, colour, wrong_pass)

    with pytest.raises(FileRefusedError, match="damaged") if wrong_pass else nullcontext():
        taken(content)


@pytest.mark.parametrize("kind", [b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI"])
def test_a_chunk_of_colours_that_has_not_its_length_is_left_out(kind: bytes) -> None:
    assert taken(png_with(png_chunk(kind, b""))).content == PNG


def test_what_follows_the_end_of_a_png_is_left_out() -> None:
    assert taken(PNG + b"SECRET").content == PNG


def test_a_moving_png_of_one_frame_is_a_still_picture() -> None:
    still = png_with(png_chunk(b"acTL", bytes((0, 0, 0, 1, 0, 0, 0, 0))), png_chunk(b"fcTL", bytes(26)))

    assert taken(still).content == PNG


SIDEWAYS: dict[str, Callable[[], bytes]] = {
    "EXIF of a JPEG": lambda: coded(quartered(), exif=exif()),
    "XMP of a JPEG": lambda: jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
    "an element in the XMP of a JPEG": lambda: jpeg_with(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_ELEMENT)
    ),
    "EXIF of a WebP": lambda: coded(quartered(), "WEBP", exif=exif()),
    "XMP of a WebP": lambda: coded(quartered(), "WEBP", xmp=XMP),
    "EXIF of a PNG": lambda: coded(quartered(), "PNG", exif=exif()),
    "XMP of a PNG": lambda: png_with(png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    "packed XMP of a PNG": lambda: png_with(
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))
    ),
    "a raw profile of a PNG": lambda: png_with(
        png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  99\n" + exif().hex().encode())
    ),
    "a packed raw profile of a PNG": lambda: png_with(
        png_chunk(
            b"zTXt",
            b"Raw profile type APP1\0\0" + zlib.compress(b"\nAPP1\n  99\n" + exif().hex().encode() + b"\n"),
        )
    ),
    "a raw profile of a PNG that is XMP": lambda: png_with(
        png_chunk(b"tEXt", b"Raw profile type xmp\0\nxmp\n  99\n" + XMP.hex().encode())
    ),
    "a raw profile of a PNG that is APP1 and XMP": lambda: png_with(
        png_chunk(b"tEXt", b"Raw profile type APP1\0\nAPP1\n  99\n" + XMP.hex().encode())
    ),
}


@pytest.mark.parametrize("draw", SIDEWAYS.values(), ids=SIDEWAYS)
def test_wherever_the_orientation_stands_it_is_kept_and_shown(draw: Callable[[], bytes]) -> None:
    photo = taken(draw())

    assert Image.open(io.BytesIO(photo.content)).getexif()[0x0112] == 6
    assert (preview(photo.content).width_px, preview(draw()).width_px) == (48, 48)


def test_exif_is_believed_before_xmp() -> None:
    photo = taken(coded(quartered(), exif=exif(3), xmp=XMP))

    assert Image.open(io.BytesIO(photo.content)).getexif()[0x0112] == 3


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(quartered()).save(file)
    return file.getvalue()


NAMES = [
    ("IMG_1.HEIC", "JPEG", "IMG_1.jpg"),
    ("car.jpg", "WEBP", "car.webp"),
    ("car.webp", "PNG", "car.png"),
    ("car.jpeg", "PNG", "car.png"),
    ("car.PNG", "PNG", "car.PNG"),
    ("car.png", "WEBP", "car.webp"),
    ("car.heif", "JPEG", "car.jpg"),
    ("car.JPG", "JPEG", "car.JPG"),
    ("car.jpeg", "JPEG", "car.jpeg"),
    ("car.jfif", "JPEG", "car.jfif"),
    ("car", "PNG", "car.png"),
    ("AB.123", "JPEG", "AB.123.jpg"),
    (".jpg", "PNG", ".jpg.png"),
]


@pytest.mark.parametrize(("name", "kind", "sent_as"), NAMES)
def test_the_ending_of_the_name_fits_what_is_sent(name: str, kind: str, sent_as: str) -> None:
    assert taken(coded(quartered(), kind), name).name == sent_as


def test_a_converted_photo_is_named_as_what_it_has_become() -> None:
    assert taken(heic(), "front.heif").name == "front.jpg"
