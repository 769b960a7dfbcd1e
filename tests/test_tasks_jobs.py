"""An upload that is answered as a task leaves to a job what does not fit into a call, and ends with what came of all of it."""

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import Clock, Connect, opened
from documented import structured, text_of
from job_calls import report_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from paid_calls import drawn
from starlette.applications import Starlette
from task_host import KnowsTasks, about, begun, call, when
from test_job_guards import Person
from uploading import PATH, TOOL, photo_arguments, sent, spent

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

LINKS_TOOL = "uploadS3UrlsWithoutTemplate"
Host = Callable[..., AbstractAsyncContextManager[McpClient]]


@pytest.fixture
def host(connect: Connect) -> Host:
    """Connects a host that knows tasks to a new server that carries out jobs, on the same state folder."""
    return lambda **changes: connect(extensions=[KnowsTasks()], **({"background": True} | changes))


@pytest.fixture
def twelve(photos: Path) -> Path:
    """Two photos more than the API takes in a minute."""
    return drawn(photos / "twelve", 12)


@asynccontextmanager
async def worker(sandbox: Starlette, clock: Clock, photos: Path, tmp_path: Path) -> AsyncGenerator[None]:
    """What `autobg-mcp work` does, for the block."""
    work = opened(sandbox, clock, tmp_path, background=True, image_dirs=(photos,))
    async with work as client, anyio.create_task_group() as group:
        group.start_soon(client.work)
        yield
        group.cancel_scope.cancel()


async def waiting(client: McpClient, clock: Clock, *images: object, **changes: Any) -> tuple[str, str]:
    """The handle of a task that waits for its job, and the job."""
    handle = await begun(client, TOOL, photo_arguments(*images, **changes))
    return handle, await job_of(client, clock)


async def job_of(client: McpClient, clock: Clock) -> str:
    """The job as soon as there is one."""
    for _ in range(100):
        jobs: Any = structured(await client.call_tool("getJobs", {}))["jobs"]
        if jobs:
            return str(jobs[0]["job"])
        await clock.sleep(1)
    raise AssertionError("there is no job")


async def answer(client: McpClient, clock: Clock, handle: str) -> dict[str, Any]:
    """What a task ends with."""
    task = await when(client, handle, clock)
    assert task["status"] == "completed", task
    return dict(structured(CallToolResult.model_validate(task["result"])))


# What it answers


async def test_a_task_leaves_the_rest_to_a_job_and_answers_as_if_one_call_had_sent_all(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        handle, job = await waiting(client, clock, twelve)
        result = await answer(client, clock, handle)
        assert (await report_of(client, job))["photos"] == "2 accepted"
    assert (result["accepted"], result["notSubmitted"], "job" in result) == (12, [], False)
    counts = "sent 12, accepted 12, paid before 0, refused 0, unknown 0"
    assert result["receipt"] == f"12 of 12 in a batch. {counts}; credits 100 → 88, explained: yes."
    assert spent(world) == len(sent(world)) == 12


async def test_links_are_answered_as_photos_are(host: Host, clock: Clock, world: World) -> None:
    links = [f"https://pictures.example/{number}.jpg" for number in range(12)]
    arguments: dict[str, Any] = {"numberPlate": "V-1", "processType": "ai", "clientS3Uris": links}
    async with host(links_per_call=1) as client:
        result = await answer(client, clock, await begun(client, LINKS_TOOL, arguments))
    assert (result["accepted"], spent(world)) == (12, 12)


async def test_a_task_says_how_far_its_job_is_and_until_when(host: Host, clock: Clock, twelve: Path) -> None:
    async with host() as client:
        handle, job = await waiting(client, clock, twelve)
        await clock.sleep(5)
        message = (await about(client, "tasks/get", handle))["statusMessage"]
    assert message.startswith(f"Job {job}: 2 queued; all sent: ")
    assert message.endswith("in about 1 min")


async def test_a_photo_that_the_api_refuses_to_a_job_is_told_with_its_reason(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        handle, _ = await waiting(client, clock, twelve)
        world.fail_next(PATH.removeprefix("/public/api/v1"), "412")
        result = await answer(client, clock, handle)
    [line] = result["notSubmitted"]
    assert line["file"].endswith("11.png")
    assert line["reason"] != "not tried"
    assert "11 of 12 in a batch, 1 not. sent 12, accepted 11, paid before 0, refused 1" in result["receipt"]


async def test_a_photo_that_has_changed_since_it_was_queued_is_told_as_not_sent(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        handle, _ = await waiting(client, clock, twelve)
    (twelve / "12.png").write_bytes(b"something else")
    async with host() as client:
        result = await answer(client, clock, handle)
    [line] = result["notSubmitted"]
    assert "has changed since it was queued" in line["reason"]
    assert "sent 11, accepted 11, paid before 0, refused 0" in result["receipt"]


async def test_a_task_waits_for_the_job_of_an_earlier_call_that_sends_the_same(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        first, _ = await waiting(client, clock, twelve)
        second = await begun(client, TOOL, photo_arguments(twelve))
        results = [await answer(client, clock, handle) for handle in (first, second)]
    assert [(one["accepted"], one["paidBefore"]) for one in results] == [(12, 0), (2, 10)]
    assert spent(world) == 12


async def test_a_person_is_asked_once_for_a_task_and_its_job(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    person = Person()
    async with host(approve="paid", person=person) as client:
        world.fail_next("/user/getUserCreditDetails", "slow", delay_s=6)
        handle = await begun(client, TOOL, photo_arguments(twelve))
        task = await when(client, handle, clock)
        yes: dict[str, Any] = {
            key: {"action": "accept", "content": {"approve": True}} for key in task["inputRequests"]
        }
        await about(client, "tasks/update", handle, inputResponses=yes)
        result = await answer(client, clock, handle)
    assert (len(task["inputRequests"]), result["accepted"], spent(world)) == (1, 12, 12)


async def test_a_job_that_stands_still_for_long_ends_its_task_and_goes_on(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host(daily_credit_limit=11) as client:
        handle, job = await waiting(client, clock, twelve)
        result = await answer(client, clock, handle)
        report = await report_of(client, job)
    assert (result["accepted"], result["queued"], result["job"]) == (11, 1, job)
    assert "the daily limit (AUTOBG_DAILY_CREDIT_LIMIT) is used up" in result["note"]
    assert report["state"].startswith("open")


# After its process


async def test_another_process_goes_on_and_the_next_server_answers_the_whole(
    host: Host, sandbox: Starlette, world: World, clock: Clock, twelve: Path, tmp_path: Path
) -> None:
    async with host() as client:
        handle, _ = await waiting(client, clock, twelve)
    async with worker(sandbox, clock, twelve.parent, tmp_path):
        await clock.sleep(120)
    assert spent(world) == 12
    async with host() as client:
        result = await answer(client, clock, handle)
    assert (result["accepted"], result["paidBefore"], "job" in result) == (12, 0, False)
    assert "credits 100 → 88, explained: yes" in result["receipt"]
    assert spent(world) == 12


@pytest.mark.parametrize("repeats_known_h", [24, 0])
async def test_the_next_server_waits_for_the_job_again(
    repeats_known_h: float, host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host(duplicate_window_h=repeats_known_h) as client:
        handle, _ = await waiting(client, clock, twelve)
    async with host(duplicate_window_h=repeats_known_h) as client:
        assert (await about(client, "tasks/get", handle))["status"] == "working"
        result = await answer(client, clock, handle)
    assert (result["accepted"], result["paidBefore"], spent(world)) == (12, 0, 12)


async def test_the_end_of_a_server_stops_no_job_of_its_tasks(host: Host, clock: Clock, twelve: Path) -> None:
    async with host() as client:
        _, job = await waiting(client, clock, twelve)
    async with host() as client:
        assert (await report_of(client, job))["state"].startswith("open")


async def test_a_clock_that_is_set_back_keeps_no_server_from_a_task_whose_process_was_killed(
    host: Host, world: World, clock: Clock, twelve: Path, tmp_path: Path
) -> None:
    async with host() as client:
        handle, _ = await waiting(client, clock, twelve)
    with closing(sqlite3.connect(tmp_path / "state" / "tasks.sqlite3")) as db, db:
        db.execute("UPDATE tasks SET owner = 'killed', lease_until = ?", (clock.wall_s() + 10,))
    clock.set_back(3 * 3600)
    async with host() as client:
        begun_s = clock.now_s
        await answer(client, clock, handle)
    assert (clock.now_s - begun_s < 1800, spent(world)) == (True, 12)


@pytest.mark.parametrize("why", ["read-only", "folder gone"])
async def test_what_keeps_the_next_server_from_a_task_does_not_say_that_nothing_was_spent(
    why: str, host: Host, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        handle, _ = await waiting(client, clock, twelve)
    if why == "folder gone":
        await anyio.Path(twelve).rename(twelve.parent / "elsewhere")
    async with host(read_only=why == "read-only") as client:
        task = await when(client, handle, clock)
    told = text_of(CallToolResult.model_validate(task["result"]))
    assert "listBatches tells what it has sent" in told
    assert "Credits spent: unknown" in told


# How it ends


@pytest.mark.parametrize("by", ["its own server", "another server", "the next server"])
async def test_a_cancelled_task_stops_its_job(
    by: str, host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client, host() as other:
        handle, job = await waiting(client, clock, twelve)
        if by != "the next server":
            await about(client if by == "its own server" else other, "tasks/cancel", handle)
    async with host() as last:
        await about(last, "tasks/cancel", handle)
        assert (await about(last, "tasks/get", handle))["status"] == "cancelled"
        await clock.sleep(300)
        assert (await report_of(last, job))["photos"] == "2 stopped"
    assert spent(world) == 10


async def test_what_is_left_to_a_job_after_another_server_has_cancelled_is_not_sent(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    world.fail_next(PATH.removeprefix("/public/api/v1"), "slow", delay_s=6, after=9)
    async with host() as client, host() as other:
        handle = await begun(client, TOOL, photo_arguments(twelve))
        await about(other, "tasks/cancel", handle)
        await clock.sleep(300)
    assert spent(world) == 10


async def test_a_task_that_has_ended_stops_no_job_any_more(host: Host, clock: Clock, twelve: Path) -> None:
    async with host(daily_credit_limit=11) as client:
        handle, job = await waiting(client, clock, twelve)
        await answer(client, clock, handle)
        await about(client, "tasks/cancel", handle)
        assert (await report_of(client, job))["state"].startswith("open")


@pytest.mark.parametrize("is_gone", [False, True])
async def test_of_a_stopped_job_a_task_tells_what_was_not_sent_and_sends_none_of_it(
    is_gone: bool, host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    async with host() as client:
        handle, job = await waiting(client, clock, twelve)
        if not is_gone:
            await client.call_tool("stopJob", {"job": job})
            result = await answer(client, clock, handle)
    async with host() as client:
        await client.call_tool("stopJob", {"job": job})
        result = await answer(client, clock, handle)
        await clock.sleep(300)
    assert (result["accepted"], len(result["notSubmitted"]), spent(world)) == (10, 2, 10)
    assert f"Job {job} has ended before they were sent" in result["receipt"]
    assert "Ask the user whether they are to be sent after all" in result["next"]


# A plan


async def test_a_plan_that_is_started_as_a_task_ends_when_all_is_sent(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    vehicles: list[Any] = [{"vehicle": "V-1", "photos": [str(twelve)]}]
    async with host() as client:
        plan = structured(await client.call_tool("processVehicles", {"vehicles": vehicles}))["plan"]
        result = await answer(client, clock, await begun(client, "processVehicles", {"plan": plan}))
    assert result["summary"] == ["12 photos of 1 vehicle queued", "photos by now: 12 accepted"]
    assert spent(world) == 12


async def test_the_next_server_waits_for_the_job_of_a_plan_and_a_cancelled_one_sends_no_more(
    host: Host, world: World, clock: Clock, twelve: Path
) -> None:
    vehicles: list[Any] = [{"vehicle": "V-1", "photos": [str(twelve)]}]
    async with host() as client:
        plan = structured(await client.call_tool("processVehicles", {"vehicles": vehicles}))["plan"]
        handle = await begun(client, "processVehicles", {"plan": plan})
    async with host() as client:
        assert (await about(client, "tasks/get", handle))["status"] == "working"
        await about(client, "tasks/cancel", handle)
        await clock.sleep(300)
    assert spent(world) < 12


async def test_a_plan_is_still_told_at_once(host: Host, twelve: Path) -> None:
    async with host() as client:
        assert isinstance(await call(client, "processVehicles", {"folder": str(twelve)}), CallToolResult)
