"""What the endpoints answer that take photos in: uploads, S3 uploads and plate replacement."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.responses import Response

from autobg_mcp.sandbox import stand_ins, studio
from autobg_mcp.sandbox.reading import Refused
from autobg_mcp.sandbox.studio import NotAPictureError, StudioJob
from autobg_mcp.sandbox.visit import Visit, ok
from autobg_mcp.sandbox.world import FakeTemplate

PROCESS_TYPES = ("ai", "collab")
UPLOADED = "Date Processed"  # the documents' own spelling
LIBRARY = ((1, "White studio", "#F2F2F2"), (2, "Blue hour", "#3C5A8C"), (3, "Green field", "#6FA368"))

Plate: TypeAlias = Literal["keep", "cover", "replace"]
Develop: TypeAlias = Callable[[str, bytes], StudioJob]


async def without_template(visit: Visit) -> Response:
    """Cut the car out of each `cc`."""
    plate = _plate(visit)
    return await _take_files(
        visit, lambda _, photo: StudioJob(photo, plate="keep" if plate == "replace" else plate)
    )


async def with_template(visit: Visit) -> Response:
    """Put each `cc` on a template of the user."""
    return await _take_files(visit, partial(_on_template, _template(visit)))


async def with_dynamic_branding(visit: Visit) -> Response:
    """As `with_template`; the first file that is not a `cc` is the logo."""
    template = _template(visit)
    pictures = [files[0] for name, files in visit.asked.files.items() if name != "cc"]
    logo = await stored_file(visit, pictures[0]) if pictures else None
    return await _take_files(visit, _branded(visit, template, logo))


async def with_library_template(visit: Visit) -> Response:
    """Put each `cc` on a backdrop of the library."""
    wanted = visit.asked.number("templateCC")
    colours = {template_id: colour for template_id, _, colour in LIBRARY}
    if wanted not in colours:
        raise Refused("Template not found")
    background = await visit.world.in_thread(lambda: stand_ins.backdrop(colours[wanted]))
    return await _take_files(visit, lambda _, photo: StudioJob(photo, background))


async def replace_plate(visit: Visit) -> Response:
    """Change the plate on each `cc`, and nothing else."""
    plate = _plate(visit)
    picture = await stored_file(visit, *visit.asked.files.get("numPlateImage", ()))
    if plate == "replace" and picture is None:
        raise Refused("numPlateImage is required")
    return await _take_files(
        visit, lambda _, photo: StudioJob(photo, None, True, plate, plate_picture=picture)
    )


async def s3_replace_plate(visit: Visit) -> Response:
    """As `replace_plate`, from addresses."""
    if not isinstance(visit.asked.values["numPlateProcessor"], int):
        raise Refused("numPlateProcessor must be an integer")
    plate = _plate(visit)
    if plate == "replace" and not _is_address(visit.asked.text("numberPlateS3String")):
        raise Refused("numberPlateS3String is required")
    picture = await visit.world.in_thread(lambda: stand_ins.sign("PLATE"))
    return await _take_addresses(
        visit, lambda _, photo: StudioJob(photo, None, True, plate, plate_picture=picture)
    )


async def s3_without_template(visit: Visit) -> Response:
    """Cut the car out of the picture at each address."""
    return await _take_addresses(visit, lambda _, photo: StudioJob(photo))


async def s3_with_template(visit: Visit) -> Response:
    """Put the picture at each address on a template of the user."""
    return await _take_addresses(visit, partial(_on_template, _template(visit)))


async def s3_with_dynamic_branding(visit: Visit) -> Response:
    """As `s3_with_template`; any further field that holds an address is the logo."""
    template = _template(visit)
    named = [value for name, value in visit.asked.values.items() if name not in {"numberPlate", "templateCC"}]
    has_logo = any(isinstance(value, str) and _is_address(value) for value in named)
    logo = await visit.world.in_thread(lambda: stand_ins.sign("LOGO")) if has_logo else None
    return await _take_addresses(visit, _branded(visit, template, logo))


async def stored_file(
    visit: Visit, file: UploadFile | None = None, *, transparent: bool = True
) -> bytes | None:
    """Take in an uploaded picture that is not a car photo; None if there is no file.

    Raises:
        Refused: It is no picture.
    """
    if file is None:
        return None
    try:
        return await visit.world.in_thread(lambda: studio.take_in(file.file, transparent=transparent))
    except NotAPictureError as error:
        raise Refused(f"{file.filename}: {error}") from error


async def _take_files(visit: Visit, develop: Develop) -> Response:
    photos: list[tuple[str, bytes | NotAPictureError]] = []
    for file in visit.asked.files["cc"]:
        try:
            photo: bytes | NotAPictureError = await visit.world.in_thread(partial(studio.take_in, file.file))
        except NotAPictureError as error:
            photo = error
        photos.append((file.filename or "image", photo))
    return _accept(visit, develop, photos)


async def _take_addresses(visit: Visit, develop: Develop) -> Response:
    photos: list[tuple[str, bytes | NotAPictureError]] = []
    for address in visit.asked.texts("clientS3Uris"):
        name = address.partition("?")[0].rpartition("/")[2] or address
        if _is_address(address):
            photos.append((name, await visit.world.in_thread(partial(stand_ins.stand_in, address))))
        else:
            photos.append((name, NotAPictureError("The file cannot be read")))
    cutout = await visit.world.in_thread(stand_ins.stand_in_cutout)
    return _accept(visit, lambda name, photo: replace(develop(name, photo), cutout=cutout), photos)


def _accept(visit: Visit, develop: Develop, photos: list[tuple[str, bytes | NotAPictureError]]) -> Response:
    """Put the good photos into the vehicle's batch, charge them, and answer for each."""
    number_plate = visit.asked.text("numberPlate")
    if visit.asked.values["processType"] not in PROCESS_TYPES:
        raise Refused("processType must be ai or collab")
    jobs = [(name, develop(name, photo)) for name, photo in photos if isinstance(photo, bytes)]
    if len(jobs) > visit.account.credits_left:
        raise Refused("Insufficient credits")
    batch = visit.world.add_pictures(visit.account, number_plate, jobs)
    images = [
        {
            "fileName": name,
            "error": not isinstance(photo, bytes),
            "errorMsg": "" if isinstance(photo, bytes) else str(photo),
        }
        for name, photo in photos
    ]
    return ok({"batchID": batch.batch_id, "images": images}, UPLOADED)


def _plate(visit: Visit) -> Plate:
    plates: dict[int, Plate] = {0: "keep", 1: "cover", 2: "replace"}
    number = visit.asked.number("numPlateProcessor")
    if number not in plates:
        raise Refused("numPlateProcessor must be 0, 1 or 2")
    return plates[number]


def _template(visit: Visit) -> FakeTemplate:
    template = visit.account.templates.get(visit.asked.number("templateCC"))
    if template is None:
        raise Refused("Template not found")
    return template


def _on_template(template: FakeTemplate, name: str, photo: bytes) -> StudioJob:
    """Choose the template's backdrop by the file name (`LeftSide-…`, `Front-…`) and apply its plate and logo."""
    lower = name.lower()
    background = template.background
    if "side" in lower:
        background = template.side or background
    elif "front" in lower or "rear" in lower:
        background = template.front_rear or background
    plate: Plate = "keep"
    if template.treats_plate:
        plate = "replace" if template.plate_picture else "cover"
    return StudioJob(
        photo,
        background,
        plate=plate,
        plate_colour=template.plate_colour,
        plate_picture=template.plate_picture,
        logo=template.logo,
        logo_corner=template.logo_corner,
    )


def _branded(visit: Visit, template: FakeTemplate, logo: bytes | None) -> Develop:
    corner = visit.asked.text("bAlignment", default=template.logo_corner)
    branded = replace(template, logo=logo or template.logo, logo_corner=corner)
    return partial(_on_template, branded)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https", "s3"} and bool(parts.netloc) and len(parts.path) > 1
