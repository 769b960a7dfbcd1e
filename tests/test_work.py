"""`autobg-mcp work` carries jobs out without a host, says so in few lines, and ends when it is told to."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import anyio
import pytest
from ledger_cases import by_hand
from paid_calls import drawn
from served_sandbox import sandbox_served, steer
from uploading import PATH

from autobg_mcp.client import Client
from autobg_mcp.settings import Settings
from autobg_mcp.tools.submitted import Submitted
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate

BUSY = {"AUTOBG_RATE_LIMITS": "uploadImagesWithoutTemplate=2/3s", "AUTOBG_MAX_WAIT_S": "1"}
"""Two photos fit into a call, and the next ones go 3 s later."""


class Ended(NamedTuple):
    """How the command ended, and what it said."""

    code: int
    lines: list[str]
    took_s: float


@pytest.fixture
def environment(photos: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    with sandbox_served(photos, tmp_path) as environment:
        yield environment


@pytest.fixture
def job(environment: dict[str, str], photos: Path) -> str:
    """A job with the third and the fourth of four photos, which no process carries out."""
    drawn(photos / "four", 4)
    with patch.dict(os.environ, environment | BUSY):
        submitted = anyio.run(upload, Settings.load(), photos / "four")
    assert submitted.job
    return submitted.job


async def upload(settings: Settings, folder: Path) -> Submitted:
    tool = UploadImagesWithoutTemplate(
        images=[str(folder)], numberPlate="V", numPlateProcessor=1, processType="ai"
    )
    async with Client(settings) as client:
        return await client.call(tool)


@contextmanager
def working(environment: dict[str, str], *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A process that carries out jobs, for a minute at most."""
    with subprocess.Popen(
        [sys.executable, "-m", "autobg_mcp", "work", *arguments],
        stderr=subprocess.PIPE, text=True, env=os.environ | environment | BUSY | settings,
    ) as process:  # fmt: skip
        last = threading.Timer(60, process.kill)
        last.start()
        try:
            yield process
        finally:
            last.cancel()
            process.kill()


def end_of(process: subprocess.Popen[str], within_s: float = 30) -> Ended:
    """How it ends, from now on."""
    started_s = time.monotonic()
    _, err = process.communicate(timeout=within_s)
    return Ended(process.returncode, err.splitlines(), time.monotonic() - started_s)


def credits_spent(environment: dict[str, str]) -> int:
    return int(steer(environment, "state")["credits_spent"])


@pytest.mark.long
def test_once_sends_what_is_queued_says_so_in_three_lines_and_ends_with_0(
    job: str, environment: dict[str, str]
) -> None:
    with working(environment, "--once") as process:
        code, lines, _ = end_of(process)
    assert (code, credits_spent(environment)) == (0, 4)
    assert lines[0].startswith(f"{job}: 2 queued, all sent by ")
    assert lines[1:] == [f"{job} is done: 2 accepted", "No job is open."]


def test_once_ends_at_once_where_no_job_is_open(environment: dict[str, str]) -> None:
    with working(environment, "--once") as process:
        code, lines, _ = end_of(process)
    assert (code, lines) == (0, ["No job is open."])


@pytest.mark.long
def test_once_ends_with_1_and_the_reason_where_a_photo_is_refused(
    job: str, environment: dict[str, str], photos: Path
) -> None:
    (photos / "four" / "04.png").unlink()
    with working(environment, "--once") as process:
        code, lines, _ = end_of(process)
    assert code == 1
    assert lines[-2].startswith(f"{job} is done: 1 accepted, 1 refused. Refused: 1: “'04.png' is not there")


@pytest.mark.long
def test_why_a_job_waits_is_said_once(job: str, environment: dict[str, str]) -> None:
    with working(environment, AUTOBG_DAILY_CREDIT_LIMIT="2") as process:
        assert process.stderr
        said = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        _, lines, _ = end_of(process)
    assert said[1].startswith("Waits: uploadImagesWithoutTemplate: the daily limit")
    assert lines == ["Told to end: nothing new is begun."]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("AUTOBG_API_KEY", ""),
        ("AUTOBG_BACKGROUND", "off"),
        ("AUTOBG_READ_ONLY", "1"),
        ("AUTOBG_MAX_WAIT_S", "soon"),
    ],
)
def test_a_setting_that_lets_nothing_be_sent_is_named_and_ends_with_2(
    setting: str, value: str, tmp_path: Path
) -> None:
    own = {"AUTOBG_API_KEY": "some-key", "AUTOBG_STATE_DIR": str(tmp_path)}
    with working(own, **{setting: value}) as process:
        code, lines, _ = end_of(process)
    assert code == 2
    assert setting in lines[0]


# Two at once


@pytest.mark.long
def test_of_two_one_works_and_the_other_goes_on_quietly_where_it_is_killed(
    job: str, environment: dict[str, str]
) -> None:
    limit = {"AUTOBG_DAILY_CREDIT_LIMIT": "2"}  # which keeps the first one from ending
    with working(environment, **limit) as first:
        assert first.stderr
        assert first.stderr.readline().startswith(job)
        with working(environment) as second:
            assert second.stderr
            said = [second.stderr.readline()]
            first.kill()
            while not said[-1].startswith("No job is open") and said[-1]:
                said.append(second.stderr.readline())
    assert said[0].startswith("Another process carries the jobs out. This one takes them up where that one")
    assert said[-2].startswith(f"{job} is done: 2 accepted")
    assert credits_spent(environment) == 4


@pytest.mark.long
def test_once_ends_where_another_process_works(job: str, environment: dict[str, str]) -> None:
    with working(environment, AUTOBG_DAILY_CREDIT_LIMIT="2") as first:
        assert first.stderr
        assert first.stderr.readline().startswith(job)
        with working(environment, "--once") as second:
            code, lines, _ = end_of(second)
    assert (code, lines) == (0, ["Another process carries the jobs out."])


# Told to end


@contextmanager
def photo_on_the_wire(environment: dict[str, str], answer_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process whose photo has reached an API that answers after so many seconds."""
    steer(
        environment,
        "failures",
        {"path": "/uploadWithoutTemplateCC", "kind": "slow", "delay_s": answer_s, "times": 9},
    )
    with working(environment) as process:
        while steer(environment, "state")["requests"][PATH] < 3:
            assert process.poll() is None
            time.sleep(0.05)
        yield process


@pytest.mark.long
@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_photo_on_the_wire_is_finished_and_none_is_begun_once_it_is_told_to_end(
    told: signal.Signals, code: int, job: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with photo_on_the_wire(environment, answer_s=1.0) as process:
        process.send_signal(told)
        ended = end_of(process)
    assert (ended.code, ended.lines[-1]) == (code, "Told to end: nothing new is begun.")
    assert by_hand(tmp_path / "state", "SELECT count(*) FROM entries WHERE state = 'accepted'") == [(3,)]
    assert steer(environment, "state")["requests"][PATH] == 3


@pytest.mark.long
def test_a_photo_that_takes_too_long_is_unknown_before_a_service_manager_kills_the_process(
    job: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with photo_on_the_wire(environment, answer_s=30) as process:
        process.terminate()
        ended = end_of(process)
    assert ended.took_s < 2.5
    found = by_hand(tmp_path / "state", "SELECT reason FROM entries WHERE state = 'unknown'")
    assert found == [("the call was broken off",)]


@pytest.mark.long
def test_what_was_on_the_wire_is_not_paid_for_again_by_the_next_one(
    job: str, environment: dict[str, str]
) -> None:
    with photo_on_the_wire(environment, answer_s=1.0) as process:
        process.terminate()
        end_of(process)
    with working(environment, "--once") as process:
        assert end_of(process).code == 0
    assert credits_spent(environment) == 4
