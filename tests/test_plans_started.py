"""Cars in, pictures out, in two calls: a plan is told, and then exactly that plan is sent."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from job_calls import ended, report_of
from mcp import Client as McpClient
from paid_calls import drawn
from PIL import Image
from slow_api import SlowApi
from starlette.applications import Starlette
from test_job_guards import Person
from tokens import tokens
from uploading import sent, spent, upload

from autobg_mcp.sandbox import SandboxOptions, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=20, credits=5000)


@pytest.fixture
def park(photos: Path) -> Path:
    """Two cars with three photos each."""
    folder = photos / "park"
    folder.mkdir()
    for car in ("AB-123", "CD-456"):
        drawn(folder / car, 3)
        for photo in (folder / car).iterdir():
            Image.new("RGB", (9, 9), (ord(car[0]), int(photo.stem), 7)).save(photo)
    return folder


async def process(host: McpClient, **arguments: Any) -> dict[str, Any]:
    return dict(structured(await host.call_tool("processVehicles", arguments)))


async def started(host: McpClient, folder: Path, **arguments: Any) -> dict[str, Any]:
    """What starting the plan of a folder answers."""
    plan = await process(host, folder=str(folder), **arguments)
    return await process(host, plan=plan["plan"])


async def test_a_plan_sends_nothing_and_the_call_with_its_name_sends_all_of_it(
    connect: Connect, world: World, park: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        plan = await process(host, folder=str(park))
        await clock.sleep(120)
        assert spent(world) == 0
        begun = await process(host, plan=plan["plan"])
        report = await ended(host, clock, begun["job"])
    assert begun["next"] == f"getJobs job={begun['job']}"
    assert (report["photos"], spent(world)) == ("6 accepted", 6)


async def test_results_are_saved_as_they_finish(
    connect: Connect, park: Path, tmp_path: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        begun = await started(host, park, download=True)
        report = await ended(host, clock, begun["job"])
    assert report["vehicles"] == "2 done"
    assert len([path for path in (tmp_path / "results").rglob("*") if path.is_file()]) == 6


async def test_vehicles_go_from_queued_over_in_work_to_review(
    connect: Connect, park: Path, clock: Clock
) -> None:
    seen = []
    async with connect(background=True) as host:
        begun = await started(host, park)
        for _ in range(200):
            seen.append((await report_of(host, begun["job"]))["vehicles"])
            await clock.sleep(2)
    assert (seen[0], seen[-1]) == ("2 queued", "2 to review")
    assert any("in work" in one for one in seen)


async def test_a_plan_is_started_once(connect: Connect, world: World, park: Path, clock: Clock) -> None:
    async with connect(background=True) as host:
        plan = await process(host, folder=str(park))
        first = await process(host, plan=plan["plan"])
        again = await process(host, plan=plan["plan"])
        await ended(host, clock, first["job"])
    assert again["job"] == first["job"]
    assert "this plan was started before; nothing was added" in again["summary"]
    assert spent(world) == 6


async def test_what_changed_since_the_plan_is_left_out_and_told(
    connect: Connect, world: World, park: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        plan = await process(host, folder=str(park))
        (park / "AB-123" / "01.png").unlink()
        Image.new("RGB", (20, 20), "blue").save(park / "CD-456" / "02.png")
        begun = await process(host, plan=plan["plan"])
        await ended(host, clock, begun["job"])
    assert sorted(begun["notSent"]) == ["AB-123/01.png: is gone", "CD-456/02.png: has changed since"]
    assert spent(world) == 4


async def test_a_plan_for_what_a_job_sends_leaves_that_out(connect: Connect, park: Path) -> None:
    async with connect(background=True) as host:
        await started(host, park)
        again = await process(host, folder=str(park))
    assert "6 queued, see getJobs" in "\n".join(again["summary"])
    assert "plan" not in again


async def test_a_car_that_a_job_will_send_has_one_word_in_a_plan_and_in_the_job(
    connect: Connect, park: Path
) -> None:
    async with connect(background=True) as host:
        begun = await started(host, park)
        again = await process(host, folder=str(park))
        report = await report_of(host, begun["job"])
    assert (report["vehicles"], again["summary"][0]) == ("2 queued", "2 vehicles: 2 queued")


async def test_a_photo_that_a_job_is_sending_right_now_is_in_no_doubt_for_a_plan(
    connect: Connect, sandbox: Starlette, world: World, park: Path, clock: Clock
) -> None:
    api = SlowApi(sandbox, clock)
    api.slow_s["WithoutTemplateCC"] = 30
    async with connect(background=True, api=api) as host:
        await started(host, park)
        while not spent(world):
            await clock.sleep(1)
        again = await process(host, folder=str(park))
    assert "6 photos: 0 to send, 0 paid before, 6 queued" in again["summary"][1]


async def test_a_person_is_asked_once_about_a_whole_plan(
    connect: Connect, world: World, park: Path, clock: Clock
) -> None:
    person = Person()
    async with connect(background=True, approve="paid", person=person) as host:
        begun = await started(host, park)
        await ended(host, clock, begun["job"])
    assert len(person.asked) == 1
    assert "submit 6 photos of 2 vehicles for up to 6 credits?" in person.asked[0]
    assert spent(world) == 6


async def test_a_plan_that_a_person_does_not_allow_sends_nothing(
    connect: Connect, world: World, park: Path, clock: Clock
) -> None:
    async with connect(background=True, approve="paid", person=Person(says=False)) as host:
        plan = await process(host, folder=str(park))
        text = text_of(await host.call_tool("processVehicles", {"plan": plan["plan"]}))
        await clock.sleep(120)
    assert "the user did not approve. Nothing was sent." in text
    assert spent(world) == 0


async def test_off_a_plan_is_told_and_cannot_be_started(connect: Connect, park: Path) -> None:
    async with connect(background=False) as host:
        plan = await process(host, folder=str(park))
        text = text_of(await host.call_tool("processVehicles", {"plan": plan["plan"]}))
    assert "AUTOBG_BACKGROUND=off: nothing is sent but by a call" in text


async def test_a_plan_of_another_account_is_none(connect: Connect, park: Path) -> None:
    async with connect(background=True) as host:
        plan = await process(host, folder=str(park))
    async with connect(background=True, api_key="another-key-0123456789") as host:
        text = text_of(await host.call_tool("processVehicles", {"plan": plan["plan"]}))
    assert f"there is no plan “{plan['plan']}”" in text


async def test_a_plan_waits_where_the_limit_of_the_day_is_used_up(
    connect: Connect, world: World, park: Path, car: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=1) as host:
        await upload(host, car)
        begun = await started(host, park)
        await clock.sleep(60)
        [why] = (await report_of(host, begun["job"]))["waits"]
    assert "the daily limit (AUTOBG_DAILY_CREDIT_LIMIT) is used up" in why
    assert sent(world) == [car.name]


async def test_linked_cars_go_one_request_a_car(connect: Connect, world: World, clock: Clock) -> None:
    cars = [
        {"vehicle": f"V-{car}", "links": [f"https://cars.example/{car}/{one}.jpg" for one in range(20)]}
        for car in range(3)
    ]
    async with connect(background=True) as host:
        plan = await process(host, vehicles=cars)
        begun = await process(host, plan=plan["plan"])
        await ended(host, clock, begun["job"])
    paths = [request.path for request in world.requests if "upload" in request.path]
    assert (len(paths), spent(world)) == (3, 60)


@pytest.mark.long
async def test_a_thousand_photos_need_three_calls_and_fifteen_hundred_tokens(
    connect: Connect, photos: Path, clock: Clock
) -> None:
    for number in range(1000):
        path = photos / f"stock/car-{number // 25:02}/{number % 25}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number // 25, number % 25, 9)).save(path)
    async with connect(background=True) as host:
        plan = await host.call_tool("processVehicles", {"folder": "stock", "download": True})
        begun = await host.call_tool("processVehicles", {"plan": structured(plan)["plan"]})
        await clock.sleep(7200)
        done = await host.call_tool("getJobs", {"job": structured(begun)["job"]})
    assert "1,000 accepted" in text_of(done)
    assert "40 done" in text_of(done)
    assert tokens("\n".join(map(text_of, (plan, begun, done)))) <= 1500


async def test_jobs_take_turns(connect: Connect, world: World, photos: Path, clock: Clock) -> None:
    for number in range(20):
        path = photos / f"large/car-{number:02}/1.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (8, 8), (number, 1, 9)).save(path)
    (photos / "small/car-x").mkdir(parents=True)
    Image.new("RGB", (8, 8), (99, 1, 9)).save(photos / "small/car-x/x.png")
    async with connect(background=True) as host:
        await started(host, photos / "large")
        small = await started(host, photos / "small")
        await ended(host, clock, small["job"])
    assert sent(world).index("x.png") < 6
