"""Jobs on a machine that breaks: the file of jobs, the clock, the key, and the answers on the wire."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Clock, Connect, opened
from documented import structured
from job_calls import ended, in_doubt, queued_job, report_of
from paid_calls import drawn
from slow_api import SlowApi
from starlette.applications import Starlette
from test_plans_started import started
from uploading import PATH, spent, upload

from autobg_mcp.errors import StateError
from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

UPLOAD = PATH.removeprefix("/public/api/v1/images")


@pytest.fixture
def twenty(photos: Path) -> Path:
    return drawn(photos / "twenty", 20)


@pytest.fixture
def jobs_file(tmp_path: Path) -> Path:
    """Where jobs are kept."""
    (tmp_path / "state").mkdir(exist_ok=True)
    return tmp_path / "state" / "jobs.sqlite3"


@pytest.fixture
def damaged(jobs_file: Path) -> Path:
    """The file of jobs, which holds none."""
    jobs_file.write_bytes(b"nonsense" * 1000)
    return jobs_file


def forget_turns(jobs_file: Path, job: str) -> None:
    """Leave a job as a process leaves it that dies before it has offered the work."""
    with closing(sqlite3.connect(jobs_file)) as db, db:
        db.execute("DELETE FROM turns WHERE job = ?", (job,))


def as_before_tasks(jobs_file: Path) -> None:
    """Leave the file of jobs as it was before jobs knew tasks."""
    with closing(sqlite3.connect(jobs_file)) as db, db:
        db.execute("ALTER TABLE jobs DROP COLUMN task")
        db.execute("ALTER TABLE photos DROP COLUMN batch_id")
        db.execute("ALTER TABLE vehicles RENAME COLUMN accepted TO taken")
        db.execute("ALTER TABLE minutes RENAME COLUMN accepted TO taken")
        db.execute("UPDATE photos SET state = 'taken' WHERE state = 'accepted'")
        db.execute("PRAGMA user_version = 2")


# The file of jobs


async def test_a_job_of_an_older_version_goes_on(
    connect: Connect, world: World, twenty: Path, jobs_file: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        while spent(world) < 12:
            await clock.sleep(0.1)
    as_before_tasks(jobs_file)
    async with connect(background=True) as host:
        before = await report_of(host, job)
        report = await ended(host, clock, job)
    assert re.fullmatch(r"\d queued, \d accepted", before["photos"])
    assert (report["photos"], spent(world)) == ("10 accepted", 20)


@pytest.mark.usefixtures("damaged")
async def test_a_damaged_file_of_jobs_does_not_hide_what_was_paid_for(
    connect: Connect, world: World, twenty: Path
) -> None:
    async with connect(background=True) as host:
        result: dict[str, Any] = dict(structured(await upload(host, twenty)))
    assert (result["accepted"], spent(world)) == (10, 10)
    assert "jobs' state file" in result["receipt"]
    assert "make the same call again" in result["next"]


@pytest.mark.usefixtures("damaged")
async def test_a_damaged_file_of_jobs_is_logged_once_however_long_it_stays_so(
    connect: Connect, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(background=True):
        await clock.sleep(600)
    assert [one.getMessage().startswith("Jobs stand still: The jobs'") for one in caplog.records] == [True]


@pytest.mark.usefixtures("damaged")
async def test_a_process_that_is_to_end_does_where_the_file_of_jobs_is_damaged(
    sandbox: Starlette, clock: Clock, tmp_path: Path
) -> None:
    async with opened(sandbox, clock, tmp_path, background=True) as client:
        with pytest.raises(StateError, match="is damaged"):
            await client.work(once=True)


async def test_work_that_was_never_offered_is_carried_out_beside_a_running_job(
    connect: Connect, photos: Path, jobs_file: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        await queued_job(host, drawn(photos / "forty", 40))
        await clock.sleep(5)
        job = await queued_job(host, photos / "cars")
        forget_turns(jobs_file, job)
        report = await ended(host, clock, job, within_s=400)
    assert report["photos"] == "3 accepted"


# The clock


async def test_a_clock_that_is_set_back_holds_no_photo_up(
    connect: Connect, world: World, twenty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, "503", after=12)
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        while "1 unknown" not in (await report_of(host, job))["photos"]:
            await clock.sleep(2)
        clock.set_back(3 * 3600)
        await ended(host, clock, job, within_s=1800)
    assert spent(world) >= 19


async def test_a_clock_that_is_set_back_while_no_process_runs_holds_no_photo_up(
    connect: Connect, twenty: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
    clock.set_back(3 * 3600)
    async with connect(background=True) as host:
        report = await ended(host, clock, job, within_s=1800)
    assert report["photos"] == "10 accepted"


async def test_a_clock_that_is_set_back_holds_no_result_up(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    (photos / "park").mkdir()
    drawn(photos / "park" / "A", 1)
    async with connect(background=True) as host:
        job = (await started(host, photos / "park"))["job"]
        while not spent(world):
            await clock.sleep(1)
        clock.set_back(3 * 3600)
        report = await ended(host, clock, job, within_s=1800)
    assert report["vehicles"] == "1 to review"


# The key


async def test_a_key_that_comes_later_carries_jobs_on(
    connect: Connect, world: World, twenty: Path, tmp_path: Path, clock: Clock
) -> None:
    key = tmp_path / "key"
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
    async with connect(background=True, api_key=None, api_key_file=key) as host:
        await clock.sleep(30)
        key.write_text(KEY)
        await ended(host, clock, job)
    assert spent(world) == 20


# Photos that are on the wire, or in doubt


async def test_photos_on_the_wire_of_a_job_that_is_stopped_are_told_as_accepted(
    connect: Connect, world: World, sandbox: Starlette, twenty: Path, clock: Clock
) -> None:
    api = SlowApi(sandbox, clock)
    async with connect(background=True, api=api) as host:
        job = await queued_job(host, twenty)
        api.slow_s[UPLOAD] = 30
        while spent(world) < 13:
            await clock.sleep(1)
        stopped = structured(await host.call_tool("stopJob", {"job": job}))
        await clock.sleep(200)
        report = await report_of(host, job)
    assert "what was sent in the last seconds may still be accepted" in str(stopped["note"])
    assert report["photos"] == f"{spent(world) - 10} accepted, {20 - spent(world)} stopped"


async def test_a_job_ends_with_what_nobody_can_know_of(
    connect: Connect, world: World, twenty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, "drop_before", after=11)
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        await clock.sleep(75)
        [account] = world.accounts.values()
        account.credits -= 3  # somebody else spends
        report = await ended(host, clock, job, within_s=3 * 3600)
    assert report["photos"] == "9 accepted, 1 unknown"


async def test_a_photo_in_doubt_whose_file_is_gone_is_not_told_as_not_sent(
    connect: Connect, world: World, twenty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, "drop_before", after=11)
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        await in_doubt(host, clock, job)
        (twenty / "12.png").unlink()
        [account] = world.accounts.values()
        account.credits -= 3
        report = await ended(host, clock, job, within_s=3 * 3600)
    assert report["photos"] == "9 accepted, 1 unknown"


async def test_a_stopped_job_tells_a_photo_in_doubt_apart_from_what_was_accepted(
    connect: Connect, world: World, twenty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, "drop_before", after=11)
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        await in_doubt(host, clock, job)
        stopped: dict[str, Any] = dict(structured(await host.call_tool("stopJob", {"job": job})))
    assert (stopped["unknown"], stopped["accepted"] + stopped["notSent"]) == (1, 9)


async def test_no_finish_is_promised_after_the_end_of_a_job(connect: Connect, twenty: Path) -> None:
    async with connect(background=True, job_hours=0.005) as host:
        answer = structured(await upload(host, twenty))
    assert str(answer["doneBy"]).startswith("after its end ")


async def test_a_photo_that_was_on_the_wire_for_long_when_its_call_ended_is_paid_once(
    connect: Connect, world: World, sandbox: Starlette, car: Path, clock: Clock
) -> None:
    api = SlowApi(sandbox, clock)
    api.slow_s[UPLOAD] = 115
    changes: dict[str, Any] = {"duplicate_window_h": 0, "max_wait_s": 100}
    async with connect(background=True, api=api, **changes) as host:
        await ended(host, clock, await queued_job(host, car))
    assert spent(world) == 1


async def test_a_job_waits_while_the_key_is_another_and_spends_none_of_its_credits(
    connect: Connect, world: World, twenty: Path, tmp_path: Path, clock: Clock
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)
    async with connect(background=True, api_key=None, api_key_file=key) as host:
        job = await queued_job(host, twenty)
        key.write_text("another-key-0123456789")
        await clock.sleep(600)
        assert structured(await host.call_tool("getJobs", {}))["jobs"] == []
        key.write_text(KEY)
        await ended(host, clock, job)
    assert [account.spent.total() for account in world.accounts.values()] == [20]


async def test_a_stopped_job_leaves_nothing_in_the_queue(
    connect: Connect, jobs_file: Path, twenty: Path
) -> None:
    async with connect(background=True) as host:
        job = await queued_job(host, twenty)
        await host.call_tool("stopJob", {"job": job})
    with closing(sqlite3.connect(jobs_file)) as db:
        assert db.execute("SELECT count(*) FROM turns").fetchone() == (0,)
