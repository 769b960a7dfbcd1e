"""What is told of jobs: the time they take, what stands still, and what a repeat, a stop or a terminal leaves to them."""

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from conftest import Clock, Connect, opened
from documented import structured
from job_calls import ended, queued, report_of
from paid_calls import drawn
from starlette.applications import Starlette
from uploading import photo_arguments, spent, upload

from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate

pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=60)


@pytest.fixture
def twelve(photos: Path) -> Path:
    return drawn(photos / "twelve", 12)


async def test_a_job_that_stands_still_promises_no_time(connect: Connect, twelve: Path, clock: Clock) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        result = await queued(host, twelve)
        await clock.sleep(180)
        report = await report_of(host, result["job"])
        waits = structured(await host.call_tool("waitForBatch", {"batchID": "1206", "waitSeconds": 1}))
    assert ("doneBy" in result, "doneBy" in report) == (True, False)
    assert f"and stands still: getJobs job={result['job']} says why" in str(waits["next"])


async def test_a_wait_until_another_day_names_the_day(connect: Connect, twelve: Path, clock: Clock) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        result = await queued(host, twelve)
        await clock.sleep(180)
        [why] = (await report_of(host, result["job"]))["waits"]
    assert re.search(r"since \d\d:\d\d, tried again at 00:00 on \d{4}-\d\d-\d\d$", why)


async def test_a_young_jobs_rate_is_that_of_its_own_minutes(
    connect: Connect, photos: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, drawn(photos / "forty", 40))
        await clock.sleep(130)
        report = await report_of(host, result["job"])
    assert 4 < report["perMinute"] < 11


async def test_a_server_that_has_just_queued_photos_carries_them_on(connect: Connect, twelve: Path) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        report = await report_of(host, result["job"])
    assert (report["waits"], report["doneBy"]) == ([], result["doneBy"])


async def test_the_same_call_again_leaves_to_the_job_what_it_sends_anyway(
    connect: Connect, world: World, photos: Path
) -> None:
    forty = drawn(photos / "forty", 40)
    async with connect(background=True) as host:
        first = await queued(host, forty)
        again = await queued(host, forty)
        status = structured(await host.call_tool("waitForBatch", {"batchID": "1206", "waitSeconds": 1}))
    assert (again["job"], again["queued"], again["paidBefore"]) == (first["job"], 30, 10)
    assert (status["pending"], status["queued"]) == (40, 30)
    assert spent(world) == 10


async def test_what_a_job_stood_still_with_is_sent_once_nothing_holds_it(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        await queued(host, twelve)
        await clock.sleep(180)
    async with connect(background=True, daily_credit_limit=20) as host:
        await upload(host, twelve / "12.png")
        await clock.sleep(120)
    assert spent(world) == 12


async def test_the_same_photo_of_another_car_is_not_left_to_a_job(
    connect: Connect, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        await queued(host, twelve)
        vehicle = {"vehicle": "V-2", "photos": [str(twelve)]}
        plan = structured(await host.call_tool("processVehicles", {"vehicles": [vehicle]}))
    assert "12 photos: 12 to send" in str(plan["summary"])


async def test_a_job_says_in_few_words_why_a_photo_was_refused(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    world.fail_next("WithoutTemplateCC", "no_car", after=11)
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        report = await ended(host, clock, result["job"])
    [reason] = report["refused"]
    assert reason.startswith("1: “the API says that it finds no car on the picture (HTTP 200, 'No car")


async def test_a_car_of_which_a_call_has_sent_some_is_partly_sent_for_its_job_too(
    connect: Connect, twelve: Path
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        before = await report_of(host, result["job"])
        await host.call_tool("stopJob", {"job": result["job"]})
        after = await report_of(host, result["job"])
    assert (before["vehicles"], after["vehicles"]) == ("1 partly", "1 partly")


async def test_a_stopped_job_says_that_its_count_may_be_seconds_old(
    connect: Connect, photos: Path, world: World, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, drawn(photos / "forty", 40))
        while spent(world) < 12:
            await clock.sleep(0.1)
        stopped = structured(await host.call_tool("stopJob", {"job": result["job"]}))
    assert "what was sent in the last seconds may still be accepted" in str(stopped["note"])


async def test_a_job_that_stood_still_and_is_stopped_has_sent_nothing_lately(
    connect: Connect, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        result = await queued(host, twelve)
        await clock.sleep(180)
        stopped = structured(await host.call_tool("stopJob", {"job": result["job"]}))
    assert (stopped["notSent"], "note" in stopped) == (1, False)


async def test_a_stopped_job_says_what_sends_the_rest(connect: Connect, twelve: Path) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        stopped = structured(await host.call_tool("stopJob", {"job": result["job"]}))
    assert stopped["next"] == (
        "waitForBatch batchID=1206; uploadImagesWithoutTemplate as before sends what was not sent"
    )


async def test_without_a_process_that_lasts_a_call_says_what_carries_the_rest_on(
    sandbox: Starlette, twelve: Path, clock: Clock, tmp_path: Path
) -> None:
    tool = UploadImagesWithoutTemplate.from_arguments(photo_arguments(twelve))
    async with opened(sandbox, clock, tmp_path, background=True, image_dirs=(twelve,)) as client:
        result = await client.call(tool)
    assert (result.queued, result.doneBy) == (2, None)
    assert "no process is running that carries it on" in str(result.note)
    assert "`autobg-mcp work --once`" in str(result.note)


async def test_what_a_job_did_not_take_is_told_with_the_way_to_the_reasons(
    connect: Connect, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        (twelve / "12.png").unlink()
        report = await ended(host, clock, result["job"])
        told = structured(await host.call_tool("getJobs", {}))
    assert report["photos"] == "1 accepted, 1 refused"
    assert str(told["next"]).startswith(f"getJobs job={result['job']} says why photos were refused")


async def test_a_job_that_waits_is_to_be_told_to_the_user(
    connect: Connect, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        await queued(host, twelve)
        await clock.sleep(180)
        told = structured(await host.call_tool("getJobs", {}))
    assert "getJobs again once what it waits for is over: tell the user" in str(told["next"])


async def test_a_job_whose_photos_are_all_sent_says_what_can_be_seen_already(
    connect: Connect, photos: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        vehicle = {"vehicle": "V-2", "photos": [str(photos / "cars")]}
        plan = structured(await host.call_tool("processVehicles", {"vehicles": [vehicle]}))
        await host.call_tool("processVehicles", {"plan": plan["plan"]})
        await clock.sleep(30)
        told = structured(await host.call_tool("getJobs", {}))
    assert told["next"] == (
        "getJobs again in a few minutes: all is sent, results are looked for; "
        "listBatches, then reviewBatch for each that is done"
    )


@pytest.fixture
def three_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is three hours ahead of UTC."""
    monkeypatch.setenv("TZ", "EAST-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set")
@pytest.mark.usefixtures("three_hours_east")
async def test_every_time_in_an_answer_is_that_of_one_clock(
    connect: Connect, twelve: Path, clock: Clock
) -> None:
    here = datetime.fromtimestamp(clock.wall_s(), timezone(timedelta(hours=3)))
    hours = {f"{moment:%H:}" for moment in (here, here + timedelta(minutes=2))}
    async with connect(background=True) as host:
        await queued(host, twelve)
        again = await queued(host, twelve)
    [submitted] = re.findall(r"submitted at \S+ (\d\d:)\d\d EAST", again["note"])
    assert {submitted, again["doneBy"][:3]} <= hours
