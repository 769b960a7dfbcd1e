"""What plans tell: what was sent meanwhile, what stands in the way, and when all is sent."""

from pathlib import Path

import anyio
import pytest
from conftest import Clock, Connect
from job_calls import ended
from paid_calls import drawn
from PIL import Image
from test_plans_started import process, started
from uploading import spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def park(photos: Path) -> Path:
    """Two cars with three photos each."""
    (photos / "park").mkdir()
    for number, car in enumerate(("AB-123", "CD-456")):
        drawn(photos / "park" / car, 3)
        for photo in (photos / "park" / car).iterdir():
            Image.new("RGB", (9, 9), (number, int(photo.stem), 7)).save(photo)
    return photos / "park"


async def test_what_a_job_has_sent_is_paid_in_a_plan_that_is_made_meanwhile(
    connect: Connect, photos: Path, clock: Clock
) -> None:
    (photos / "lot").mkdir()
    drawn(photos / "lot" / "AB-123", 12)
    async with connect(background=True) as host:
        await started(host, photos / "lot")
        await clock.sleep(30)
        plan = await process(host, folder=str(photos / "lot"))
    assert "12 photos: 0 to send, 5 paid before, 7 queued, see getJobs" in plan["summary"]
    assert str(plan["next"]).startswith("getJobs")


async def test_off_a_plan_says_what_to_do_instead_of_starting_it(connect: Connect, park: Path) -> None:
    async with connect(background=False) as host:
        plan = await process(host, folder=str(park))
    assert plan["next"].startswith("Upload vehicle by vehicle, or ask the person")


async def test_a_started_plan_says_that_credits_are_too_few_and_promises_no_time(
    connect: Connect, park: Path
) -> None:
    async with connect(background=True, daily_credit_limit=4) as host:
        begun = await started(host, park)
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 4 credits today for 6 pictures" in begun["summary"]
    assert "doneBy" not in begun


async def test_a_plan_tells_the_time_by_the_clock_here(connect: Connect, park: Path) -> None:
    async with connect(background=True) as host:
        plan = await process(host, folder=str(park))
        begun = await process(host, plan=plan["plan"])
    assert f"all sent by {begun['doneBy']}, if started now" in plan["summary"]


async def test_a_started_plan_counts_cars_as_the_plan_did(connect: Connect, photos: Path) -> None:
    for number, name in enumerate(("AB-123", "AB 123")):
        (photos / "two" / name).mkdir(parents=True)
        Image.new("RGB", (9, 9), (number, 3, 7)).save(photos / "two" / name / "1.png")
    async with connect(background=True) as host:
        begun = await started(host, photos / "two")
    assert begun["summary"] == ["2 photos of 2 vehicles queued"]


async def test_what_a_cancelled_call_has_sent_is_paid_in_a_plan(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    twelve, vehicle = drawn(photos / "twelve", 12), {"vehicle": "V-1", "photos": [str(photos / "twelve")]}
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.4, after=3)
    async with connect(background=True) as host:
        with anyio.move_on_after(0.3):
            await upload(host, twelve, numPlateProcessor=0)
        await anyio.sleep(0.3)
        plan = await process(host, vehicles=[vehicle])
    assert f"{12 - spent(world)} to send" in plan["summary"][1]


async def test_a_file_that_was_found_to_be_no_picture_keeps_its_car_from_nothing(
    connect: Connect, park: Path, clock: Clock
) -> None:
    (park / "AB-123" / "04.png").write_bytes(b"a note with a picture's ending")
    async with connect(background=True) as host:
        await ended(host, clock, (await started(host, park, download=True))["job"])
        again = await process(host, folder=str(park))
    assert again["summary"][:2] == [
        "2 vehicles: 2 done",
        "6 photos: 0 to send, 6 paid before; 1 not to be sent, see notSent",
    ]
    assert again["notSent"] == ["AB-123/04.png is no picture"]


async def test_a_file_that_is_a_picture_now_is_planned_again(
    connect: Connect, park: Path, clock: Clock
) -> None:
    late = park / "AB-123" / "04.png"
    late.write_bytes(b"not copied to its end")
    async with connect(background=True) as host:
        await ended(host, clock, (await started(host, park))["job"])
        Image.new("RGB", (12, 9)).save(late)
        again = await process(host, folder=str(park))
    assert "1 to send" in again["summary"][1]
