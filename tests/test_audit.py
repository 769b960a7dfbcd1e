"""One line per change, whole, without secrets, and never in the way."""

import json
import os
import resource
import stat
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from autobg_mcp.clock import SystemClock
from autobg_mcp.money.audit import MOST_FILE_BYTES, AuditLog

SPAWN = get_context("spawn")


class At(SystemClock):
    """A wall clock that stands until it is turned."""

    def __init__(self, now: float) -> None:
        self.now = now

    def wall_s(self) -> float:
        return self.now


LINES = 40


def lines(folder: Path) -> list[dict[str, object]]:
    texts = [path.read_text() for path in sorted(folder.glob("audit*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def write_many(folder: Path, writer: int) -> None:
    log = AuditLog(folder)
    for number in range(LINES):
        log.write({"writer": writer, "number": number, "message": "x" * (MOST_FILE_BYTES // 5)})


def test_an_unused_log_leaves_no_trace_on_disk(tmp_path: Path) -> None:
    AuditLog(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_an_event_is_one_line_with_time_and_process(tmp_path: Path) -> None:
    AuditLog(tmp_path, clock=At(1_700_000_000.5)).write(
        {"tool": "reportImages", "pictures": 3, "batch": None}
    )
    (line,) = lines(tmp_path)
    assert line.pop("pid")
    assert line == {
        "at": "2023-11-14T22:13:20.500+00:00",
        "tool": "reportImages",
        "pictures": 3,
        "batch": None,
    }


def test_a_line_break_or_a_name_that_is_no_text_stays_inside_its_line(tmp_path: Path) -> None:
    AuditLog(tmp_path).write({"file": "a\nb\u2028caf\udce9"})
    assert (tmp_path / "audit.jsonl").read_bytes().count(b"\n") == 1
    assert lines(tmp_path)[0]["file"] == "a\nb\u2028caf\udce9"


def test_only_the_owner_can_read_the_log(tmp_path: Path) -> None:
    AuditLog(tmp_path / "state").write({})
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "audit.jsonl").stat().st_mode) == 0o600


def test_full_files_are_set_aside_and_all_of_them_are_kept(tmp_path: Path) -> None:
    clock = At(1_700_000_000)
    log = AuditLog(tmp_path, clock=clock)
    for number in range(6):
        clock.now += 1
        log.write({"number": number, "message": "x" * MOST_FILE_BYTES})
    assert [line["number"] for line in lines(tmp_path)] == list(range(6))
    assert len(list(tmp_path.iterdir())) == 6


def test_a_file_that_another_process_has_just_begun_is_not_set_aside(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.write({})
    log._set_aside(datetime.now(UTC))
    assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]


def test_processes_that_write_and_set_aside_at_once_lose_no_line(tmp_path: Path) -> None:
    both_run = SPAWN.Barrier(2)
    with SPAWN.Pool(2, initializer=both_run.wait) as pool:
        pool.starmap(write_many, [(tmp_path, 0), (tmp_path, 1)], chunksize=1)
    found = sorted((line["writer"], line["number"]) for line in lines(tmp_path))
    assert found == [(writer, number) for writer in range(2) for number in range(LINES)]
    assert len(list(tmp_path.iterdir())) > 10


@pytest.mark.parametrize("kind", ["a pipe", "a pipe that somebody reads", "a link", "writable by all"])
def test_what_is_not_an_audit_log_is_named_and_fails_no_call(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "audit.jsonl"
    if kind == "a link":
        file.symlink_to(tmp_path / "elsewhere")
    elif kind == "writable by all":
        file.touch()
        file.chmod(0o666)
    else:
        os.mkfifo(file)
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK) if kind.endswith("reads") else None
    AuditLog(tmp_path).write({"tool": "reportImages"})
    if reader is not None:
        os.close(reader)
    assert "To mend it, run: " in caplog.text


def test_lost_lines_are_told_once_and_counted_in_the_next_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(tmp_path)
    (tmp_path / "audit.jsonl").mkdir()
    for _ in range(3):
        log.write({"tool": "reportImages"})
    (tmp_path / "audit.jsonl").rmdir()
    log.write({"tool": "reportImages"})
    assert len(caplog.records) == 1
    assert [line["lost"] for line in lines(tmp_path)] == [3]


def test_half_a_line_is_a_warning_and_stays_a_line_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most[1]))
    log = AuditLog(tmp_path)
    try:
        log.write({"tool": "reportImages"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    log.write({"tool": "sendImagesForQA"})
    assert "only 10 of" in caplog.text
    assert json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[1])["lost"] == 1


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("")
    AuditLog(tmp_path / "state").write({"tool": "reportImages"})
    assert "lacks lines" in caplog.text
