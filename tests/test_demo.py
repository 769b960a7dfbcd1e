"""The demo plays to its end, or says which step failed."""

import re
import sys
import time
from pathlib import Path

import pytest

from autobg_mcp.commands import main


def demo(output: Path) -> object:
    """The code that the demo ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--output", str(output)])
    return ended.value.code


@pytest.mark.long
def test_the_demo_ends_well_within_20_seconds_and_names_pictures_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_STATE_DIR", str(tmp_path / "state"))
    started = time.monotonic()
    assert demo(tmp_path / "results") == 0
    assert time.monotonic() - started < 20
    out = capsys.readouterr().out
    named = set(re.findall(rf"{re.escape(str(tmp_path / 'results'))}[^\s\"',…]+\.(?:jpg|png)", out))
    assert named
    assert {Path(path).read_bytes()[:3] for path in named} == {b"\xff\xd8\xff"}


@pytest.mark.long
def test_pictures_that_cannot_be_saved_are_a_failed_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").write_text("in the way")
    assert demo(tmp_path / "results") == 1
    assert re.search(r"autobg-mcp demo failed: \w+", capsys.readouterr().err)


@pytest.mark.long
def test_a_server_that_does_not_start_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ncase "$*" in *sandbox*) exec "{sys.executable}" "$@";; esac\nexit 1\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    assert demo(tmp_path / "results") == 1
    assert re.search(r"autobg-mcp demo failed: \w+: ", capsys.readouterr().err)


@pytest.mark.long
def test_a_sandbox_that_does_not_start_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert demo(tmp_path / "results") == 1
    assert "demo failed: sandbox: it did not start" in capsys.readouterr().err
