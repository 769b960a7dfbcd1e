"""The sandbox, through httpx, as a client of the real API would meet it."""

import ast
import asyncio
import base64
import csv
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import httpx
import pytest
import uvicorn
from PIL import Image, ImageChops, ImageColor
from starlette.applications import Starlette

from autobg_mcp import sandbox
from autobg_mcp.sandbox import (
    BEHAVIOURS,
    ConnectionDropped,
    FailureKind,
    SandboxOptions,
    World,
    build_sandbox,
    exchanges,
)
from autobg_mcp.sandbox.app import PREFIX, endpoints
from autobg_mcp.sandbox.options import RateRule

pytestmark = pytest.mark.anyio
UPLOAD = {"numberPlate": "KA-01", "processType": "ai"}
PLAIN = "/images/uploadWithoutTemplateCC"
REPORT = {"picIDs": [512251], "reportReason": ["Bad clipping"], "reportComment": ""}


def picture(colour: str = "navy", size: tuple[int, int] = (400, 300), kind: str = "JPEG") -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@dataclass
class Visit:
    """A sandbox with a clock that the test turns."""

    options: SandboxOptions = field(default_factory=SandboxOptions)
    now_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app: Starlette = build_sandbox(self.options, clock=lambda: self.now_s, sleep=self._sleep)
        self.world: World = self.app.state.world
        self.world._opened_at = datetime(2026, 3, 31, 12, tzinfo=UTC)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def client(self, key: str = "key-a") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app)
        headers = {"Authorization": key} if key else {}
        return httpx.AsyncClient(transport=transport, base_url=f"http://sandbox{PREFIX}", headers=headers)

    async def post(self, path: str, body: object = None, key: str = "key-a", **rest: Any) -> httpx.Response:
        async with self.client(key) as client:
            return (
                await client.post(path, json=body, **rest)
                if body is not None
                else await client.post(path, **rest)
            )

    async def get(self, path: str, key: str = "key-a", **query: object) -> httpx.Response:
        async with self.client(key) as client:
            return await client.get(path, params={name: str(value) for name, value in query.items()})

    async def upload(
        self, *names: str, key: str = "key-a", path: str = PLAIN, **fields: str
    ) -> httpx.Response:
        files = [("cc", (name, picture())) for name in names or ("car.jpg",)]
        data = UPLOAD | ({"numPlateProcessor": "0"} if path == PLAIN else {}) | fields
        return await self.post(path, data=data, files=files, key=key)

    async def template(self, **files: bytes) -> str:
        sent = {
            name: (f"{name}.png", data) for name, data in ({"background": picture("green")} | files).items()
        }
        data = {"name": "Showroom", "numPlate": "true", "bAlignment": "TR"}
        return str((await self.post("/templates/create", data=data, files=sent)).json()["data"]["templateID"])

    async def result(self, picture_id: int = 512251) -> Image.Image:
        self.now_s += self.options.turnaround_s
        return opened((await self.get("/images/getImagesRaw", picID=picture_id)).content)


def message(answer: httpx.Response) -> str:
    body = answer.json()
    assert body["status"] is False
    return str(body["message"])


@pytest.fixture
def visit() -> Visit:
    return Visit()


# --- the life of a batch


async def test_an_upload_answers_with_a_batch_and_one_entry_per_file(visit: Visit) -> None:
    images = [{"fileName": name, "error": False, "errorMsg": ""} for name in ("a.jpg", "b.jpg")]
    answer = await visit.upload("a.jpg", "b.jpg")
    assert answer.json() == {
        "status": True,
        "message": "Date Processed",
        "data": {"batchID": 1206, "images": images},
    }


async def test_the_pictures_of_a_batch_come_out_one_after_another(visit: Visit) -> None:
    await visit.upload("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    done = []
    for now_s in (0.0, 1.4, 1.6, 1.8, 2.0):
        visit.now_s = now_s
        status = await visit.post("/images/imagesStatus", {"batchID": "1206"})
        done.append(sum(entry["isProcessed"] for entry in status.json()["data"]))
    assert done == [0, 1, 2, 3, 4]


async def test_a_status_names_pictures_by_id_and_file(visit: Visit) -> None:
    await visit.upload("a.jpg")
    entry = {"picID": 512251, "picName": "a.jpg", "isProcessed": False, "isFailed": False}
    assert (await visit.post("/images/imagesStatus", {"batchID": 1206})).json()["data"] == [entry]


async def test_a_picture_in_work_cannot_be_fetched(visit: Visit) -> None:
    await visit.upload()
    assert message(await visit.get("/images/getImagesRaw", picID=512251)) == "Image 512251 is not processed"


async def test_raw_and_base64_are_the_same_picture(visit: Visit) -> None:
    await visit.upload()
    visit.now_s = 2
    raw = await visit.get("/images/getImagesRaw", picID=512251)
    text = await visit.get("/images/getImagesBase64", picID=512251)
    assert base64.b64decode(text.text) == raw.content
    assert (raw.headers["content-type"], text.headers["content-type"]) == (
        "image/png",
        "text/plain; charset=utf-8",
    )


async def test_raw_claims_the_content_type_of_the_options() -> None:
    visit = Visit(SandboxOptions(turnaround_s=0, raw_content_type="application/octet-stream"))
    await visit.upload()
    answer = await visit.get("/images/getImagesRaw", picID=512251)
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_file_named_fail_fails_and_can_be_redone(visit: Visit) -> None:
    await visit.upload("fail.jpg")
    flags = []
    for now_s in (2, 4):
        visit.now_s = now_s
        entry = (await visit.post("/images/imagesStatus", {"batchID": "1206"})).json()["data"][0]
        flags.append((entry["isProcessed"], entry["isFailed"]))
        await visit.post("/images/reportImages", REPORT)
    assert flags == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("plate", "later_s", "batch_id"), [("KA-01", 10, 1206), ("KA-02", 10, 1207), ("KA-01", 90_000, 1207)]
)
async def test_one_plate_is_one_batch_for_a_day(
    visit: Visit, plate: str, later_s: float, batch_id: int
) -> None:
    await visit.upload()
    visit.now_s = later_s
    assert (await visit.upload(numberPlate=plate)).json()["data"]["batchID"] == batch_id


async def test_a_day_old_batch_still_in_work_is_joined() -> None:
    visit = Visit(SandboxOptions(turnaround_s=200_000))
    await visit.upload()
    visit.now_s = 90_000
    assert (await visit.upload()).json()["data"]["batchID"] == 1206


async def test_a_report_sends_pictures_back_to_work_and_marks_them_redone(visit: Visit) -> None:
    await visit.upload()
    before = await visit.result()
    answer = await visit.post("/images/reportImages", REPORT)
    assert answer.json() == {"status": True, "message": "Images reported successfully.", "data": ""}
    assert message(await visit.get("/images/getImagesRaw", picID=512251)) == "Image 512251 is not processed"
    assert ImageChops.difference(before, await visit.result()).getbbox()


async def test_a_picture_named_twice_in_a_report_is_redone_once(visit: Visit) -> None:
    await visit.upload()
    visit.now_s = 2
    await visit.post("/images/reportImages", REPORT | {"picIDs": [512251, 512251]})
    assert next(iter(visit.world.accounts.values())).pictures[512251].redone == 1


async def test_qa_opens_a_new_batch_with_the_same_pictures(visit: Visit) -> None:
    await visit.upload()
    visit.now_s = 2
    data = (await visit.post("/images/sendForQA-v2", {"picIDs": ["512251"]})).json()["data"]
    status = await visit.post("/images/imagesStatus", {"batchID": str(data["batchID"])})
    assert (data["batchID"], status.json()["data"][0]["picID"]) == (1207, 512251)
    assert status.json()["data"][0]["isProcessed"] is False


# --- credits and users


async def test_a_picture_costs_a_credit_and_a_broken_file_none(visit: Visit) -> None:
    files = [("cc", ("car.jpg", picture())), ("cc", ("notes.txt", b"no picture"))]
    images = (await visit.post(PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files=files)).json()["data"][
        "images"
    ]
    balance = (await visit.post("/user/getUserCreditDetails")).json()["data"]
    assert images[1] == {"fileName": "notes.txt", "error": True, "errorMsg": "The file is not a picture"}
    assert balance == {"current_credits": 99, "total_credits": 100}


async def test_without_credits_an_upload_is_refused_whole() -> None:
    visit = Visit(SandboxOptions(credits=1))
    assert message(await visit.upload("a.jpg", "b.jpg")) == "Insufficient credits"
    assert (await visit.post("/user/getUserCreditDetails")).json()["data"]["current_credits"] == 1


async def test_reports_and_qa_are_free(visit: Visit) -> None:
    await visit.upload()
    visit.now_s = 2
    await visit.post("/images/reportImages", REPORT)
    visit.now_s = 4
    await visit.post("/images/sendForQA-v2", {"picIDs": [512251]})
    assert (await visit.post("/user/getUserCreditDetails")).json()["data"]["current_credits"] == 99


async def test_two_users_do_not_see_each_other(visit: Visit) -> None:
    await visit.upload()
    template = await visit.template()
    assert (
        message(await visit.post("/images/imagesStatus", {"batchID": "1206"}, key="key-b"))
        == "Batch not found"
    )
    assert (
        message(await visit.get("/images/getImagesRaw", key="key-b", picID=512251))
        == "Image 512251 not found"
    )
    assert (await visit.post("/templates/list", key="key-b")).json()["data"] == []
    body = {
        "numberPlate": "X",
        "templateCC": template,
        "processType": "ai",
        "clientS3Uris": ["https://x/a.jpg"],
    }
    assert (
        message(await visit.post("/images/uploadWithTemplateCC-v2", body, key="key-b"))
        == "Template not found"
    )


@pytest.mark.parametrize("key", ["", " ", "Bearer key-a", "stranger"])
async def test_a_wrong_key_is_not_authorized(key: str) -> None:
    visit = Visit(SandboxOptions(api_keys=frozenset({"key-a", "Bearer key-a"})))
    answer = await visit.post("/templates/list", key=key)
    assert (answer.status_code, message(answer)) == (401, "You are not Authorized")
    assert (await visit.post("/templates/list")).status_code == 200


USAGE_FORMS: dict[str, Callable[[httpx.Response], object]] = {
    "json": lambda answer: answer.json()["data"]["total"],
    "csv": lambda answer: int(list(csv.reader(StringIO(answer.text)))[-1][1]),
    "xlsx": lambda answer: int(workbook_values(answer.content)[-1]),
}


def workbook_values(data: bytes) -> list[str]:
    sheet = ET.fromstring(ZipFile(BytesIO(data)).read("xl/worksheets/sheet1.xml"))
    return [cell.text or "" for cell in sheet.iter() if cell.text]


@pytest.mark.parametrize("form", USAGE_FORMS)
async def test_usage_counts_todays_credits_in_every_form(form: Any) -> None:
    visit = Visit(SandboxOptions(usage_form=form))
    await visit.upload("a.jpg", "b.jpg")
    answer = await visit.post("/user/getUsage", {"reportOption": "Today", "startDate": "", "endDate": ""})
    assert USAGE_FORMS[form](answer) == 2


@pytest.mark.parametrize(
    ("days_later", "option", "total"),
    [
        (0, "Last 7 days", 1),
        (1, "Yesterday", 1),
        (1, "Today", 0),
        (8, "Last 7 days", 0),
        (8, "Last 30 days", 1),
    ],
)
async def test_usage_ranges_move_with_the_clock(
    visit: Visit, days_later: int, option: str, total: int
) -> None:
    await visit.upload()
    visit.now_s = days_later * 86_400
    assert (await visit.post("/user/getUsage", {"reportOption": option})).json()["data"]["total"] == total


@pytest.mark.parametrize(("now_s", "totals"), [(0, [1, 0]), (86_400, [0, 1])])
async def test_usage_knows_this_month_and_the_last(visit: Visit, now_s: int, totals: list[int]) -> None:
    await visit.upload()
    visit.now_s = now_s
    bodies = [{"reportOption": option} for option in ("This month", "Last Month")]
    assert [(await visit.post("/user/getUsage", body)).json()["data"]["total"] for body in bodies] == totals


async def test_usage_between_two_days_includes_both(visit: Visit) -> None:
    await visit.upload()
    data = (await visit.post("/user/getUsage", {"startDate": "31-03-2026", "endDate": "31-03-2026"})).json()[
        "data"
    ]
    assert data == {"total": 1, "rows": [{"date": "31-03-2026", "credits": 1}]}


# --- pictures


async def test_without_a_template_the_corners_are_transparent_and_the_car_is_not(visit: Visit) -> None:
    await visit.upload()
    result = await visit.result()
    alpha = result.getchannel("A")
    assert (result.format, alpha.getpixel((0, 0)), alpha.getpixel((200, 180))) == ("PNG", 0, 255)


def shows(image: Image.Image, spot: tuple[int, int], colour: str) -> bool:
    """Whether a pixel has a colour, give or take what JPEG does to it."""
    pixel, wanted = image.convert("RGB").getpixel(spot), ImageColor.getrgb(colour)
    assert isinstance(pixel, tuple)
    return all(abs(one - other) < 40 for one, other in zip(pixel, wanted, strict=True))


CORNER, CAR, PLATE, LOGO = (5, 5), (200, 180), (200, 215), (370, 30)  # spots of a 400 x 300 picture


async def test_with_a_template_the_car_stands_on_its_background(visit: Visit) -> None:
    template = await visit.template()
    await visit.upload(path="/images/uploadWithTemplateCC", templateCC=template)
    result = await visit.result()
    assert result.format == "JPEG"
    assert [shows(result, CORNER, "green"), shows(result, CAR, "navy"), shows(result, PLATE, "white")] == [
        True
    ] * 3


async def test_a_template_draws_its_plate_and_its_logo(visit: Visit) -> None:
    template = await visit.template(
        numberPlate=picture("yellow", (80, 24)), brandLogo=picture("red", (80, 80))
    )
    await visit.upload(path="/images/uploadWithTemplateCC", templateCC=template)
    result = await visit.result()
    assert [shows(result, PLATE, "yellow"), shows(result, LOGO, "red"), shows(result, (30, 30), "green")] == [
        True
    ] * 3


async def test_a_template_that_leaves_plates_alone_leaves_them(visit: Visit) -> None:
    data = {"name": "Bare", "numPlate": "false"}
    await visit.post("/templates/create", data=data, files={"background": ("b.png", picture("green"))})
    await visit.upload(path="/images/uploadWithTemplateCC", templateCC="136")
    assert shows(await visit.result(), PLATE, "navy")


@pytest.mark.parametrize(
    ("name", "colour"), [("LeftSide.jpg", "purple"), ("Rear.jpg", "orange"), ("x.jpg", "green")]
)
async def test_a_template_has_backgrounds_for_sides_and_ends(visit: Visit, name: str, colour: str) -> None:
    template = await visit.template(side=picture("purple"), frontRear=picture("orange"))
    await visit.upload(name, path="/images/uploadWithTemplateCC", templateCC=template)
    assert shows(await visit.result(), CORNER, colour)


async def test_dynamic_branding_draws_the_logo_of_the_request(visit: Visit) -> None:
    data = UPLOAD | {"templateCC": await visit.template(), "bAlignment": "TL"}
    files = {"cc": ("car.jpg", picture()), "anyName": ("logo.png", picture("red", (80, 80), "PNG"))}
    await visit.post("/images/uploadWithTemplateCCDynamicBranding", data=data, files=files)
    assert shows(await visit.result(), (30, 30), "red")


async def test_dynamic_branding_without_a_logo_keeps_the_templates(visit: Visit) -> None:
    template = await visit.template(brandLogo=picture("red", (80, 80)))
    await visit.upload(path="/images/uploadWithTemplateCCDynamicBranding", templateCC=template)
    assert shows(await visit.result(), LOGO, "red")


async def test_a_library_backdrop_can_be_chosen(visit: Visit) -> None:
    library = (await visit.get("/templates/library")).json()["data"]
    await visit.upload(path="/images/uploadWithDefaultTemplateCC", templateCC=str(library[1]["templateID"]))
    assert (library[1]["templateName"], shows(await visit.result(), CORNER, "#3C5A8C")) == ("Blue hour", True)


@pytest.mark.parametrize(("processor", "colour"), [("0", "navy"), ("1", "white"), ("2", "yellow")])
async def test_plate_replacement_changes_the_plate_alone(visit: Visit, processor: str, colour: str) -> None:
    data = UPLOAD | {"numPlateProcessor": processor}
    files = {"cc": ("car.jpg", picture()), "numPlateImage": ("plate.png", picture("yellow", (80, 24), "PNG"))}
    await visit.post("/images/replaceNumPlate-v3", data=data, files=files)
    result = await visit.result()
    assert [shows(result, PLATE, colour), shows(result, CORNER, "navy")] == [True, True]


@pytest.mark.parametrize(("processor", "colour"), [("0", "navy"), ("1", "white"), ("2", "navy")])
async def test_an_upload_without_template_can_cover_the_plate(
    visit: Visit, processor: str, colour: str
) -> None:
    await visit.upload(numPlateProcessor=processor)
    assert shows(await visit.result(), PLATE, colour)


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
    visit: Visit, path: str, extra: dict[str, object], kind: str
) -> None:
    await visit.template()
    addresses = [
        "https://bucket.example/cars/Front.jpg?sig=1",
        "ftp://bucket.example/b.jpg",
        "https://[broken/c.jpg",
    ]
    body = UPLOAD | {"clientS3Uris": addresses} | extra
    images = (await visit.post(path, body)).json()["data"]["images"]
    assert [(image["fileName"], image["error"]) for image in images] == [
        ("Front.jpg", False),
        ("b.jpg", True),
        ("c.jpg", True),
    ]
    assert (await visit.result()).format == kind


async def test_a_large_photo_comes_out_with_1600_px(visit: Visit) -> None:
    await visit.post(
        PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files={"cc": ("a.jpg", picture(size=(4000, 3000)))}
    )
    assert (await visit.result()).size == (1600, 1200)


async def test_a_photo_taken_upright_comes_out_upright(visit: Visit) -> None:
    exif, out = Image.Exif(), BytesIO()
    exif[0x0112] = 6  # orientation: turn a quarter clockwise to show
    Image.new("RGB", (400, 300)).save(out, "JPEG", exif=exif)
    await visit.post(PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files={"cc": ("a.jpg", out.getvalue())})
    assert (await visit.result()).size == (300, 400)


async def test_results_are_forgotten_when_there_are_too_many(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobg_mcp.sandbox.world.RENDERED_BYTES", 1)
    await visit.upload("a.jpg", "b.jpg")
    sizes = [(await visit.result(picture_id)).size for picture_id in (512251, 512252, 512251)]
    assert (sizes, len(visit.world._rendered)) == ([(400, 300)] * 3, 1)


async def zip_pictures(answer: httpx.Response, _: Visit) -> list[bytes]:
    package = ZipFile(BytesIO(answer.content))
    return [package.read(name) for name in package.namelist()]


async def base64_pictures(answer: httpx.Response, _: Visit) -> list[bytes]:
    return [base64.b64decode(entry["base64"]) for entry in answer.json()["data"]]


async def linked_pictures(answer: httpx.Response, visit: Visit) -> list[bytes]:
    data = answer.json()["data"]
    links = list(data.values()) if isinstance(data, dict) else [entry["url"] for entry in data]
    return [(await visit.get(link, key="")).content for link in links]


FORMS = {"zip": zip_pictures, "base64": base64_pictures, "links": linked_pictures, "map": linked_pictures}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", [{"picIDs": ["512251", "512252"]}, {"batchID": "1206"}])
async def test_downloads_hold_the_pictures_in_every_form(form: Any, body: dict[str, object]) -> None:
    visit = Visit(SandboxOptions(turnaround_s=0, download_form=form))
    await visit.upload("a.jpg", "b.jpg")
    raw = [
        (await visit.get("/images/getImagesRaw", picID=picture_id)).content for picture_id in (512251, 512252)
    ]
    assert await FORMS[form](await visit.post("/images/downloadImages-v2", body), visit) == raw


async def test_a_guessed_download_link_leads_nowhere(visit: Visit) -> None:
    await visit.upload()
    assert (await visit.get("http://sandbox/_sandbox/pictures/512251/guess")).status_code == 404


# --- refusals

FILE = {"cc": ("car.jpg", picture())}
QA, STATUS, DOWNLOAD, USAGE = (
    "/images/sendForQA-v2",
    "/images/imagesStatus",
    "/images/downloadImages-v2",
    "/user/getUsage",
)
S3, PLATES = "/images/uploadWithoutTemplateCC-v2", "/images/replaceNumPlate-v3"
URLS = {"clientS3Uris": ["https://x.example/a.jpg"]}
MAKE, TEMPLATE = "/templates/create", {"name": "T", "numPlate": "true"}
BACKGROUND = {"background": ("b.png", picture())}
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    (STATUS, {"json": {}}, "batchID is required"),
    (STATUS, {"json": {"batchID": "one"}}, "batchID must be a whole number"),
    (STATUS, {"json": {"batchID": True}}, "batchID must be a whole number"),
    (STATUS, {"json": {"batchID": "9"}}, "Batch not found"),
    (STATUS, {"json": {"batchID": "1206", "page": 1}}, "page is not allowed"),
    ("/images/reportImages", {"json": REPORT}, "Image 512251 is not processed"),
    (
        "/images/reportImages",
        {"json": REPORT | {"picIDs": list(range(11))}},
        "At most 10 images can be reported at once",
    ),
    ("/images/reportImages", {"json": REPORT | {"reportReason": ["Ugly"]}}, "Unknown reportReason: Ugly"),
    (
        "/images/reportImages",
        {"json": REPORT | {"reportReason": [1]}},
        "reportReason must be an array of texts",
    ),
    ("/images/reportImages", {"json": REPORT | {"reportComment": 1}}, "reportComment must be a text"),
    (QA, {"json": {"picIDs": []}}, "picIDs must be an array that is not empty"),
    (QA, {"json": {"picIDs": ["1"]}}, "Image 1 not found"),
    (DOWNLOAD, {"json": {}}, "Send either picIDs or batchID"),
    (DOWNLOAD, {"json": {"batchID": "1206"}}, "No image is processed"),
    (USAGE, {"json": {}}, "Send either a known reportOption or startDate and endDate"),
    (USAGE, {"json": {"reportOption": "Ever"}}, "Send either a known reportOption or startDate and endDate"),
    (
        USAGE,
        {"json": {"startDate": "2026-01-01", "endDate": "02-01-2026"}},
        "startDate must look like 30-06-2025",
    ),
    (S3, {"json": UPLOAD | URLS | {"numberPlate": 7}}, "numberPlate must be a text that is not empty"),
    (S3, {"json": UPLOAD | URLS | {"processType": "AI"}}, "processType must be ai or collab"),
    (
        "/images/replaceNumPlateS3-v3",
        {"json": UPLOAD | URLS | {"numPlateProcessor": "1"}},
        "numPlateProcessor must be an integer",
    ),
    (
        "/images/replaceNumPlateS3-v3",
        {"json": UPLOAD | URLS | {"numPlateProcessor": 2}},
        "numberPlateS3String is required",
    ),
    (PLATES, {"data": UPLOAD | {"numPlateProcessor": "2"}, "files": FILE}, "numPlateImage is required"),
    (
        PLATES,
        {"data": UPLOAD | {"numPlateProcessor": "3"}, "files": FILE},
        "numPlateProcessor must be 0, 1 or 2",
    ),
    (
        PLATES,
        {"data": UPLOAD | {"numPlateProcessor": ["1", "1"]}, "files": FILE},
        "numPlateProcessor is given twice",
    ),
    (PLATES, {"data": UPLOAD, "files": FILE}, "numPlateProcessor is required"),
    (
        PLAIN,
        {"data": UPLOAD | {"numPlateProcessor": "0", "cc": "car.jpg"}, "files": {"x": b"x"}},
        "x is not allowed",
    ),
    (
        "/images/uploadWithDefaultTemplateCC",
        {"data": UPLOAD | {"templateCC": "9"}, "files": FILE},
        "Template not found",
    ),
    (MAKE, {"data": TEMPLATE | {"side": "s"}, "files": BACKGROUND}, "side must be a file"),
    (MAKE, {"data": TEMPLATE, "files": BACKGROUND | {"bAlignment": b"TL"}}, "bAlignment must be a text"),
    (MAKE, {"data": TEMPLATE | {"numPlate": "maybe"}, "files": BACKGROUND}, "numPlate must be true or false"),
    (
        MAKE,
        {"data": TEMPLATE | {"numPlateBgHexCode": "red"}, "files": BACKGROUND},
        "numPlateBgHexCode must look like #FFFFFF",
    ),
    (MAKE, {"data": TEMPLATE, "files": {"background": ("b.txt", b"x")}}, "b.txt: The file is not a picture"),
    (
        MAKE,
        {"data": TEMPLATE, "files": [*BACKGROUND.items(), *BACKGROUND.items()]},
        "background is given twice",
    ),
]


@pytest.mark.parametrize(("path", "sent", "text"), REFUSALS)
async def test_a_wrong_request_is_refused_softly(
    visit: Visit, path: str, sent: dict[str, Any], text: str
) -> None:
    await visit.upload()
    answer = await visit.post(path, **sent)
    assert (answer.status_code, message(answer)) == (200, text)
    assert visit.world.accounts.popitem()[1].credits_left == 99


JSON = {"headers": {"Content-Type": "application/json"}}
NO_BOUNDARY = {"headers": {"Content-Type": "multipart/form-data"}}
UNREADABLE: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("POST /templates/list", {"json": {}}, (400, "No body is expected")),
    (f"POST {STATUS}", {"data": {"batchID": "1"}}, (400, "Content-Type must be application/json")),
    (f"POST {STATUS}", {"content": b"{"} | JSON, (400, "The body must be a JSON object")),
    (f"POST {STATUS}", {"json": []}, (400, "The body must be a JSON object")),
    (f"POST {PLAIN}", {"json": {}}, (400, "Content-Type must be multipart/form-data")),
    (f"POST {PLAIN}", {"content": b"x"} | NO_BOUNDARY, (400, "Missing boundary in multipart.")),
    (f"GET {STATUS}", {}, (405, "Method Not Allowed")),
    ("POST /images/nowhere", {}, (404, "Not Found")),
]


@pytest.mark.parametrize(("line", "sent", "answered"), UNREADABLE)
async def test_an_unreadable_request_is_refused(
    visit: Visit, line: str, sent: dict[str, Any], answered: tuple[int, str]
) -> None:
    method, path = line.split()
    async with visit.client() as client:
        answer = await client.request(method, path, **sent)
    assert (answer.status_code, message(answer)) == answered


async def test_a_request_above_the_size_limit_is_refused(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobg_mcp.sandbox.reading.MAX_BODY_BYTES", 1000)
    answer = await visit.post(PLAIN, data=UPLOAD, files={"cc": ("a.jpg", b"x" * 2000)})
    assert (answer.status_code, message(answer)) == (413, "The request is too large")


# --- limits

# seconds between requests, then the fate of each request with 3 a minute
ARRIVALS: dict[RateRule, tuple[list[float], str]] = {
    "fixed": ([50, 0, 0, 0, 9, 1, 0, 0, 0], "+++--+++-"),
    "log": ([50, 0, 0, 0, 9, 1, 49.5, 0.5, 0], "+++----++"),
    "counter": ([50, 0, 0, 0, 9, 1, 20, 20, 20], "+++---+++"),
    "bucket": ([50, 0, 0, 0, 19, 1, 0, 40, 0], "+++--+-++"),
    "gcra": ([50, 0, 0, 0, 19, 1, 0, 20, 20], "+----+-++"),
}


@pytest.mark.parametrize("rule", get_args(RateRule))
async def test_each_rule_lets_in_what_its_algorithm_allows(rule: RateRule) -> None:
    visit = Visit(SandboxOptions(rate_rule=rule, limits={"/templates/list": 3}))
    gaps, expected = ARRIVALS[rule]
    fate = ""
    for gap_s in gaps:
        visit.now_s += gap_s
        fate += "+" if (await visit.post("/templates/list")).status_code == 200 else "-"
    assert (fate, visit.world.refused_429) == (expected, expected.count("-"))


@pytest.mark.parametrize("rule", get_args(RateRule))
async def test_whoever_waits_for_retry_after_is_let_in(rule: RateRule) -> None:
    visit = Visit(SandboxOptions(rate_rule=rule, limits={"/templates/list": 7}), now_s=13)
    for _ in range(40):
        answer = await visit.post("/templates/list")
        if answer.status_code == 429:
            visit.now_s += int(answer.headers["Retry-After"])
            answer = await visit.post("/templates/list")
        assert answer.status_code == 200


async def test_a_refused_request_is_counted_and_answered_with_429(visit: Visit) -> None:
    answers = [await visit.post("/images/reportImages", {"wrong": 1}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert (message(answers[-1]), answers[-1].headers["Retry-After"]) == ("Too many requests", "60")
    assert visit.world.refused_429_by_path == {"/images/reportImages": 1}


async def test_one_users_limit_is_not_anothers(visit: Visit) -> None:
    for _ in range(10):
        await visit.post("/images/reportImages", {})
    assert (await visit.post("/images/reportImages", {}, key="key-b")).status_code == 200


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SandboxOptions(limits={"/templates/list": 0})


async def test_retry_after_can_be_left_out() -> None:
    visit = Visit(SandboxOptions(retry_after=False, limits={"/templates/list": 1}))
    await visit.post("/templates/list")
    assert "Retry-After" not in (await visit.post("/templates/list")).headers


# --- failures on demand


def body_of(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return answer.text


NO = {"status": False}
SPOILT: dict[FailureKind, tuple[int, object]] = {
    "401": (401, NO | {"message": "You are not Authorized"}),
    "soft": (200, NO | {"message": "Something went wrong"}),
    "500": (500, NO | {"message": "Internal Server Error"}),
    "503": (503, NO | {"message": "Service Unavailable"}),
    "429": (429, NO | {"message": "Too many requests"}),
    "html": (200, "<!doctype html><title>Sign in</title><h1>Sign in to continue</h1>"),
    "truncated": (200, '{"status":true,"mes'),
    "empty": (200, ""),
    "not_json": (200, "Processed OK"),
    "wrong_shape": (200, {"status": True, "message": "", "data": {"unexpected": True}}),
    "slow": (200, {"status": True, "message": "", "data": []}),
}


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_failure_on_demand_spoils_one_answer(visit: Visit, kind: FailureKind) -> None:
    visit.world.fail_next("templates/list", kind, delay_s=3)
    answer = await visit.post("/templates/list")
    assert (answer.status_code, body_of(answer)) == SPOILT[kind]
    assert visit.slept == ([3] if kind == "slow" else [])
    assert (await visit.post("/templates/list")).json()["data"] == []


@pytest.mark.parametrize(("kind", "batches"), [("drop_before", 0), ("drop_after", 1), ("hang", 1)])
async def test_a_broken_connection_acts_or_not(visit: Visit, kind: FailureKind, batches: int) -> None:
    visit.world.fail_next("", kind, delay_s=9)
    with pytest.raises(ConnectionDropped):
        await visit.upload()
    assert len((await visit.get("http://sandbox/_sandbox/state")).json()["batches"]) == batches
    assert visit.slept == ([9] if kind == "hang" else [])


@pytest.mark.parametrize(("kind", "batches"), [("html", 0), ("503", 0), ("truncated", 1), ("wrong_shape", 1)])
async def test_a_spoilt_upload_has_acted_or_not(visit: Visit, kind: FailureKind, batches: int) -> None:
    visit.world.fail_next(PLAIN, kind)
    await visit.upload()
    assert len((await visit.get("http://sandbox/_sandbox/state")).json()["batches"]) == batches


async def test_a_failure_waits_for_its_own_path_and_lasts_as_long_as_told(visit: Visit) -> None:
    visit.world.fail_next("templates/list", "500", times=2)
    codes = [
        (await visit.post(path)).status_code
        for path in ["/user/getUserCreditDetails", *["/templates/list"] * 3]
    ]
    assert codes == [200, 500, 500, 200]


async def test_a_picture_of_the_wrong_shape_is_an_envelope() -> None:
    visit = Visit(SandboxOptions(turnaround_s=0))
    await visit.upload()
    visit.world.fail_next("getImagesRaw", "wrong_shape")
    assert (await visit.get("/images/getImagesRaw", picID=512251)).json()["data"] == [["unexpected"]]


async def test_an_uploader_who_leaves_midway_changes_nothing(visit: Visit) -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def unheard(_: object) -> None: ...

    headers = [(b"authorization", b"key-a"), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PREFIX + PLAIN,
        "headers": headers,
        "query_string": b"",
    }
    with pytest.raises(ConnectionDropped):
        await visit.app(scope, gone, unheard)
    assert not visit.world.requests


# --- inspection


async def test_the_state_sums_up_all_users(visit: Visit) -> None:
    await visit.upload("a.jpg", "b.jpg")
    await visit.upload(key="key-b")
    visit.now_s = 1.5
    state = (await visit.get("http://sandbox/_sandbox/state")).json()
    assert (state["credits_spent"], state["credits_left"], state["refused_429"]) == (3, 197, 0)
    assert state["requests"] == {PREFIX + PLAIN: 2}
    assert [(batch["batchID"], batch["pictures"], batch["processed"]) for batch in state["batches"]] == [
        (1206, 2, 1),
        (1207, 1, 1),
    ]


async def test_the_state_shows_reports_and_never_a_key(visit: Visit) -> None:
    await visit.upload()
    visit.now_s = 2
    await visit.post("/images/reportImages", REPORT)
    answer = await visit.get("http://sandbox/_sandbox/state")
    assert answer.json()["reports"][0]["picIDs"] == [512251]
    assert "key-a" not in answer.text + repr(visit.world.requests) + repr(visit.world.accounts)


async def test_a_failure_can_be_ordered_over_http(visit: Visit) -> None:
    order = {"path": "templates/list", "kind": "503", "times": 1, "delay_s": 0}
    assert (await visit.post("http://sandbox/_sandbox/failures", order)).json() == {"waiting": 1}
    assert (await visit.post("/templates/list")).status_code == 503


async def test_the_clock_can_be_turned_over_http(visit: Visit) -> None:
    await visit.upload()
    await visit.post("http://sandbox/_sandbox/advance", {"seconds": 2})
    assert (await visit.post(STATUS, {"batchID": "1206"})).json()["data"][0]["isProcessed"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [("failures", {"kind": "earthquake"}), ("failures", []), ("advance", {}), ("advance", [])],
)
async def test_a_wrong_order_is_refused(visit: Visit, path: str, body: object) -> None:
    assert (await visit.post(f"http://sandbox/_sandbox/{path}", body)).status_code == 400


async def test_a_recorded_upload_shows_its_parts(visit: Visit) -> None:
    await visit.upload("a.jpg")
    request = visit.world.requests[-1]
    parts = [(part.name, part.filename, part.content_type, part.text) for part in request.form]
    assert parts[:2] == [("numberPlate", None, None, "KA-01"), ("processType", None, None, "ai")]
    assert parts[-1] == ("cc", "a.jpg", "image/jpeg", None)
    assert (request.form[-1].size_bytes, "authorization" in request.headers) == (len(picture()), False)


async def test_only_the_latest_requests_and_64_kib_of_each_are_kept() -> None:
    visit = Visit(SandboxOptions(max_recorded_requests=2))

    async def slices() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 10_000

    for _ in range(3):
        await visit.post(STATUS, content=slices())
    assert [len(request.body) for request in visit.world.requests] == [65_536, 65_536]


# --- over real HTTP


@pytest.fixture
async def address(visit: Visit) -> AsyncIterator[str]:
    """The sandbox behind uvicorn on a free loopback port."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(visit.app, log_config=None, log_level="info", lifespan="off"))
    serving = asyncio.create_task(server.serve([listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "hang"])
async def test_a_dropped_connection_closes_without_a_byte_or_a_log_line(
    visit: Visit, address: str, kind: FailureKind, caplog: pytest.LogCaptureFixture
) -> None:
    visit.world.fail_next("templates/list", kind)
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": "key-a"}) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.post(f"{PREFIX}/templates/list")
        assert (await client.post(f"{PREFIX}/templates/list")).status_code == 200
    assert [record.levelname for record in caplog.records if record.levelname != "INFO"] == []
    assert [record.getMessage()[-3:] for record in caplog.records if record.name == "uvicorn.access"] == [
        "200"
    ]


async def test_a_refused_upload_leaves_the_connection_usable(visit: Visit, address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        refused = await client.post(PREFIX + PLAIN, files={"cc": ("car.jpg", b"x" * 3_000_000)})
        assert (refused.status_code, (await client.get("/_sandbox/state")).status_code) == (401, 200)


# --- exchanges


def test_every_endpoint_has_an_exchange_and_every_exchange_an_endpoint() -> None:
    shown = {(tool, exchange.request.method, exchange.request.path) for tool, exchange in exchanges().items()}
    assert shown == {(endpoint.tool, endpoint.method, PREFIX + endpoint.path) for endpoint in endpoints()}
    assert len(shown) == 20


async def play(visit: Visit, tool: str) -> httpx.Response:
    request = exchanges()[tool].request
    form = request.form or []
    async with visit.client() as client:
        return await client.request(
            request.method,
            f"http://sandbox{request.path}",
            params=request.query,
            content=request.body,
            headers={"Content-Type": "application/json"} if request.body else {},
            data={name: value for name, value in form if isinstance(value, str)} or None,
            files=[(name, (value.file, picture())) for name, value in form if not isinstance(value, str)]
            or None,
        )


@pytest.mark.parametrize("tool", sorted(exchanges()))
async def test_a_replayed_exchange_is_the_documents_own(tool: str) -> None:
    visit, example = Visit(SandboxOptions(replay=True)), exchanges()[tool]
    answer = await play(visit, tool)
    assert answer.headers["content-type"].startswith(example.response.contentType)
    if example.response.body is None:
        data = base64.b64decode(answer.text) if tool == "getImagesBase64" else answer.content
        assert opened(data).format == "JPEG"
    else:
        assert answer.content == json.dumps(example.response.body).encode()
    assert visit.world.requests[-1].body.startswith((example.request.body or "").encode())


NEEDS_STATE = {"Template not found", "Batch not found", "Image 512251 not found", "Image 5960 not found"} | {
    f"Image {picture_id} not found" for picture_id in (5006, 5096)
}


@pytest.mark.parametrize("tool", sorted(exchanges()))
async def test_the_documents_example_is_accepted_but_for_what_it_presumes(tool: str) -> None:
    answer = await play(Visit(), tool)
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] is True or body["message"] in NEEDS_STATE


async def test_a_replay_still_asks_for_the_key_and_counts() -> None:
    visit = Visit(SandboxOptions(replay=True, limits={"/templates/list": 1}))
    codes = [(await visit.post("/templates/list", key=key)).status_code for key in ("", "k", "k")]
    assert codes == [401, 200, 429]


# --- the second witness


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module}"


def test_the_sandbox_imports_nothing_of_ours() -> None:
    modules = list(Path(sandbox.__file__).parent.glob("*.py"))
    ours = {name for module in modules for name in imported(module) if name.startswith(("autobg_mcp", "."))}
    assert len(modules) > 10
    assert {name for name in ours if not name.startswith("autobg_mcp.sandbox")} == set()


def test_importing_the_sandbox_leaves_pillow_alone() -> None:
    code = "import sys, autobg_mcp.sandbox; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_behaviour_has_a_ground() -> None:
    assert len({behaviour.what for behaviour in BEHAVIOURS}) == len(BEHAVIOURS) > 30
    assert all(behaviour.ground for behaviour in BEHAVIOURS)
