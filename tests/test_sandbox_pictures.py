"""What the sandbox does to pictures, and in which forms it answers them."""

import base64
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image, ImageColor
from sandbox_visitor import PLAIN, UPLOAD, Visitor, picture

from autobg_mcp.sandbox import SandboxOptions

pytestmark = pytest.mark.anyio


async def test_without_a_template_the_corners_are_transparent_and_the_photo_is_not(visitor: Visitor) -> None:
    await visitor.upload()
    result = await visitor.result()
    alpha = result.getchannel("A")
    assert (result.format, alpha.getpixel((0, 0)), alpha.getpixel((200, 130))) == ("PNG", 0, 255)


def shows(image: Image.Image, spot: tuple[int, int], colour: str) -> bool:
    """Whether a pixel has a colour, give or take what JPEG does to it."""
    pixel, wanted = image.convert("RGB").getpixel(spot), ImageColor.getrgb(colour)
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, wanted, strict=True))


CORNER, CAR, PLATE, LOGO = (5, 5), (200, 130), (313, 247), (370, 30)  # spots of a 400 x 300 picture


async def test_with_a_template_the_photo_lies_on_its_background_where_the_car_would_stand(
    visitor: Visitor,
) -> None:
    template = await visitor.template()
    await visitor.upload(path="/images/uploadWithTemplateCC", templateCC=template)
    result = await visitor.result()
    assert result.format == "JPEG"
    assert [shows(result, CORNER, "green"), shows(result, CAR, "navy"), shows(result, PLATE, "white")] == [
        True
    ] * 3


async def test_a_template_draws_its_plate_and_its_logo(visitor: Visitor) -> None:
    template = await visitor.template(
        numberPlate=picture("yellow", (80, 24)), brandLogo=picture("red", (80, 80))
    )
    await visitor.upload(path="/images/uploadWithTemplateCC", templateCC=template)
    result = await visitor.result()
    assert [shows(result, PLATE, "yellow"), shows(result, LOGO, "red"), shows(result, (30, 30), "green")] == [
        True
    ] * 3


async def test_a_template_that_leaves_plates_alone_leaves_them(visitor: Visitor) -> None:
    data = {"name": "Bare", "numPlate": "false"}
    await visitor.post("/templates/create", data=data, files={"background": ("b.png", picture("green"))})
    await visitor.upload(path="/images/uploadWithTemplateCC", templateCC="136")
    assert not shows(await visitor.result(), PLATE, "white")


@pytest.mark.parametrize(
    ("name", "colour"), [("LeftSide.jpg", "purple"), ("Rear.jpg", "orange"), ("x.jpg", "green")]
)
async def test_a_template_has_backgrounds_for_sides_and_ends(
    visitor: Visitor, name: str, colour: str
) -> None:
    template = await visitor.template(side=picture("purple"), frontRear=picture("orange"))
    await visitor.upload(name, path="/images/uploadWithTemplateCC", templateCC=template)
    assert shows(await visitor.result(), CORNER, colour)


async def test_dynamic_branding_draws_the_logo_of_the_request(visitor: Visitor) -> None:
    data = UPLOAD | {"templateCC": await visitor.template(), "bAlignment": "TL"}
    files = {"cc": ("car.jpg", picture()), "anyName": ("logo.png", picture("red", (80, 80), "PNG"))}
    await visitor.post("/images/uploadWithTemplateCCDynamicBranding", data=data, files=files)
    assert shows(await visitor.result(), (30, 30), "red")


async def test_dynamic_branding_without_a_logo_keeps_the_templates(visitor: Visitor) -> None:
    template = await visitor.template(brandLogo=picture("red", (80, 80)))
    await visitor.upload(path="/images/uploadWithTemplateCCDynamicBranding", templateCC=template)
    assert shows(await visitor.result(), LOGO, "red")


async def test_a_library_backdrop_can_be_chosen(visitor: Visitor) -> None:
    library = (await visitor.get("/templates/library")).json()["data"]
    await visitor.upload(path="/images/uploadWithDefaultTemplateCC", templateCC=str(library[1]["templateID"]))
    assert (library[1]["templateName"], shows(await visitor.result(), CORNER, "#3C5A8C")) == (
        "Blue hour",
        True,
    )


@pytest.mark.parametrize(("processor", "colour"), [("0", "navy"), ("1", "white"), ("2", "yellow")])
async def test_plate_replacement_changes_the_plate_alone(
    visitor: Visitor, processor: str, colour: str
) -> None:
    data = UPLOAD | {"numPlateProcessor": processor}
    files = {"cc": ("car.jpg", picture()), "numPlateImage": ("plate.png", picture("yellow", (80, 24), "PNG"))}
    await visitor.post("/images/replaceNumPlate-v3", data=data, files=files)
    result = await visitor.result()
    assert [shows(result, PLATE, colour), shows(result, CORNER, "navy")] == [True, True]


@pytest.mark.parametrize(("processor", "is_covered"), [("0", False), ("1", True), ("2", False)])
async def test_an_upload_without_template_can_cover_the_plate(
    visitor: Visitor, processor: str, is_covered: bool
) -> None:
    await visitor.upload(numPlateProcessor=processor)
    assert shows(await visitor.result(), PLATE, "white") is is_covered


S3_ROUTES: list[tuple[str, dict[str, object], str]] = [
    ("/images/uploadWithoutTemplateCC-v2", {}, "PNG"),
    ("/images/uploadWithTemplateCC-v2", {"templateCC": "136"}, "JPEG"),
    (
        "/images/uploadWithTemplateCCDynamicBranding-v2",
        {"templateCC": 136, "logoUrl": "https://x/l.png"},
        "JPEG",
    ),
    ("/images/uploadWithTemplateCCDynamicBranding-v2", {"templateCC": "136"}, "JPEG"),
    (
        "/images/replaceNumPlateS3-v3",
        {"numPlateProcessor": 2, "numberPlateS3String": "s3://bucket/p.png"},
        "JPEG",
    ),
    ("/images/replaceNumPlateS3-v3", {"numPlateProcessor": 1}, "JPEG"),
]


@pytest.mark.parametrize(("path", "extra", "kind"), S3_ROUTES)
async def test_an_address_becomes_a_stand_in_car(
    visitor: Visitor, path: str, extra: dict[str, object], kind: str
) -> None:
    await visitor.template()
    addresses = [
        "https://bucket.example/cars/Front.jpg?sig=1",
        "ftp://bucket.example/b.jpg",
        "https://[broken/c.jpg",
    ]
    body = UPLOAD | {"clientS3Uris": addresses} | extra
    images = (await visitor.post(path, body)).json()["data"]["images"]
    assert [(image["fileName"], image["error"]) for image in images] == [
        ("Front.jpg", False),
        ("b.jpg", True),
        ("c.jpg", True),
    ]
    assert (await visitor.result()).format == kind


async def test_a_large_photo_comes_out_with_1600_px(visitor: Visitor) -> None:
    await visitor.post(
        PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files={"cc": ("a.jpg", picture(size=(4000, 3000)))}
    )
    assert (await visitor.result()).size == (1600, 1200)


async def test_a_photo_taken_upright_comes_out_upright(visitor: Visitor) -> None:
    exif, out = Image.Exif(), BytesIO()
    exif[0x0112] = 6  # orientation: turn a quarter clockwise to show
    Image.new("RGB", (400, 300)).save(out, "JPEG", exif=exif)
    await visitor.post(
        PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files={"cc": ("a.jpg", out.getvalue())}
    )
    assert (await visitor.result()).size == (300, 400)


async def test_results_are_forgotten_when_there_are_too_many(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobg_mcp.sandbox.world.RENDERED_BYTES", 1)
    await visitor.upload("a.jpg", "b.jpg")
    sizes = [(await visitor.result(picture_id)).size for picture_id in (512251, 512252, 512251)]
    assert (sizes, len(visitor.world._rendered)) == ([(400, 300)] * 3, 1)


async def zip_pictures(answer: httpx.Response, _: Visitor) -> list[bytes]:
    package = ZipFile(BytesIO(answer.content))
    return [package.read(name) for name in package.namelist()]


async def base64_pictures(answer: httpx.Response, _: Visitor) -> list[bytes]:
    return [base64.b64decode(entry["base64"]) for entry in answer.json()["data"]]


async def linked_pictures(answer: httpx.Response, visitor: Visitor) -> list[bytes]:
    data = answer.json()["data"]
    links = list(data.values()) if isinstance(data, dict) else [entry["url"] for entry in data]
    return [(await visitor.get(link, key="")).content for link in links]


FORMS = {"zip": zip_pictures, "base64": base64_pictures, "links": linked_pictures, "map": linked_pictures}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", [{"picIDs": ["512251", "512252"]}, {"batchID": "1206"}])
async def test_downloads_hold_the_pictures_in_every_form(form: Any, body: dict[str, object]) -> None:
    visitor = Visitor(SandboxOptions(turnaround_s=0, download_form=form))
    await visitor.upload("a.jpg", "b.jpg")
    raw = [
        (await visitor.get("/images/getImagesRaw", picID=picture_id)).content
        for picture_id in (512251, 512252)
    ]
    assert await FORMS[form](await visitor.post("/images/downloadImages-v2", body), visitor) == raw


async def test_a_guessed_download_link_leads_nowhere(visitor: Visitor) -> None:
    await visitor.upload()
    assert (await visitor.get("http://sandbox/_sandbox/pictures/512251/guess")).status_code == 404
