"""One line per change, whole, without secrets, and never in the way."""

import json
import logging
import resource
import stat
from datetime import UTC, datetime
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import pytest

from autobg_mcp.money.audit import AuditLog

SPAWN = get_context("spawn")


def lines(folder: Path) -> list[dict[str, object]]:
    texts = [path.read_text() for path in sorted(folder.glob("audit*.jsonl"))]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def write_many(folder: Path, writer: int) -> None:
    log = AuditLog(folder, max_bytes=2_000, keep=1_000)
    for number in range(200):
        log.write({"writer": writer, "number": number})


def test_an_unused_log_leaves_no_trace_on_disk(tmp_path: Path) -> None:
    AuditLog(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_an_event_is_one_line_with_time_and_process(tmp_path: Path) -> None:
    AuditLog(tmp_path, clock=lambda: 1_700_000_000.5).write(
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


@pytest.mark.parametrize("text", ["key-123", "refused: key-123."])
def test_a_secret_is_redacted(tmp_path: Path, text: str) -> None:
    AuditLog(tmp_path, secrets=["", "key-123"]).write({"message": text})
    assert lines(tmp_path)[0]["message"] == text.replace("key-123", "[redacted]")


def test_a_full_file_is_set_aside_and_the_newest_are_kept(tmp_path: Path) -> None:
    seconds = count()
    log = AuditLog(tmp_path, clock=lambda: float(next(seconds)), max_bytes=1, keep=3)
    for number in range(6):
        log.write({"number": number})
    assert [line["number"] for line in lines(tmp_path)] == [3, 4, 5]


def test_a_file_that_another_process_has_just_begun_is_not_set_aside(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, max_bytes=1_000)
    log.write({})
    log._set_aside(datetime.now(UTC))
    assert [path.name for path in tmp_path.iterdir()] == ["audit.jsonl"]


def test_files_set_aside_are_not_kept_when_none_are_wanted(tmp_path: Path) -> None:
    AuditLog(tmp_path, max_bytes=1, keep=0).write({})
    assert list(tmp_path.iterdir()) == []


def test_processes_that_write_and_set_aside_at_once_lose_no_line(tmp_path: Path) -> None:
    both_run = SPAWN.Barrier(2)
    with SPAWN.Pool(2, initializer=both_run.wait) as pool:
        pool.starmap(write_many, [(tmp_path, 0), (tmp_path, 1)], chunksize=1)
    found = sorted((line["writer"], line["number"]) for line in lines(tmp_path))
    assert found == [(writer, number) for writer in range(2) for number in range(200)]
    assert len(list(tmp_path.iterdir())) > 10


def test_a_full_disk_is_a_warning_and_not_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING):
        AuditLog(tmp_path).write({"tool": "reportImages"})
    assert "No space left" in caplog.text


def test_half_a_line_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, most[1]))
    try:
        AuditLog(tmp_path).write({"tool": "reportImages"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert "only 10 of" in caplog.text


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("")
    AuditLog(tmp_path / "state").write({"tool": "reportImages"})
    assert "lacks a line" in caplog.text
