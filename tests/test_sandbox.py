"""The sandbox, through httpx, as a client of the real API would meet it: batches, credits, users and limits."""

import base64
import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import httpx
import pytest
from PIL import ImageChops
from sandbox_visitor import PLAIN, REPORT, UPLOAD, Visitor, message, picture

from autobg_mcp.sandbox import SandboxOptions

pytestmark = pytest.mark.anyio

# --- the life of a batch


async def test_an_upload_answers_with_a_batch_and_one_entry_per_file(visitor: Visitor) -> None:
    images = [{"fileName": name, "error": False, "errorMsg": ""} for name in ("a.jpg", "b.jpg")]
    answer = await visitor.upload("a.jpg", "b.jpg")
    assert answer.json() == {
        "status": True,
        "message": "Date Processed",
        "data": {"batchID": 1206, "images": images},
    }


async def test_the_pictures_of_a_batch_come_out_one_after_another(visitor: Visitor) -> None:
    await visitor.upload("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    done = []
    for now_s in (0.0, 1.4, 1.6, 1.8, 2.0):
        visitor.now_s = now_s
        status = await visitor.post("/images/imagesStatus", {"batchID": "1206"})
        done.append(sum(entry["isProcessed"] for entry in status.json()["data"]))
    assert done == [0, 1, 2, 3, 4]


async def test_a_status_names_pictures_by_id_and_file(visitor: Visitor) -> None:
    await visitor.upload("a.jpg")
    entry = {"picID": 512251, "picName": "a.jpg", "isProcessed": False, "isFailed": False}
    assert (await visitor.post("/images/imagesStatus", {"batchID": 1206})).json()["data"] == [entry]


async def test_a_picture_in_work_cannot_be_fetched(visitor: Visitor) -> None:
    await visitor.upload()
    assert message(await visitor.get("/images/getImagesRaw", picID=512251)) == "Image 512251 is not processed"


async def test_raw_and_base64_are_the_same_picture(visitor: Visitor) -> None:
    await visitor.upload()
    visitor.now_s = 2
    raw = await visitor.get("/images/getImagesRaw", picID=512251)
    text = await visitor.get("/images/getImagesBase64", picID=512251)
    assert base64.b64decode(text.text) == raw.content
    assert (raw.headers["content-type"], text.headers["content-type"]) == (
        "image/png",
        "text/plain; charset=utf-8",
    )


async def test_a_file_named_fail_fails_and_can_be_redone(visitor: Visitor) -> None:
    await visitor.upload("fail.jpg")
    flags = []
    for now_s in (2, 4):
        visitor.now_s = now_s
        entry = (await visitor.post("/images/imagesStatus", {"batchID": "1206"})).json()["data"][0]
        flags.append((entry["isProcessed"], entry["isFailed"]))
        await visitor.post("/images/reportImages", REPORT)
    assert flags == [(False, True), (True, False)]


@pytest.mark.parametrize(
    ("plate", "later_s", "batch_id"), [("KA-01", 10, 1206), ("KA-02", 10, 1207), ("KA-01", 90_000, 1207)]
)
async def test_one_plate_is_one_batch_for_a_day(
    visitor: Visitor, plate: str, later_s: float, batch_id: int
) -> None:
    await visitor.upload()
    visitor.now_s = later_s
    assert (await visitor.upload(numberPlate=plate)).json()["data"]["batchID"] == batch_id


async def test_a_day_old_batch_still_in_work_is_joined() -> None:
    visitor = Visitor(SandboxOptions(turnaround_s=200_000))
    await visitor.upload()
    visitor.now_s = 90_000
    assert (await visitor.upload()).json()["data"]["batchID"] == 1206


async def test_a_report_sends_pictures_back_to_work_and_marks_them_redone(visitor: Visitor) -> None:
    await visitor.upload()
    before = await visitor.result()
    answer = await visitor.post("/images/reportImages", REPORT)
    assert answer.json() == {"status": True, "message": "Images reported successfully.", "data": ""}
    assert message(await visitor.get("/images/getImagesRaw", picID=512251)) == "Image 512251 is not processed"
    assert ImageChops.difference(before, await visitor.result()).getbbox()


async def test_a_picture_named_twice_in_a_report_is_redone_once(visitor: Visitor) -> None:
    await visitor.upload()
    visitor.now_s = 2
    await visitor.post("/images/reportImages", REPORT | {"picIDs": [512251, 512251]})
    assert next(iter(visitor.world.accounts.values())).pictures[512251].redone == 1


async def test_qa_opens_a_new_batch_with_the_same_pictures(visitor: Visitor) -> None:
    await visitor.upload()
    visitor.now_s = 2
    data = (await visitor.post("/images/sendForQA-v2", {"picIDs": ["512251"]})).json()["data"]
    status = await visitor.post("/images/imagesStatus", {"batchID": str(data["batchID"])})
    assert (data["batchID"], status.json()["data"][0]["picID"]) == (1207, 512251)
    assert status.json()["data"][0]["isProcessed"] is False


# --- credits and users


async def test_a_picture_costs_a_credit_and_a_broken_file_none(visitor: Visitor) -> None:
    files = [("cc", ("car.jpg", picture())), ("cc", ("notes.txt", b"no picture"))]
    images = (await visitor.post(PLAIN, data=UPLOAD | {"numPlateProcessor": "0"}, files=files)).json()[
        "data"
    ]["images"]
    balance = (await visitor.post("/user/getUserCreditDetails")).json()["data"]
    assert images[1] == {"fileName": "notes.txt", "error": True, "errorMsg": "The file is not a picture"}
    assert balance == {"current_credits": 99, "total_credits": 100}


async def test_without_credits_an_upload_is_refused_whole() -> None:
    visitor = Visitor(SandboxOptions(credits=1))
    assert message(await visitor.upload("a.jpg", "b.jpg")) == "Insufficient credits"
    assert (await visitor.post("/user/getUserCreditDetails")).json()["data"]["current_credits"] == 1


async def test_reports_and_qa_are_free(visitor: Visitor) -> None:
    await visitor.upload()
    visitor.now_s = 2
    await visitor.post("/images/reportImages", REPORT)
    visitor.now_s = 4
    await visitor.post("/images/sendForQA-v2", {"picIDs": [512251]})
    assert (await visitor.post("/user/getUserCreditDetails")).json()["data"]["current_credits"] == 99


async def test_two_users_do_not_see_each_other(visitor: Visitor) -> None:
    await visitor.upload()
    template = await visitor.template()
    assert (
        message(await visitor.post("/images/imagesStatus", {"batchID": "1206"}, key="key-b"))
        == "Batch not found"
    )
    assert (
        message(await visitor.get("/images/getImagesRaw", key="key-b", picID=512251))
        == "Image 512251 not found"
    )
    assert (await visitor.post("/templates/list", key="key-b")).json()["data"] == []
    body = {
        "numberPlate": "X",
        "templateCC": template,
        "processType": "ai",
        "clientS3Uris": ["https://x/a.jpg"],
    }
    assert (
        message(await visitor.post("/images/uploadWithTemplateCC-v2", body, key="key-b"))
        == "Template not found"
    )


@pytest.mark.parametrize("key", ["", " ", "Bearer key-a", "stranger"])
async def test_a_wrong_key_is_not_authorized(key: str) -> None:
    visitor = Visitor(SandboxOptions(api_keys=frozenset({"key-a", "Bearer key-a"})))
    answer = await visitor.post("/templates/list", key=key)
    assert (answer.status_code, message(answer)) == (401, "You are not Authorized")
    assert (await visitor.post("/templates/list")).status_code == 200


USAGE_FORMS: dict[str, Callable[[httpx.Response], object]] = {
    "json": lambda answer: answer.json()["data"]["total"],
    "csv": lambda answer: int(list(csv.reader(StringIO(answer.text)))[-1][-1]),
    "xlsx": lambda answer: int(workbook_values(answer.content)[-1]),
}


def workbook_values(data: bytes) -> list[str]:
    sheet = ET.fromstring(ZipFile(BytesIO(data)).read("xl/worksheets/sheet1.xml"))
    return [cell.text or "" for cell in sheet.iter() if cell.text]


@pytest.mark.parametrize("form", USAGE_FORMS)
async def test_usage_counts_todays_credits_in_every_form(form: Any) -> None:
    visitor = Visitor(SandboxOptions(usage_form=form))
    await visitor.upload("a.jpg", "b.jpg")
    answer = await visitor.post("/user/getUsage", {"reportOption": "Today", "startDate": "", "endDate": ""})
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
    visitor: Visitor, days_later: int, option: str, total: int
) -> None:
    await visitor.upload()
    visitor.now_s = days_later * 86_400
    assert (await visitor.post("/user/getUsage", {"reportOption": option})).json()["data"]["total"] == total


@pytest.mark.parametrize(("now_s", "totals"), [(0, [1, 0]), (86_400, [0, 1])])
async def test_usage_knows_this_month_and_the_last(visitor: Visitor, now_s: int, totals: list[int]) -> None:
    await visitor.upload()
    visitor.now_s = now_s
    bodies = [{"reportOption": option} for option in ("This month", "Last Month")]
    assert [(await visitor.post("/user/getUsage", body)).json()["data"]["total"] for body in bodies] == totals


async def test_usage_between_two_days_includes_both(visitor: Visitor) -> None:
    await visitor.upload()
    data = (
        await visitor.post("/user/getUsage", {"startDate": "31-03-2026", "endDate": "31-03-2026"})
    ).json()["data"]
    assert (data["total"], [row["date"] for row in data["rows"]]) == (1, ["31-03-2026"])


async def test_a_row_of_usage_is_a_batch_with_its_vehicle_and_credits(visitor: Visitor) -> None:
    batch_id = (await visitor.upload("a.jpg", "b.jpg")).json()["data"]["batchID"]
    rows = (await visitor.post("/user/getUsage", {"reportOption": "Today"})).json()["data"]["rows"]
    assert [(row["batchId"], row["batchName"], row["creditsDeducted"]) for row in rows] == [
        (batch_id, "KA-01", 2)
    ]


async def test_a_row_of_usage_may_be_a_day() -> None:
    visitor = Visitor(SandboxOptions(usage_rows="day"))
    await visitor.upload("a.jpg", "b.jpg")
    data = (await visitor.post("/user/getUsage", {"reportOption": "Today"})).json()["data"]
    assert [row.keys() for row in data["rows"]] == [{"date", "credits"}]


# --- limits


async def test_a_limit_holds_in_every_window_wherever_it_begins(visitor: Visitor) -> None:
    calls = [30.0, *[50.0] * 9, 89.9, 90.0, 90.0, 109.9, 110.0]
    fate = ""
    for visitor.now_s in calls:
        fate += "+" if (await visitor.post("/images/reportImages", {})).status_code == 200 else "-"
    assert fate == "++++++++++-+--+"


async def test_whoever_waits_for_retry_after_is_let_in() -> None:
    visitor = Visitor(SandboxOptions(limits={"/templates/list": 7}), now_s=13)
    for _ in range(40):
        answer = await visitor.post("/templates/list")
        if answer.status_code == 429:
            visitor.now_s += int(answer.headers["Retry-After"])
            answer = await visitor.post("/templates/list")
        assert answer.status_code == 200


async def test_a_refused_request_is_counted_and_answered_with_429(visitor: Visitor) -> None:
    answers = [await visitor.post("/images/reportImages", {"wrong": 1}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert (message(answers[-1]), answers[-1].headers["Retry-After"]) == ("Too many requests", "60")
    assert visitor.world.refused_429_by_path == {"/images/reportImages": 1}


async def test_one_users_limit_is_not_anothers(visitor: Visitor) -> None:
    for _ in range(10):
        await visitor.post("/images/reportImages", {})
    assert (await visitor.post("/images/reportImages", {}, key="key-b")).status_code == 200
