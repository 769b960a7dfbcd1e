"""What the endpoints answer that take no photos: templates, status, results, reports and QA."""

import base64
import hashlib
import re
from io import BytesIO
from typing import Final
from zipfile import ZipFile

from starlette.responses import PlainTextResponse, Response

from autobg_mcp.sandbox.reading import Refused
from autobg_mcp.sandbox.submitting import LIBRARY, UPLOADED, stored_file
from autobg_mcp.sandbox.visit import Visit, ok
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
