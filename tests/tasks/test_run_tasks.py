"""The tasks are played by any model that speaks one of two protocols."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from model_server import served

SCRIPT = Path(__file__).parents[2] / "examples" / "run_tasks.py"

pytestmark = pytest.mark.long


def played(*arguments: str, path: str = "") -> str:
    with served() as url:
        run = subprocess.run(
            [sys.executable, str(SCRIPT), "--url", url + path, *arguments],
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "AUTOBG_TASKS_KEY": "a-secret-key", "NO_PROXY": "127.0.0.1"},
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "a-secret-key" not in run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_model_that_reads_answers_passes_four_times_of_four(api: str) -> None:
    told = played("--model", "reader", "--api", api, "--runs", "4", "balance")
    assert "pass^1  1.000 over 1 tasks" in told
    assert "pass^4  1.000 over 1 tasks" in told
    assert "tokens  400, 100 a run" in told


def test_a_model_that_is_not_there_fails_the_task_and_does_not_end_the_run() -> None:
    told = played("--model", "reader", "--api", "openai", "balance", "library", path="/nothing")
    assert told.count("the model gave no answer (HTTPStatusError") == 2


def test_a_model_that_guesses_fails_by_what_it_told() -> None:
    told = played("--model", "guesser", "balance")
    assert "FAILED" in told
    assert "pass^1  0.000 over 1 tasks" in told
    assert "pass^4  needs --runs 4" in told
