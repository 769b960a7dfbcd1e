"""What does not fit into a call goes on by itself, in whichever process is there."""

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from job_calls import ended, queued, report_of
from mcp import Client as McpClient
from paid_calls import drawn
from uploading import PATH, sent, spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

UPLOAD = PATH.removeprefix("/public/api/v1/images")
NAMES = [f"{number:02}.png" for number in range(1, 13)]


@pytest.fixture
def twelve(photos: Path) -> Path:
    return drawn(photos / "twelve", 12)


async def test_what_does_not_fit_into_a_call_is_sent_after_it(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        report = await ended(host, clock, result["job"])
    assert (result["accepted"], result["queued"], report["photos"]) == (10, 2, "2 accepted")
    assert sent(world) == NAMES
    assert spent(world) == 12


async def test_the_answer_says_when_the_rest_is_sent_and_what_to_do_next(
    connect: Connect, twelve: Path
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
    assert "in about 1 min" in result["doneBy"]
    assert result["next"] == "waitForBatch batchID=1206"
    assert result["receipt"].startswith("10 of 12 in a batch. sent 10, accepted 10")
    assert "queued 2" in result["receipt"]


async def test_photos_that_find_the_allowance_used_up_are_all_queued(
    connect: Connect, world: World, twelve: Path, car: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        await upload(host, *(twelve / name for name in NAMES[:10]))
        result = await queued(host, car)
        assert (result["accepted"], result["next"]) == (0, f"getJobs job={result['job']}")
        await ended(host, clock, result["job"])
    assert sent(world)[-1] == car.name


async def test_waiting_for_a_batch_counts_what_is_queued_for_it_and_says_until_when(
    connect: Connect, twelve: Path
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        status = structured(await host.call_tool("waitForBatch", {"batchID": "1206", "waitSeconds": 5}))
    assert (status["pending"], status["queued"]) == (2, 2)
    assert f"job {result['job']} sends 2 of them by" in str(status["next"])


async def test_what_a_job_has_just_sent_is_not_counted_as_queued_any_more(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        await queued(host, drawn(photos / "forty", 40))
        await clock.sleep(55)
        for _ in range(40):
            await clock.sleep(0.3)
            before = spent(world)
            status = structured(await host.call_tool("waitForBatch", {"batchID": "1206", "waitSeconds": 0}))
            assert 40 - spent(world) <= int(status["queued"]) <= 40 - before  # type: ignore[arg-type]
        assert spent(world) > 10


async def test_a_review_says_what_is_still_to_be_sent(connect: Connect, twelve: Path) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        await host.call_tool("waitForBatch", {"batchID": "1206", "waitSeconds": 5})
        text = text_of(await host.call_tool("reviewBatch", {"batchID": "1206"}))
    assert f"job {result['job']} sends 2 more of it by" in text


async def test_the_next_server_goes_on_where_the_last_one_was_closed(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
    assert len(sent(world)) == 10
    async with connect(background=True) as host:
        await ended(host, clock, result["job"])
    assert (set(sent(world)), spent(world)) == (set(NAMES), 12)


async def test_a_server_that_nobody_calls_carries_jobs_on(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        await queued(host, twelve)
    async with connect(background=True):
        await clock.sleep(180)
    assert (set(sent(world)), spent(world)) == (set(NAMES), 12)


async def test_a_stopped_job_sends_nothing_more_and_lists_what_was_sent(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, drawn(photos / "forty", 40))
        await clock.sleep(70)
        stopped = structured(await host.call_tool("stopJob", {"job": result["job"]}))
        before = spent(world)
        await clock.sleep(300)
    assert stopped["notSent"] == 30 - stopped["accepted"] == 40 - before  # type: ignore[operator]
    assert stopped["batchIDs"] == ["1206"]
    assert spent(world) == before


async def test_a_file_that_changed_since_it_was_queued_is_not_sent_and_told(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        (twelve / "12.png").write_bytes((twelve / "01.png").read_bytes())
        report = await ended(host, clock, result["job"])
    assert report["refused"] == ["1: “'12.png' has changed since it was queued; it is not sent.”"]
    assert sent(world) == NAMES[:-1]


async def test_a_call_that_was_faster_than_the_job_is_not_paid_for_again(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        await clock.sleep(62)
        await upload(host, twelve / "12.png", twelve / "11.png")
        await ended(host, clock, result["job"])
    assert spent(world) == 12


async def test_a_job_is_paid_once_where_repeats_are_not_recognised(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    folder = drawn(photos / "forty", 40)
    async with connect(background=True, duplicate_window_h=0) as host:
        result = await queued(host, folder)
        await clock.sleep(61)
    async with connect(background=True, duplicate_window_h=0) as host:
        await ended(host, clock, result["job"])
    assert spent(world) == 40


async def test_a_repeat_that_is_paid_for_again_is_not_queued(
    connect: Connect, world: World, twelve: Path
) -> None:
    async with connect(background=True, approve="nothing") as host:
        result = structured(await upload(host, twelve, allowDuplicate=True))
    assert "queued" not in result
    assert spent(world) == 10


@pytest.mark.parametrize(("kind", "requests"), [("drop_after", 12), ("drop_before", 13)])
async def test_a_lost_answer_is_settled_by_what_is_free_and_the_photo_is_paid_once(
    kind: Any, requests: int, connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, kind, after=10)
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        report = await ended(host, clock, result["job"], within_s=1800)
    assert report["photos"] == "2 accepted"
    assert (len(sent(world)), spent(world)) == (requests, 12)


async def test_linked_photos_of_a_car_go_together_in_few_requests(
    connect: Connect, world: World, clock: Clock
) -> None:
    links = [f"https://cars.example/{number}.jpg" for number in range(60)]
    arguments = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    async with connect() as host:
        await host.call_tool("uploadS3UrlsWithoutTemplate", arguments)
    assert [
        len(batch.pictures) for account in world.accounts.values() for batch in account.batches.values()
    ] == [60]
    assert len(world.requests) - 2 == 3


# Why a job waits


async def test_a_job_says_that_the_daily_limit_holds_it_until_midnight(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        result = await queued(host, twelve)
        await clock.sleep(180)
        [why] = (await report_of(host, result["job"]))["waits"]
        assert "the daily limit (AUTOBG_DAILY_CREDIT_LIMIT) is used up" in why
        assert re.search(r"tried again at 00:00 on \d{4}-\d\d-\d\d", why)
        await ended(host, clock, result["job"], within_s=90_000)
    assert spent(world) == 12


async def test_a_job_says_that_credits_are_used_up_and_goes_on_when_there_are_some(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        [account] = world.accounts.values()
        account.credits -= 90
        await clock.sleep(180)
        [why] = (await report_of(host, result["job"]))["waits"]
        account.credits += 90
        await ended(host, clock, result["job"], within_s=1800)
    assert "credits are used up" in why


async def test_a_job_outlasts_an_outage_and_says_since_when_the_api_cannot_be_reached(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
        world.fail_next("", "503", times=10)
        whys: list[str] = []
        for _ in range(300):
            await clock.sleep(1)
            whys += (await report_of(host, result["job"]))["waits"]
        await ended(host, clock, result["job"], within_s=7200)
    assert any("the API cannot be reached" in why for why in whys)
    assert spent(world) == 12


async def test_a_job_says_that_no_process_carries_it_on(connect: Connect, twelve: Path, clock: Clock) -> None:
    async with connect(background=True) as host:
        result = await queued(host, twelve)
    await clock.sleep(10)
    async with connect() as host:
        [why] = (await report_of(host, result["job"]))["waits"]
    assert why.startswith("no process is running that carries it on")
    assert "autobg-mcp work" in why


async def test_a_job_gives_up_after_its_hours_and_lists_what_it_did_not_send(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, job_hours=0.5, daily_credit_limit=10) as host:
        result = await queued(host, twelve)
        report = await ended(host, clock, result["job"], within_s=3600)
    assert report["state"].startswith("expired")
    assert report["photos"] == "2 stopped"


async def test_a_job_that_does_not_exist_is_an_error_that_names_the_way(client: McpClient) -> None:
    text = text_of(await client.call_tool("getJobs", {"job": "j-nothing"}))
    assert "there is no job “j-nothing”" in text
    assert "Call getJobs for the jobs there are" in text
