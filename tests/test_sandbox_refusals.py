"""What the sandbox refuses, and in which words."""

from typing import Any

import pytest
from sandbox_visitor import PLAIN, REPORT, STATUS, UPLOAD, Visitor, message, picture

pytestmark = pytest.mark.anyio

FILE = {"cc": ("car.jpg", picture())}
QA, DOWNLOAD, USAGE = "/images/sendForQA-v2", "/images/downloadImages-v2", "/user/getUsage"
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
    visitor: Visitor, path: str, sent: dict[str, Any], text: str
) -> None:
    await visitor.upload()
    answer = await visitor.post(path, **sent)
    assert (answer.status_code, message(answer)) == (200, text)
    assert visitor.world.accounts.popitem()[1].credits_left == 99


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
    visitor: Visitor, line: str, sent: dict[str, Any], answered: tuple[int, str]
) -> None:
    method, path = line.split()
    async with visitor.client() as client:
        answer = await client.request(method, path, **sent)
    assert (answer.status_code, message(answer)) == answered


async def test_a_request_above_the_size_limit_is_refused(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autobg_mcp.sandbox.reading.MAX_BODY_BYTES", 1000)
    answer = await visitor.post(PLAIN, data=UPLOAD, files={"cc": ("a.jpg", b"x" * 2000)})
    assert (answer.status_code, message(answer)) == (413, "The request is too large")
