"""Pictures on their way through tools: what leaves the machine, what a model sees, and which of the two it is."""

import base64
import hashlib
import io
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import received, seen, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult, ImageContent
from pictures_drawn import coded, png_chunk, png_of_zeros, quartered, revealing_exif
from PIL import Image, ImageChops
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from uploading import TOOL, photo_arguments, upload

from autobg_mcp.sandbox import RecordedRequest, SandboxOptions, World, build_sandbox

pytestmark = pytest.mark.anyio

VEHICLE = photo_arguments()
SHOWING = ("getImagesRaw", "getImagesBase64", "reviewBatch")
THE_ORIGINAL = "the original upload, not a processed picture"


def sent_picture(world: World, field: str = "cc") -> bytes:
    """The bytes of a file as the sandbox received them."""
    [request] = [request for request in world.requests if request.form]
    return part_of(request, field)


def part_of(request: RecordedRequest, field: str) -> bytes:
    boundary = request.content_type.partition("boundary=")[2].encode()
    [part] = [part for part in request.body.split(b"--" + boundary) if f'name="{field}"'.encode() in part]
    return part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def sent_names(world: World) -> list[str | None]:
    return [part.filename for request in world.requests for part in request.form if part.name == "cc"]


def pixels(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def half_a_jpeg() -> bytes:
    content = coded(Image.effect_noise((400, 300), 50))
    return content[: len(content) // 2] + b"\xff\xd9"


def png_of_a_wrong_filter() -> bytes:
    content = png_of_zeros(8, 2, pixel_bytes=0)
    rows = b"\0" + bytes(8) + b"\x09" + bytes(8)
    empty = png_chunk(b"IDAT", zlib.compress(b""))
    return content.replace(empty, png_chunk(b"IDAT", zlib.compress(rows)))


def draw_into(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def draw_revealing(folder: Path, kind: str = "JPEG") -> Path:
    """A photo that tells where it was taken and by which camera."""
    path = folder / f"revealing.{kind.lower()}"
    path.write_bytes(coded(quartered(800, 600), kind, exif=revealing_exif(6)))
    return path


@pytest.mark.parametrize("draw", [half_a_jpeg, png_of_a_wrong_filter])
async def test_what_no_decoder_makes_a_whole_picture_of_is_refused_before_anything_is_sent(
    draw: Callable[[], bytes], client: McpClient, world: World, car: Path
) -> None:
    draw_into(car, draw())

    result = await upload(client, car)

    assert "damaged or cut off" in text_of(result)
    assert "Credits spent: no" in text_of(result)
    assert not world.requests


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_place_and_serial_number_do_not_leave_the_machine(
    kind: str, client: McpClient, world: World, photos: Path
) -> None:
    path = draw_revealing(photos, kind)
    structured(await upload(client, path))
    sent = sent_picture(world)
    assert b"SECRET-SERIAL" in path.read_bytes()
    assert not Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)
    assert b"SECRET" not in sent


async def test_an_operator_can_keep_the_metadata(connect: Connect, world: World, photos: Path) -> None:
    path = draw_revealing(photos)
    async with connect(keep_metadata="1") as client:
        structured(await upload(client, path))
    assert sent_picture(world) == path.read_bytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_pixels_and_orientation_are_sent_as_they_are(
    kind: str, client: McpClient, world: World, photos: Path
) -> None:
    path = draw_revealing(photos, kind)
    structured(await upload(client, path))
    sent = sent_picture(world)
    assert ImageChops.difference(pixels(sent), pixels(path.read_bytes())).getbbox() is None
    assert Image.open(io.BytesIO(sent)).getexif()[0x0112] == 6


@pytest.mark.parametrize("field", ["brandLogo", "side", "numberPlate"])
async def test_metadata_of_branding_stays_at_home_too(
    field: str, client: McpClient, world: World, photos: Path
) -> None:
    arguments: dict[str, JsonValue] = {"name": "T", "background": "background.jpg", "numPlate": False}
    arguments |= {"frontRear": "background.jpg"} if field == "side" else {}
    structured(await client.call_tool("createTemplate", arguments | {field: str(draw_revealing(photos))}))
    assert b"SECRET" not in sent_picture(world, field)


NO_PICTURES = {
    "a key file": b"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n",
    "a key behind a picture's first bytes": b"\xff\xd8\xff\xe0AUTOBG_API_KEY=secret",
    "a database": b"SQLite format 3\0" + bytes(4096),
    "a cut-off picture": coded(quartered())[:-40],
    "an empty file": b"",
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES)
@pytest.mark.parametrize(
    ("tool", "field", "others"),
    [
        (TOOL, "images", VEHICLE),
        (
            "replaceNumPlate",
            "numPlateImage",
            VEHICLE | {"images": ["cars/car-1.jpg"], "numPlateProcessor": 2},
        ),
        ("createTemplate", "background", {"name": "T", "numPlate": False}),
        ("createTemplate", "brandLogo", {"name": "T", "numPlate": False, "background": "background.jpg"}),
    ],
)
async def test_a_file_that_is_no_picture_never_leaves_the_machine(
    tool: str,
    field: str,
    others: dict[str, JsonValue],
    content: bytes,
    client: McpClient,
    world: World,
    photos: Path,
) -> None:
    (photos / "holiday.jpg").write_bytes(content)
    result = await client.call_tool(tool, others | {field: "holiday.jpg"})
    assert result.is_error
    assert "“holiday.jpg” is" in text_of(result)
    assert not received(world, tool)
    assert b"secret" not in text_of(result).encode()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here opens and cannot be read")
async def test_a_photo_that_opens_and_cannot_be_read_costs_that_photo_alone(
    connect: Connect, world: World, photos: Path
) -> None:
    async with connect(image_dirs=(photos, Path("/proc/self"))) as client:
        result = structured(await upload(client, Path("/proc/self/mem"), photos / "cars"))
    assert "“mem” cannot be read: Input/output error." in str(result["notSubmitted"])
    assert len(sent_names(world)) == 3


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file here opens and cannot be read")
async def test_a_single_photo_that_cannot_be_read_is_told_with_what_to_do(
    connect: Connect, world: World
) -> None:
    async with connect(image_dirs=(Path("/proc/self"),)) as client:
        told = text_of(await upload(client, Path("/proc/self/mem")))
    assert "cannot be read" in told
    assert "Credits spent: no." in told
    assert "fetched from the cloud" in told
    assert not world.requests


def draw_heic(folder: Path) -> Path:
    from pillow_heif import from_pillow  # noqa: PLC0415 - loaded when it is tested

    path = folder / "phone.heic"
    from_pillow(quartered(800, 600)).save(path)
    return path


async def test_a_heic_photo_goes_out_as_jpeg(client: McpClient, world: World, photos: Path) -> None:
    structured(await upload(client, draw_heic(photos)))
    [part] = [part for part in received(world, TOOL)[-1].form if part.name == "cc"]
    assert (part.filename, part.content_type) == ("phone.jpg", "image/jpeg")
    assert pixels(sent_picture(world)).size == (800, 600)


async def test_without_the_extra_a_heic_photo_is_refused_with_advice(
    client: McpClient, world: World, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw_heic(photos)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    result = await upload(client, path)
    assert result.is_error
    assert f"{sys.executable} -m pip install 'autobg-mcp[heic]'" in text_of(result)
    assert not world.requests


class Results:
    """What getImagesRaw and getImagesBase64 answer."""

    def __init__(self) -> None:
        self.content = b""

    async def raw(self, _: Request) -> Response:
        return Response(self.content, media_type="text/plain")

    async def coded(self, _: Request) -> Response:
        return PlainTextResponse(base64.b64encode(self.content))


@pytest.fixture
def results() -> Results:
    return Results()


@pytest.fixture
def sandbox(results: Results, clock: Clock) -> Starlette:
    """The sandbox, except that a test may choose the picture that comes back."""
    inner = build_sandbox(SandboxOptions(turnaround_s=0), clock=clock, sleep=clock.sleep)
    images = "/public/api/v1/images"
    chosen = [
        Route(f"{images}/getImagesRaw", results.raw),
        Route(f"{images}/getImagesBase64", results.coded),
    ]
    app = Starlette(routes=[*chosen, Mount("/", inner)])
    app.state.world = inner.state.world
    return app


@pytest.fixture
async def batch_id(client: McpClient, photos: Path) -> str:
    """A batch of one photo that stands on its side."""
    return str(structured(await upload(client, draw_revealing(photos)))["batchID"])


async def show(host: McpClient, batch_id: str, tool: str = "getImagesRaw") -> CallToolResult:
    await host.call_tool("getImageStatus", {"batchID": batch_id})
    arguments = {"batchID": batch_id} if tool == "reviewBatch" else {"picID": 512251}
    result = await host.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    return result


@pytest.mark.parametrize("again", [{}, {"kind": "WEBP", "quality": 70}, {"quality": 60}])
@pytest.mark.parametrize("tool", SHOWING)
async def test_an_original_that_comes_back_is_called_so(
    tool: str, again: dict[str, object], client: McpClient, batch_id: str, results: Results, photos: Path
) -> None:
    original = (photos / "revealing.jpeg").read_bytes()
    upright = pixels(original).transpose(Image.Transpose.ROTATE_270)
    results.content = coded(upright, **again) if again else original  # type: ignore[arg-type]
    assert THE_ORIGINAL in text_of(await show(client, batch_id, tool))


@pytest.mark.parametrize("tool", SHOWING)
async def test_a_processed_picture_is_called_so(
    tool: str, client: McpClient, batch_id: str, results: Results
) -> None:
    results.content = coded(Image.new("RGB", (120, 160), "gray"))
    told = text_of(await show(client, batch_id, tool))
    assert "processed" in told
    assert THE_ORIGINAL not in told


@pytest.mark.parametrize("tool", SHOWING)
async def test_which_of_the_two_it_is_stays_open_where_the_original_was_replaced(
    tool: str, client: McpClient, batch_id: str, results: Results, photos: Path
) -> None:
    results.content = (photos / "revealing.jpeg").read_bytes()
    later_s = time.time() + 300
    os.utime(photos / "revealing.jpeg", (later_s, later_s))
    told = text_of(await show(client, batch_id, tool))
    assert THE_ORIGINAL not in told


@pytest.mark.parametrize("tool", SHOWING)
async def test_which_of_the_two_it_is_stays_open_where_the_original_is_gone(
    tool: str, client: McpClient, batch_id: str, results: Results, photos: Path
) -> None:
    results.content = (photos / "revealing.jpeg").read_bytes()
    (photos / "revealing.jpeg").unlink()
    told = text_of(await show(client, batch_id, tool))
    assert THE_ORIGINAL not in told
    assert "unknown whether processed or the original" in told or told.count(": done\n") == 1


@pytest.mark.parametrize(
    ("suffix", "told"), [("heic", "HEIC is decoded from local files only"), ("avif", "image/avif")]
)
@pytest.mark.parametrize("tool", SHOWING)
async def test_a_result_that_is_not_decoded_is_saved_and_named(
    tool: str,
    suffix: str,
    told: str,
    client: McpClient,
    batch_id: str,
    results: Results,
    photos: Path,
    tmp_path: Path,
) -> None:
    draw_heic(photos)
    results.content = (photos / "phone.heic").read_bytes() if suffix == "heic" else coded(quartered(), "AVIF")
    shown = await show(client, batch_id, tool)
    assert (tmp_path / "results" / batch_id / f"512251_revealing.{suffix}").read_bytes() == results.content
    assert f"not shown: {told}" in text_of(shown).replace("It holds ", "")


@pytest.mark.parametrize("tool", SHOWING)
async def test_a_heic_original_is_at_hand_to_compare_with(
    tool: str, client: McpClient, results: Results, photos: Path
) -> None:
    batch = str(structured(await upload(client, draw_heic(photos)))["batchID"])
    results.content = sent = coded(quartered(800, 600))
    assert THE_ORIGINAL in text_of(await show(client, batch, tool)), len(sent)


async def test_a_result_is_shown_upright(client: McpClient, batch_id: str, results: Results) -> None:
    results.content = coded(quartered(800, 600), exif=revealing_exif(6))
    assert seen(await show(client, batch_id)).size == (600, 800)


@pytest.mark.parametrize(("tool", "kind"), [(SHOWING[0], "PNG"), (SHOWING[1], "JPEG"), (SHOWING[0], "GIF")])
async def test_a_large_result_is_shown_in_at_most_1024_px_and_300_kb(
    tool: str, kind: str, client: McpClient, batch_id: str, results: Results
) -> None:
    results.content = coded(Image.effect_noise((1800, 1300), 120).convert("RGB"), kind)
    result = await show(client, batch_id, tool)
    [shown] = [content for content in result.content if isinstance(content, ImageContent)]
    assert len(base64.b64decode(shown.data)) <= 300_000
    assert 800 < max(seen(result).size) <= 1024


async def test_the_answer_tells_what_was_saved(
    client: McpClient, batch_id: str, results: Results, tmp_path: Path
) -> None:
    results.content = coded(Image.new("RGB", (120, 160), "gray"), "WEBP")
    told = text_of(await show(client, batch_id))
    path = tmp_path / "results" / batch_id / "512251_revealing.webp"
    assert path.read_bytes() == results.content
    digest, size_bytes = hashlib.sha256(results.content).hexdigest(), f"{len(results.content):,}"
    assert f"Saved as {path} (image/webp, 120x160 px, {size_bytes} bytes, sha256 {digest})" in told
