"""Jobs as a call that knows its vehicles begins them, and the photos that they send."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.job import Job
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.jobs.rows import new_id
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate, UploadS3UrlsWithoutTemplate

FILES, LINKS = UploadImagesWithoutTemplate, UploadS3UrlsWithoutTemplate
LASTS_S = 48 * 3600.0


async def begin(
    jobs: Jobs,
    account: str,
    now: float,
    vehicles: Sequence[PlannedVehicle],
    per_request: Mapping[str, int],
    *,
    download: bool = False,
) -> str:
    """Begin a job whose results are looked for; answers its id."""
    job = Job(
        id=new_id("j"),
        account=account,
        host="night",
        made_by="processVehicles",
        created_at=now,
        ends_at=now + LASTS_S,
        approved=False,
        follows=True,
        download=download,
    )
    await jobs.queue.offer(await jobs.book.begin(job, vehicles, per_request), due_at=now)
    return job.id


def cars_by_files(folder: Path, cars: int, photos: int) -> list[PlannedVehicle]:
    """Vehicles `CAR-0`, …, each with photos `car-0-0.png`, … that are drawn now."""
    folder.mkdir(parents=True, exist_ok=True)

    def photo(car: int, number: int) -> PlannedPhoto:
        path = draw(folder / f"car-{car}-{number}.png", car * 1000 + number)
        return PlannedPhoto(str(path), None)

    return [
        PlannedVehicle(
            f"CAR-{car}",
            FILES.tool,
            {"numberPlate": f"CAR-{car}", "numPlateProcessor": 0, "processType": "ai"},
            [photo(car, number) for number in range(photos)],
        )
        for car in range(cars)
    ]


def cars_by_links(cars: int, photos: int) -> list[PlannedVehicle]:
    """Vehicles `LINKED-0`, …, each with photos `linked-0-0.jpg`, …."""
    return [
        PlannedVehicle(
            f"LINKED-{car}",
            LINKS.tool,
            {"numberPlate": f"LINKED-{car}", "processType": "ai"},
            [
                PlannedPhoto(f"https://pictures.example/linked-{car}-{number}.jpg", None)
                for number in range(photos)
            ],
        )
        for car in range(cars)
    ]


def draw(path: Path, number: int) -> Path:
    """A small photo like no other, for numbers up to 2**24."""
    red, green, blue = number.to_bytes(3, "big")
    Image.new("RGB", (8, 8), (red, green, blue)).save(path)
    return path
