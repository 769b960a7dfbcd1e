"""Every guard holds for what goes on after a call as it holds for the call: off, read-only, approval, limit, fence, cancel."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import Clock, Connect, opened
from documented import refusal_of, structured, text_of
from job_calls import ended, queued_job, report_of
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult
from paid_calls import drawn
from uploading import sent, spent, upload

from autobg_mcp.errors import ConfigurationError
from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


class Person:
    """Answers every question, and keeps what was asked."""

    def __init__(self, *, says: bool = True) -> None:
        self.says = says
        self.asked: list[str] = []

    async def __call__(self, _context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": self.says})


@pytest.fixture
def twelve(photos: Path) -> Path:
    return drawn(photos / "twelve", 12)


@pytest.fixture
async def job(connect: Connect, twelve: Path) -> str:
    """A job of two photos, whose server is gone."""
    async with connect(background=True) as host:
        return await queued_job(host, twelve)


# Off


async def test_off_a_call_queues_nothing(connect: Connect, twelve: Path) -> None:
    async with connect(background=False) as host:
        result = structured(await upload(host, twelve))
    assert "job" not in result
    assert "make the same call again" in str(result["next"])


@pytest.mark.parametrize("changes", [{"background": False}, {"background": True, "read_only": True}])
async def test_off_or_read_only_a_server_carries_no_job_on(
    changes: dict[str, Any], connect: Connect, world: World, job: str, clock: Clock
) -> None:
    async with connect(**changes) as host:
        await clock.sleep(300)
        assert (await report_of(host, job))["photos"] == "2 queued"
    assert spent(world) == 10


async def test_read_only_jobs_can_be_seen_and_not_stopped(connect: Connect, job: str) -> None:
    async with connect(read_only=True) as host:
        names = {tool.name for tool in (await host.list_tools()).tools}
        text = await refusal_of(host, "stopJob", {"job": job})
    assert "getJobs" in names
    assert "stopJob is switched off by AUTOBG_READ_ONLY" in text


# Approval


async def test_a_person_is_asked_once_for_a_call_and_what_goes_on_after_it(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    person = Person()
    async with connect(background=True, approve="paid", person=person) as host:
        await ended(host, clock, await queued_job(host, twelve))
    assert len(person.asked) == 1
    assert "submit 12 pictures" in person.asked[0]
    assert spent(world) == 12


async def test_what_a_person_did_not_allow_is_not_queued(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, approve="paid", person=Person(says=False)) as host:
        assert "did not approve" in text_of(await upload(host, twelve))
        assert structured(await host.call_tool("getJobs", {}))["jobs"] == []
    assert spent(world) == 0


async def test_a_job_that_nobody_was_asked_about_waits_where_a_person_has_to_be(
    connect: Connect, world: World, job: str, clock: Clock
) -> None:
    async with connect(background=True, approve="paid") as host:
        await clock.sleep(120)
        [why] = (await report_of(host, job))["waits"]
    assert "AUTOBG_APPROVE=paid, and nobody has allowed this job's photos" in why
    assert spent(world) == 10


# The limit of the day


async def test_credits_that_a_job_counts_on_are_set_aside_from_the_limit_of_the_day(
    connect: Connect, world: World, twelve: Path, car: Path
) -> None:
    async with connect(background=True, daily_credit_limit=12) as host:
        await queued_job(host, twelve)
        text = text_of(await upload(host, car))
        limit: Any = structured(await host.call_tool("getCreditSummary", {}))["dailyLimit"]
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today, beside 2 set aside for jobs" in text
    assert limit == {"limit": 12, "used": 10, "forJobs": 2, "left": 0}
    assert spent(world) == 10


async def test_credits_of_a_stopped_job_are_free_again(
    connect: Connect, world: World, twelve: Path, car: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=12) as host:
        job = await queued_job(host, twelve)
        await host.call_tool("stopJob", {"job": job})
        await clock.sleep(61)
        structured(await upload(host, car))
    assert spent(world) == 11


async def test_a_job_spends_no_more_than_the_limit_of_the_day(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True, daily_credit_limit=11) as host:
        await queued_job(host, twelve)
        await clock.sleep(1200)
    assert spent(world) == 11


# The fence


async def test_a_photo_that_the_fence_no_longer_holds_is_not_sent(
    connect: Connect, world: World, job: str, photos: Path, clock: Clock
) -> None:
    async with connect(background=True, image_dirs=(photos / "cars",)) as host:
        report = await ended(host, clock, job)
    assert report["photos"] == "2 refused"
    assert spent(world) == 10


# Cancelling


async def test_a_cancelled_call_queues_nothing(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.4, after=3)
    async with connect(background=True) as host:
        with anyio.move_on_after(0.3):
            await upload(host, twelve)
        await anyio.sleep(0.3)
        assert structured(await host.call_tool("getJobs", {}))["jobs"] == []
    assert len(sent(world)) < 10


async def test_a_process_that_may_send_nothing_by_itself_says_so(tmp_path: Path, clock: Clock) -> None:
    async with opened(None, clock, tmp_path, background=False) as client:
        with pytest.raises(ConfigurationError, match="AUTOBG_BACKGROUND=off"):
            await client.work(once=True)
