"""The demo plays to its end, or says which step failed."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image
from readme_parts import PACKAGE, ROOT

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
        stdout=subprocess.PIPE, encoding="utf-8", timeout=90, check=False,
    )  # fmt: skip
    return Played(ended.returncode, ended.stdout, time.monotonic() - started, folder / "results")


def demo(output: Path) -> object:
    """The code that the demo ends with."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--output", str(output)])
    return ended.value.code


@pytest.mark.long
def test_the_demo_ends_within_30_seconds_with_its_receipt_as_the_last_line(played: Played) -> None:
    assert (played.code, played.out.splitlines()[-1]) == (0, "12 photos, 12 credits, none twice, 0 refused")
    assert played.took_s < 30


@pytest.mark.long
def test_the_sheets_that_the_model_saw_are_named_and_there(played: Played) -> None:
    named = re.findall(r"^  The sheet that the model saw: (.+)$", played.out, re.MULTILINE)
    sheets = [Image.open(path) for path in named]
    assert [(sheet.format, sheet.width > 1200) for sheet in sheets] == [("JPEG", True)] * 2
    assert sheets[0].tobytes() != sheets[1].tobytes()


@pytest.mark.long
def test_every_picture_of_the_car_is_saved(played: Played) -> None:
    [batch] = set(re.findall(r"Files: (.+), named by picID", played.out))
    assert len(list(Path(batch).glob("*.jpg"))) == 12


@pytest.mark.long
def test_the_process_after_a_killed_one_pays_for_no_photo_twice(played: Played) -> None:
    before, after = played.out.split("*** Killed")
    assert "Photo 5 of 12" in before
    assert '"paidBefore": 5' in after
    assert "balance 100 → 88" in after


@pytest.mark.long
def test_the_bad_picture_is_found_reported_and_redone(played: Played) -> None:
    [reported] = re.findall(r'^  \{"reported": \["(\d+)"\]', played.out, re.MULTILINE)
    after = played.out.partition('{"reported"')[2]
    assert re.search(
        rf"picID {reported} “03-front-right.jpg”: done, processed, reported.*, changed since", after
    )


@pytest.mark.long
def test_each_step_is_told_in_words_before_its_call_and_no_path_is_long(played: Played) -> None:
    lines = played.out.splitlines()
    calls = [index for index, line in enumerate(lines) if line.startswith("> ")]
    assert all(len(lines[index]) <= 230 and str(ROOT) not in lines[index] for index in calls)
    assert sum(lines[index - 2] == "" and lines[index - 1].endswith((".", "?")) for index in calls) >= 6


@pytest.mark.long
def test_a_second_demo_into_the_same_folder_ends_as_well(played: Played) -> None:
    folder = played.results
    before = {path: path.read_bytes() for path in folder.rglob("*.jpg")}
    ended = subprocess.run(
        [sys.executable, "-m", "autobg_mcp", "demo", "--output", str(folder)],
        stdout=subprocess.PIPE, encoding="utf-8", timeout=90, check=False,
    )  # fmt: skip
    kept = {content for path in folder.rglob("*.jpg") for content in [path.read_bytes()]}
    assert ended.returncode == 0
    assert set(before.values()) <= kept


@pytest.mark.long
def test_the_page_of_the_demo_shows_progress_in_the_words_in_which_it_comes(played: Played) -> None:
    def told(text: str) -> set[str]:  # how many pictures are done at a look differs from run to run
        return {re.sub(r"\d+", "1", line) for line in re.findall(r"^  … .+", text, re.MULTILINE)}

    shown = told((PACKAGE / "demo" / "README.md").read_text("utf-8"))
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


def test_a_folder_in_which_no_picture_can_be_saved_is_named_before_the_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").write_text("in the way")
    assert demo(tmp_path / "results") == 1
    told = capsys.readouterr()
    assert told.err.startswith(
        f"autobg-mcp demo failed: output: nothing can be saved in '{tmp_path}/results':"
    )
    assert told.out == ""


@pytest.mark.skipif(os.name != "posix", reason="only there is a process killed without a word")
def test_a_killed_demo_leaves_no_sandbox_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "demo", "--output", str(tmp_path)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **streams, start_new_session=True) as process:  # type: ignore[call-overload]
        assert process.stdout.readline().startswith(b"A sandbox stands in")
        process.kill()
        try:
            process.communicate(timeout=20)  # which ends once no process has standard error open any more
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


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
