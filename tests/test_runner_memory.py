"""What a job of large photos takes of this machine's memory."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


@pytest.mark.long
def test_a_job_of_photos_of_20_mb_takes_less_than_120_mb_above_idle() -> None:
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(__file__).with_name("runner_memory.py")
        run = subprocess.run(
            [sys.executable, str(probe), folder], capture_output=True, text=True, timeout=120, check=True
        )
    measured = json.loads(run.stdout)
    assert measured["photo"] > 20_000_000
    assert measured["grown"] < 120_000_000
