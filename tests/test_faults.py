"""Submissions struck at every step and killed at random moments, in real processes over HTTP: nothing is paid twice."""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

HERE = Path(__file__).parent
KILLS = 70
"""How many processes are killed in one round."""

ROUNDS = int(os.environ.get("AUTOBG_TEST_ROUNDS", "1"))
"""A longer run is AUTOBG_TEST_ROUNDS=20: 1,400 kills in about five minutes."""

PHOTOS = 2 * KILLS + 6

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    pytest.mark.xdist_group("faults"),  # what the processes saw is read by many tests
]


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    command = [sys.executable, str(HERE / "fault_sandbox.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parent) as sandbox:
        assert sandbox.stdout
        yield f"http://127.0.0.1:{int(sandbox.stdout.readline())}/public/api/v1"
        assert sandbox.stdin
        sandbox.stdin.close()
        assert sandbox.wait(10) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of noise: a first one that takes several writes to send, and small ones."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "photos").mkdir()
    for number in range(PHOTOS):
        size = (16, 16) if number else (220, 220)
        noise = random.Random(number).randbytes(3 * size[0] * size[1])
        Image.frombytes("RGB", size, noise).save(folder / "photos" / f"car-{number:05}.png")
    return folder


def played(base_url: str, folder: Path, *tasks: dict[str, Any], seconds: float = 60) -> list[Any]:
    """What the processes saw that did these tasks."""
    command = [sys.executable, str(HERE / "fault_process.py"), base_url, str(folder)]
    run = subprocess.run(
        command,
        input=json.dumps(tasks),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=HERE.parent,
    )
    assert run.returncode == 0, run.stderr
    answers: list[Any] = json.loads(run.stdout)
    return answers


def entries(folder: Path, vehicle: str) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(folder / "state" / "ledger.sqlite3")) as db:
        db.row_factory = sqlite3.Row
        return db.execute("SELECT * FROM entries WHERE vehicle = ? ORDER BY id", (vehicle,)).fetchall()


# One submission, struck at one step

SENT, RECORDED, UNKNOWN = "sent", "recorded", "unknown"

STEPS = {
    # step: (credits after the strike, what the same call then does, and does after a look), by each kind of strike
    "before the intent": {"kill": (0, SENT, RECORDED), "error": (0, SENT, RECORDED)},
    "after the intent": {"kill": (0, SENT, RECORDED), "error": (0, SENT, RECORDED)},
    "before the first byte": {"kill": (0, UNKNOWN, UNKNOWN), "error": (0, SENT, RECORDED)},
    "in the body": {"kill": (0, UNKNOWN, UNKNOWN), "error": (0, UNKNOWN, UNKNOWN)},
    "after the last byte": {"kill": (1, UNKNOWN, RECORDED), "error": (1, UNKNOWN, RECORDED)},
    "before the record": {"kill": (1, UNKNOWN, RECORDED), "error": (1, UNKNOWN, RECORDED)},
    "after the record": {"kill": (1, RECORDED, RECORDED), "error": (1, RECORDED, RECORDED)},
}
CANCELLED = (1, RECORDED, RECORDED)
"""Once the intent is written down, a cancellation waits for the outcome, whatever the step."""

CASES = [
    (step, how, expected)
    for step, strikes in STEPS.items()
    for how, expected in (strikes | {"cancel": CANCELLED}).items()
]


@pytest.fixture(scope="module")
def struck(base_url: str, folder: Path) -> dict[tuple[str, str], Any]:
    tasks = [{"step": step, "how": how} for step, how, _ in CASES]
    answers = played(base_url, folder, *tasks)
    return {(step, how): answer for (step, how, _), answer in zip(CASES, answers, strict=True)}


def behaviour(answer: dict[str, Any]) -> str:
    if "error" in answer:
        assert "nobody knows what came of it" in answer["error"], answer["error"]
        return UNKNOWN
    return RECORDED if "not sent again" in answer.get("note", "") else SENT


@pytest.mark.parametrize(("step", "how", "expected"), CASES)
def test_a_submission_struck_at_any_step_is_paid_once_and_never_lost(
    step: str, how: str, expected: tuple[int, str, str], struck: dict[tuple[str, str], Any]
) -> None:
    seen = struck[step, how]
    assert (seen["paid first"], behaviour(seen["second"]), behaviour(seen["third"])) == expected
    assert Counter(seen["names"])["car-00000.png"] == seen["paid"] <= 1


@pytest.mark.parametrize(("step", "how", "expected"), CASES)
def test_a_strike_leaves_the_ledger_with_the_truth_or_unknown(
    step: str, how: str, expected: tuple[int, str, str], struck: dict[tuple[str, str], Any], folder: Path
) -> None:
    seen = struck[step, how]
    states = [
        (row["state"], row["batch_id"])
        for row in entries(folder, f"{step} {how}")
        if row["file_name"] == "car-00000.png" and row["state"] != "refused"
    ]
    assert states == ([("accepted", str(seen["batch"]))] if seen["paid"] else [("unknown", None)])


@pytest.mark.parametrize("step", STEPS)
def test_an_error_never_says_that_nothing_was_spent_when_a_credit_was(
    step: str, struck: dict[tuple[str, str], Any]
) -> None:
    seen = struck[step, "error"]
    assert seen["first"].get("spent") != "no" or seen["paid first"] == 0


# Killed at random moments


@pytest.fixture(scope="module", params=range(ROUNDS))
def killed(request: pytest.FixtureRequest, base_url: str, folder: Path) -> Any:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")  # noqa: T201  # to play a failure again
    task = {"kill": KILLS, "seed": seed, "vehicle": f"killed {request.param}"}
    return task | played(base_url, folder, task)[0]


def fates(result: dict[str, Any]) -> tuple[int, int, int]:
    """How many photos a receipt counts as accepted, as paid before, and as unknown."""
    counted = re.search(r"accepted (\d+), paid before (\d+), refused 0, unknown (\d+)", result["receipt"])
    assert counted
    accepted, before, unknown = map(int, counted.groups())
    return accepted, before, unknown


def test_processes_killed_anywhere_pay_for_no_photo_twice(killed: Any) -> None:
    assert Counter(killed["names"]).most_common(1)[0][1] == 1
    assert killed["paid"] == len(killed["names"])
    assert 0 < killed["in the midst"] < len(killed["chosen"])


def test_after_all_those_kills_the_same_call_finishes(killed: Any) -> None:
    result = killed["result"]
    assert result["notSubmitted"] == []
    assert sum(fates(result)) == len(killed["chosen"])


def test_a_look_settles_every_killed_submission_that_was_paid(killed: Any) -> None:
    again = killed["again"]
    assert fates(again) == (0, len(killed["names"]), len(killed["chosen"]) - len(killed["names"]))


def test_every_entry_of_killed_processes_is_true_or_unknown(killed: Any, folder: Path) -> None:
    states: dict[str, set[tuple[str, str | None]]] = {}
    for row in entries(folder, killed["vehicle"]):
        if row["state"] != "refused":
            states.setdefault(row["file_name"], set()).add((row["state"], row["batch_id"]))
    batch = str(killed["result"]["batchID"])
    assert states == {
        name: {("accepted", batch) if name in killed["names"] else ("unknown", None)}
        for name in killed["chosen"]
    }


# Several processes at once


@pytest.fixture(scope="module")
def raced(base_url: str, folder: Path) -> list[Any]:
    upload = {"vehicle": "raced", "photos": [1, 2, 3]}
    limited = {"vehicle": "limited", "settings": {"daily_credit_limit": 1, "api_key": "another-key-012345"}}
    return played(
        base_url,
        folder,
        {"race": [upload] * 4},
        {"race": [limited | {"photos": [number]} for number in range(1, 5)]},
    )


def test_processes_that_submit_the_same_photos_at_once_pay_once_and_all_name_the_batch(
    raced: list[Any], folder: Path
) -> None:
    answers = raced[0]
    assert len({answer["batchID"] for answer in answers}) == 1
    assert all(sum(fates(answer)) == 3 and not answer["notSubmitted"] for answer in answers)
    assert Counter(row["state"] for row in entries(folder, "raced")) == {"accepted": 3}


def test_at_the_last_credit_of_the_day_one_process_submits(raced: list[Any], folder: Path) -> None:
    answers = raced[1]
    assert sum("batchID" in answer for answer in answers) == 1
    refused = [answer["error"] for answer in answers if "error" in answer]
    assert ["AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today" in error for error in refused] == [True] * 3
    assert len(entries(folder, "limited")) == 1


def test_waiters_in_several_processes_share_their_looks(
    base_url: str, folder: Path, raced: list[Any]
) -> None:
    wait = {"batch": str(raced[0][0]["batchID"]), "seconds": 4, "waiters": 5}
    looks = counted(base_url)
    [answers] = played(base_url, folder, {"race": [wait] * 3})
    assert [len(seen) for seen in answers] == [5, 5, 5]
    assert counted(base_url) - looks <= 3


def counted(base_url: str) -> int:
    """How often the sandbox was asked for a status."""
    with urllib.request.urlopen(
        base_url.removesuffix("/public/api/v1") + "/_sandbox/state", timeout=5
    ) as answer:
        return int(json.load(answer)["requests"].get("/public/api/v1/images/imagesStatus", 0))
