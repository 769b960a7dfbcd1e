"""Uploads and plans at a terminal: no process is left after them that would send the rest."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from paid_calls import drawn

UPLOAD = ("uploadImagesWithoutTemplate", "numberPlate=V", "numPlateProcessor=1", "processType=ai")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables that point at a sandbox whose limits are kept for two seconds."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0", "--window", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        told = dict(pair.split("=", 1) for pair in sandbox.stdout.readline().split())
        yield told | {"AUTOBG_STATE_DIR": str(tmp_path / "state"), "AUTOBG_RATE_LIMITS": "*=10/2s"}
        sandbox.terminate()


def called(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autobg_mcp", "call", *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_an_upload_at_a_terminal_sends_all_photos_however_long_the_limit_makes_it(
    api: dict[str, str], tmp_path: Path
) -> None:
    photos = drawn(tmp_path / "twelve", 12)
    ended = called(*UPLOAD, f"images={photos}", AUTOBG_MAX_WAIT_S="0", **api)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["accepted"], "queued" in told) == (0, 12, False)


def test_a_plan_at_a_terminal_holds_only_what_other_processes_may_read(tmp_path: Path) -> None:
    photos = drawn(tmp_path / "twelve", 12)
    state = str(tmp_path / "state")
    ended = called("processVehicles", "--sandbox", f"folder={photos}", AUTOBG_STATE_DIR=state)
    assert ended.returncode == 1
    assert "AUTOBG_IMAGE_DIRS" in ended.stderr
