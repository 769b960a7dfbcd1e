"""Questions about jobs are answered in few words and at once, however much there is to do."""

import sqlite3
import time
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Clock, opened
from starlette.applications import Starlette
from tokens import tokens

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.jobs.job import PhotoNote, Wait
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.jobs.queue import JobTurn
from autobg_mcp.tools.begun import new_job
from autobg_mcp.tools.jobs import GetJobs, StopJob

pytestmark = pytest.mark.anyio

TOOL = "uploadImagesWithoutTemplate"


@pytest.fixture
async def client(sandbox: Starlette, clock: Clock, tmp_path: Path) -> AsyncGenerator[Client]:
    async with opened(sandbox, clock, tmp_path) as client:
        yield client


async def large(client: Client, vehicles: int) -> str:
    """A job of so many vehicles with 25 photos each, some of them accepted, refused and waiting for long reasons."""
    context = client.context(Call())
    job, book = replace(new_job("processVehicles", context), follows=True), context.jobs.book
    planned = [
        PlannedVehicle(
            f"V-{number}", TOOL, {}, [PlannedPhoto(f"/p/{number}/{one}.jpg", None) for one in range(25)]
        )
        for number in range(vehicles)
    ]
    turns = await book.begin(job, planned, {TOOL: 1})
    for number, turn in enumerate(turns[:10]):
        notes = {
            0: PhotoNote("accepted", str(1206 + number)),
            1: PhotoNote("refused", None, "The API does not process the picture. " * 9),
        }
        await book.note(turn.vehicle, notes)
    for lane in (TOOL, "results"):
        await context.jobs.signs.wait(context.account.id, Wait(lane, 0, 9e9, f"{lane} stands still " * 3))
    return job.id


@pytest.mark.parametrize("jobs", [1, 8])
async def test_jobs_are_told_in_four_hundred_tokens(jobs: int, client: Client) -> None:
    for _ in range(jobs):
        await large(client, 20)
    assert tokens(str((await client.call(GetJobs())).structured())) <= 400


async def test_a_job_of_twenty_thousand_photos_is_told_and_stopped_in_four_hundred_tokens(
    client: Client,
) -> None:
    job = await large(client, 800)
    assert tokens(str((await client.call(GetJobs(job=job))).structured())) <= 400
    assert tokens(str((await client.call(StopJob(job=job))).structured())) <= 400


async def test_a_job_of_twenty_thousand_photos_is_told_at_once(client: Client) -> None:
    job = await large(client, 800)
    began_s = time.process_time()
    for _ in range(10):
        await client.call(GetJobs(job=job))
    assert (time.process_time() - began_s) / 10 < 0.5


async def test_a_turn_that_a_stopped_job_has_left_leads_to_no_vehicle_of_a_later_one(
    client: Client, clock: Clock
) -> None:
    context = client.context(Call())
    account, jobs = context.account.id, context.jobs
    stopped = await large(client, 1)
    await jobs.queue.offer(await jobs.book.unfinished(account), due_at=clock.wall_s())
    await jobs.book.stop(account, stopped)
    clock.now_s += 31 * 86_400  # by then it is forgotten
    await large(client, 1)
    turn = await jobs.queue.take(account, full=(), besides=())
    assert turn is not None
    assert await jobs.book.vehicle_work(turn.vehicle) is None


async def test_when_jobs_had_their_turns_is_forgotten_of_those_that_are_long_gone(
    client: Client, clock: Clock, tmp_path: Path
) -> None:
    context = client.context(Call())
    account, queue = context.account.id, context.jobs.queue
    for number in range(5):
        await queue.offer([JobTurn(account, f"j-{number}", number, TOOL)], due_at=clock.wall_s())
        turn = await queue.take(account, full=(), besides=())
        assert turn is not None
        await queue.give_back(turn, due_at=None)
        await clock.sleep(2 * 86_400)
    with closing(sqlite3.connect(tmp_path / "state" / "jobs.sqlite3")) as db:
        assert db.execute("SELECT job FROM took").fetchall() == [("j-4",)]
