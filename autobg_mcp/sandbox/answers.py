"""What the endpoints answer that take no photos: templates, status, results, reports, QA and the account."""

import base64
import csv
import hashlib
import re
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO
from typing import Final
from zipfile import ZipFile

from starlette.responses import PlainTextResponse, Response

from autobg_mcp.sandbox.reading import Refused
from autobg_mcp.sandbox.submitting import LIBRARY, UPLOADED, stored_file
from autobg_mcp.sandbox.visit import Visit, ok
from autobg_mcp.sandbox.workbook import XLSX_TYPE, workbook
from autobg_mcp.sandbox.world import FakePicture, FakeReport, FakeTemplate

REPORT_REASONS = ("Bad clipping", "Alignment of Road", "Number plate", "Window see-through", "Logo", "Other")
MAX_REPORTED: Final = 10
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
PICTURES_PATH = "/_sandbox/pictures"
LIBRARY_PATH = "/_sandbox/library"
LIBRARY_LINK_S: Final = 900


async def create_template(visit: Visit) -> Response:
    """Keep a template and answer its id."""
    asked = visit.asked
    name, colour = asked.text("name"), asked.text("numPlateBgHexCode", default="#FFFFFF")
    treats_plate = BOOLEANS.get(asked.text("numPlate").lower())
    if treats_plate is None:
        raise Refused("numPlate must be true or false")
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", colour):
        raise Refused("numPlateBgHexCode must look like #FFFFFF")
    background = await stored_file(visit, asked.files["background"][0], transparent=False)
    assert background is not None
    template = FakeTemplate(
        0,
        name,
        background,
        side=await stored_file(visit, *asked.files.get("side", ()), transparent=False),
        front_rear=await stored_file(visit, *asked.files.get("frontRear", ()), transparent=False),
        treats_plate=treats_plate,
        plate_colour=colour,
        plate_picture=await stored_file(visit, *asked.files.get("numberPlate", ())),
        logo=await stored_file(visit, *asked.files.get("brandLogo", ())),
        logo_corner=asked.text("bAlignment", default="TL"),
    )
    return ok({"templateID": visit.world.add_template(visit.account, template)}, "Template created")


async def list_templates(visit: Visit) -> Response:
    """List the user's templates, the oldest first."""
    templates = visit.account.templates.values()
    return ok([{"templateID": template.template_id, "templateName": template.name} for template in templates])


async def list_library(visit: Visit) -> Response:
    """List the backdrops of the library, each with a link to its picture that holds for a while."""
    until = int(visit.world.now() + LIBRARY_LINK_S)
    address = visit.request.url
    return ok(
        [
            {
                "templateID": template_id,
                "templateName": name,
                "templateImage": str(
                    address.replace(
                        path=f"{LIBRARY_PATH}/{template_id}.jpg", query=f"Expires={until}&Signature={until:x}"
                    )
                ),
            }
            for template_id, name, _ in LIBRARY
        ]
    )


async def images_status(visit: Visit) -> Response:
    """Answer how far each picture of a batch is."""
    pictures, now_s = _batch_pictures(visit), visit.world.now()
    return ok(
        [
            {
                "picID": picture.picture_id,
                "picName": picture.name,
                "isProcessed": picture.is_processed(now_s),
                "isFailed": picture.is_failed(now_s),
            }
            for picture in pictures
        ]
    )


async def report_images(visit: Visit) -> Response:
    """Write a report down and send its pictures back to work."""
    picture_ids, reasons = visit.asked.numbers("picIDs"), visit.asked.texts("reportReason")
    if len(picture_ids) > MAX_REPORTED:
        raise Refused(f"At most {MAX_REPORTED} images can be reported at once")
    if unknown := [reason for reason in reasons if reason not in REPORT_REASONS]:
        raise Refused(f"Unknown reportReason: {unknown[0]}")
    comment = visit.asked.values.get("reportComment", "")
    if not isinstance(comment, str):
        raise Refused("reportComment must be a text")
    visit.world.redo(_finished(visit, picture_ids))
    visit.account.reports.append(FakeReport(picture_ids, reasons, comment))
    return ok("", "Images reported successfully.")


async def send_for_qa(visit: Visit) -> Response:
    """Open a new batch with finished pictures and send them back to work."""
    pictures = _finished(visit, visit.asked.numbers("picIDs"))
    former = next(batch for batch in visit.account.batches.values() if pictures[0] in batch.pictures)
    batch = visit.world.open_batch(visit.account, former.number_plate)
    batch.pictures.extend(pictures)
    visit.world.redo(pictures)
    images = [{"fileName": picture.name, "error": False, "errorMsg": ""} for picture in pictures]
    return ok({"batchID": batch.batch_id, "images": images}, UPLOADED)


async def image_base64(visit: Visit) -> Response:
    """Answer a result as base64 text."""
    picture = visit.processed_picture(visit.asked.number("picID"))
    return PlainTextResponse(base64.b64encode(await visit.world.result(picture)))


async def image_raw(visit: Visit) -> Response:
    """Answer a result's bytes."""
    picture = visit.processed_picture(visit.asked.number("picID"))
    return Response(await visit.world.result(picture), media_type=picture.job.media_type)


async def download_images(visit: Visit) -> Response:
    """Answer the results of some pictures, or of all finished ones of a batch, in the form the options choose."""
    if ("picIDs" in visit.asked.values) == ("batchID" in visit.asked.values):
        raise Refused("Send either picIDs or batchID")
    if "picIDs" in visit.asked.values:
        pictures = [visit.processed_picture(picture_id) for picture_id in visit.asked.numbers("picIDs")]
    else:
        pictures = [picture for picture in _batch_pictures(visit) if picture.is_processed(visit.world.now())]
    if not pictures:
        raise Refused("No image is processed")
    return await _packed(visit, pictures)


async def usage(visit: Visit) -> Response:
    """Answer the credits spent per day of a range, in the form the options choose."""
    start, end = _range(visit)
    spent = {day: count for day, count in sorted(visit.account.spent.items()) if start <= day <= end}
    rows = [(f"{day:%d-%m-%Y}", count) for day, count in spent.items()]
    total = sum(spent.values())
    if visit.world.options.usage_form == "json":
        return ok({"total": total, "rows": [{"date": day, "credits": count} for day, count in rows]})
    table: list[tuple[str, str | int]] = [("Date", "Credits"), *rows, ("Total", total)]
    if visit.world.options.usage_form == "xlsx":
        return Response(workbook(table), media_type=XLSX_TYPE)
    text = StringIO()
    csv.writer(text).writerows(table)
    return PlainTextResponse(text.getvalue(), media_type="text/csv")


async def credit_details(visit: Visit) -> Response:
    """Answer the credits left and the credits there were."""
    return ok({"current_credits": visit.account.credits_left, "total_credits": visit.account.credits})


def picture_token(user: str, picture_id: int) -> str:
    """Make the unguessable end of a download link, which needs no key."""
    return hashlib.sha256(f"{user} {picture_id}".encode()).hexdigest()[:24]


def _batch_pictures(visit: Visit) -> list[FakePicture]:
    batch = visit.account.batches.get(visit.asked.number("batchID"))
    if batch is None:
        raise Refused("Batch not found")
    return batch.pictures


def _finished(visit: Visit, picture_ids: list[int]) -> list[FakePicture]:
    """Find pictures that are not in work; each once.

    Raises:
        Refused: One of them is unknown or in work.
    """
    pictures = [visit.picture(picture_id) for picture_id in dict.fromkeys(picture_ids)]
    for picture in pictures:
        if picture.ready_s > visit.world.now():
            raise visit.refused(picture.picture_id, "is not processed")
    return pictures


async def _packed(visit: Visit, pictures: list[FakePicture]) -> Response:
    form = visit.world.options.download_form
    if form in {"links", "map"}:
        links = {picture.picture_id: _link(visit, picture) for picture in pictures}
        if form == "map":
            return ok({str(picture_id): link for picture_id, link in links.items()})
        return ok([_entry(picture) | {"url": links[picture.picture_id]} for picture in pictures])
    results = [await visit.world.result(picture) for picture in pictures]
    if form == "base64":
        texts = [base64.b64encode(data).decode() for data in results]
        return ok([_entry(picture) | {"base64": text} for picture, text in zip(pictures, texts, strict=True)])
    out = BytesIO()
    with ZipFile(out, "w") as package:
        for picture, data in zip(pictures, results, strict=True):
            package.writestr(f"{picture.picture_id}-{picture.job.file_name(picture.name)}", data)
    return Response(out.getvalue(), media_type="application/zip")


def _entry(picture: FakePicture) -> dict[str, object]:
    return {"picID": picture.picture_id, "fileName": picture.job.file_name(picture.name)}


def _link(visit: Visit, picture: FakePicture) -> str:
    token = picture_token(visit.account.user, picture.picture_id)
    return str(visit.request.url.replace(path=f"{PICTURES_PATH}/{picture.picture_id}/{token}", query=""))


def _range(visit: Visit) -> tuple[date, date]:
    given = {name: str(value) for name, value in visit.asked.values.items() if value}
    today = visit.world.today()
    first = today.replace(day=1)
    options = {
        "Today": (today, today),
        "Yesterday": (today - timedelta(1), today - timedelta(1)),
        "Last 7 days": (today - timedelta(6), today),
        "Last 30 days": (today - timedelta(29), today),
        "This month": (first, today),
        "Last Month": ((first - timedelta(1)).replace(day=1), first - timedelta(1)),
    }
    if given.keys() == {"reportOption"} and given["reportOption"] in options:
        return options[given["reportOption"]]
    if given.keys() != {"startDate", "endDate"}:
        raise Refused("Send either a known reportOption or startDate and endDate")
    return _day("startDate", given["startDate"]), _day("endDate", given["endDate"])


def _day(name: str, text: str) -> date:
    try:
        return datetime.strptime(text, "%d-%m-%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise Refused(f"{name} must look like 30-06-2025") from error
