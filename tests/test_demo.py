"""The demo plays to its end, or says which step failed."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from readme_parts import README

from autobg_mcp.commands import main


class Played(NamedTuple):
    """How a demo ended, what it told, how long it took, and where its pictures are."""

    code: int
    out: str
    took_s: float
    results: Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The demo, played once in a process of its own."""
    folder = tmp_path_factory.mktemp("demo")
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "autobg_mcp", "demo", "--output", str(folder / "results")],
        env=os.environ | {"AUTOBG_STATE_DIR": str(folder / "state")},
        stdout=subprocess.PIPE, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    return Played(ended.returncode, ended.stdout, time.monotonic() - started, folder / "results")


def demo(output: Path) -> object:
    """The code that the demo ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--output", str(output)])
    return ended.value.code


@pytest.mark.long
def test_the_demo_ends_within_30_seconds_and_names_pictures_that_are_there(played: Played) -> None:
    named = set(re.findall(rf"{re.escape(str(played.results))}[^\s\"',…]+\.(?:jpg|png)", played.out))
    assert played.code == 0
    assert played.took_s < 30
    assert named
    assert {Path(path).read_bytes()[:3] for path in named} == {b"\xff\xd8\xff"}


@pytest.mark.long
def test_what_does_not_fit_into_a_call_is_sent_by_the_next_process_after_a_kill(played: Played) -> None:
    [job] = re.findall(r'"queued": 2, "job": "([\w-]+)"', played.out)
    after = played.out.partition("The server was killed with photos still to be sent.")[2]
    assert f"  {job} is done: 2 accepted" in after
    assert '"processed": 12' in after
    assert "The API counted: 16 photos, 16 credits, 0 refused calls." in after


@pytest.mark.long
def test_readme_shows_progress_in_the_words_in_which_it_comes(played: Played) -> None:
    def told(text: str) -> set[str]:  # how many pictures are done at a look differs from run to run
        return {re.sub(r"\d+", "1", line) for line in re.findall(r"^  … .+", text, re.MULTILINE)}

    shown = told(README.read_text("utf-8"))
    assert shown
    assert shown <= told(played.out)


@pytest.mark.long
def test_a_demo_that_nobody_reads_to_the_end_does_not_call_a_step_failed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "demo", "--output", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (141, "")


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
