"""Pictures that are made to fill memory or to hold up others: what decoding them takes is known before it begins."""

import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_pages import page, served
from pictures_drawn import (
    coded,
    exif_of_many_copies,
    gif_with,
    jpeg_of_scans,
    jpeg_with,
    png_chunk,
    png_of_zeros,
    png_with,
    quartered,
    webp_of_canvas,
)
from PIL import Image

MB = 2**20
Draw = Callable[[], bytes]
UPLOAD = ("uploadImagesWithTemplate", {"numberPlate": "V", "templateCC": "6", "processType": "ai"})
ACCEPTED = page(b'{"status": true, "data": {"batchID": 1, "images": [{"fileName": "x", "error": false}]}}')

SAVED: dict[str, tuple[Draw, str]] = {
    "webp-canvas": (lambda: webp_of_canvas(10_000, 10_000), "would take 1,526 MB of memory, more than the 512 MB"),
    "webp-widest": (lambda: webp_of_canvas(16_384, 16_384), "16384 x 16384 pixels"),
    "png-claims": (lambda: png_of_zeros(60_000, 60_000, pixel_bytes=9), "60000 x 60000 pixels"),
    "scans-of-12-mp": (lambda: jpeg_of_scans(180, 4000, 3000), "4000 x 3000 pixels in 180 scans"),
}  # fmt: skip
DAMAGED: dict[str, tuple[Draw, str]] = {
    "5006-scans": (lambda: jpeg_of_scans(5_006, 1600, 1200), "5006 scans"),
    "comments": (lambda: jpeg_with(b"\xff\xfe\0\2" * 200_000), "more than 50,000 pieces"),
    "tables": (lambda: jpeg_with(b"\xff\xc4\0\2" * 200_000), "more than 50,000 pieces"),
    "chunks": (lambda: png_with(png_chunk(b"tEXt", b"a\0b") * 100_000), "more than 50,000 pieces"),
    "unknown-chunks": (lambda: png_with(b"\0\0\0\0abcd\0\0\0\0" * 100_000), "more than 50,000 pieces"),
    "much-junk": (lambda: jpeg_with(b"\xff\0" * 5_000_000), "its segments do not lead"),
    "gif-comment": (lambda: gif_with(b"!\xfe" + b"\1a" * 200_000 + b"\0"), "more than 50,000 pieces"),
}  # fmt: skip
EXIF = b"\xff\xe1\xff\xff" + (b"Exif\0\0" + exif_of_many_copies(5_000, 60_000)).ljust(65_533)
SHOWN: dict[str, Draw] = {
    "jpeg-exif": lambda: jpeg_with(EXIF * 40),
    "png-exif": lambda: png_with(png_chunk(b"eXIf", exif_of_many_copies(60_000, 2_000_000).ljust(2_000_100))),
    "png-text": lambda: png_with(png_chunk(b"tEXt", b"a\0" + b"b" * MB) * 9),
    "png-exif-often": lambda: png_with(png_chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff") * 40_000),
    "png-profiles": lambda: png_with(
        png_chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(MB))) * 40_000
    ),
    "png-too-much": lambda: png_of_zeros(8, 8, pixel_bytes=64 * MB),
    "jpeg-junk": lambda: jpeg_with(b"\xff\0" * 500_000),
    "jpeg-fill": lambda: jpeg_with(b"\xff" * 900_000 + b"\0"),
    "one-bit": lambda: png_of_zeros(10_000, 10_000, bits=1, pixel_bytes=10_000 * 1_251),
    "12-mp": lambda: coded(quartered(4000, 3000)),
}
"""By name: odd and large, but nothing in it is dangerous to whoever reads no more than the pixels need."""


def call(pages: dict[str, bytes], calls: dict[str, list[Any]], folder: Path) -> dict[str, Any]:
    """Make calls in a process of its own, each to the page of its name."""
    command = [sys.executable, str(Path(__file__).with_name("measured_calls.py")), str(folder)]
    with served(pages) as address:
        asked = json.dumps([[name, f"{address}/{name}", *call] for name, call in calls.items()]).encode()
        done = subprocess.run(command, input=asked, capture_output=True, timeout=120, check=True)
    results: dict[str, Any] = json.loads(done.stdout)
    return results


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a model is told of each picture above, and what that took."""
    draws = {name: draw for name, (draw, _) in (SAVED | DAMAGED).items()} | SHOWN
    pages = {name: page(draw()) for name, draw in draws.items()}
    calls: dict[str, list[Any]] = {name: ["getImagesRaw", {"picID": 1}] for name in pages}
    return call(pages, calls, tmp_path_factory.mktemp("shown"))


@pytest.mark.parametrize("name", SAVED)
def test_a_result_that_takes_too_much_to_show_is_saved_and_the_reason_told(
    name: str, shown: dict[str, Any]
) -> None:
    assert not shown[name]["is_error"]
    assert "Saved as" in shown[name]["text"]
    assert SAVED[name][1] in shown[name]["text"].partition("not shown: ")[2]


@pytest.mark.parametrize("name", DAMAGED)
def test_a_picture_in_more_pieces_than_anything_writes_is_refused(name: str, shown: dict[str, Any]) -> None:
    assert shown[name]["is_error"]
    assert DAMAGED[name][1] in shown[name]["text"]


@pytest.mark.parametrize("name", SHOWN)
def test_what_only_looks_dangerous_is_shown(name: str, shown: dict[str, Any]) -> None:
    assert "shown here at" in shown[name]["text"]


@pytest.mark.parametrize("name", [*SAVED, *DAMAGED, *SHOWN])
def test_no_picture_fills_memory_or_holds_up_others(name: str, shown: dict[str, Any]) -> None:
    assert shown[name]["grown_bytes"] < 150 * MB
    assert shown[name]["took_s"] < 10
    assert shown[name]["longest_gap_s"] < 3


RESTARTS = b"".join(bytes((0xFF, kind)) for kind in range(0xD0, 0xD8))
SENT: dict[str, Draw] = {
    "restarts.jpg": lambda: coded(quartered())[:-2] + RESTARTS * 3_000_000 + b"\xff\xd9",
    "scans.jpg": lambda: jpeg_of_scans(100, 4000, 3000),
    "fine.jpg": lambda: coded(Image.new("RGB", (8000, 8000)), progressive=True, subsampling=0),
}
"""By name: large, and proved to lack nothing before they are sent, which takes a second look at all of their data."""


def test_proving_that_a_photo_is_whole_is_bounded_too(tmp_path: Path) -> None:
    tool, arguments = UPLOAD
    for name, draw in SENT.items():
        (tmp_path / name).write_bytes(draw())
    calls: dict[str, list[Any]] = {name: [tool, {**arguments, "images": [name]}] for name in SENT}
    for measured in call(dict.fromkeys(SENT, ACCEPTED), calls, tmp_path).values():
        assert measured["grown_bytes"] < 600 * MB
        assert measured["took_s"] < 20
        assert measured["longest_gap_s"] < 3


def test_four_uploads_at_once_take_the_memory_of_one(tmp_path: Path) -> None:
    Image.new("RGB", (3000, 3000), "red").save(tmp_path / "car.webp", method=0)
    tool, arguments = UPLOAD
    upload = [tool, {**arguments, "images": ["car.webp"]}]
    measured = call(
        {"one": ACCEPTED, "four": ACCEPTED}, {"one": [*upload, 1], "four": [*upload, 4]}, tmp_path
    )

    assert measured["one"]["grown_bytes"] > 16 * 9_000_000
    assert measured["four"]["grown_bytes"] < 1.3 * measured["one"]["grown_bytes"]
