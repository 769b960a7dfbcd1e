"""The one way to a SQLite file: opened once, shared between processes, refused where others may write to it."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from subprocess import PIPE

import pytest

from autobg_mcp.errors import StateError
from autobg_mcp.state import ImpossibleValueError, StateFile, number_between, text_up_to, whole_between

STEPS = (("CREATE TABLE notes (text TEXT NOT NULL)",), ("CREATE INDEX notes_by_text ON notes (text)",))


def at(path: Path, steps: tuple[tuple[str, ...], ...] = STEPS) -> StateFile:
    return StateFile(path, called="notebook", if_lost="Notes are lost.", migrations=steps, flushed=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notes.sqlite3"


@pytest.fixture
def file(path: Path) -> Iterator[StateFile]:
    with closing(at(path)) as file:
        yield file


def note(file: StateFile, text: str) -> None:
    with file.writing() as db:
        db.execute("INSERT INTO notes VALUES (?)", (text,))


def notes(file: StateFile) -> list[str]:
    with file.reading() as db:
        return [text for [text] in db.execute("SELECT text FROM notes ORDER BY rowid")]


def by_hand(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)


def complaint(path: Path) -> str:
    with closing(at(path)) as file, pytest.raises(StateError) as caught:
        note(file, "one")
    return str(caught.value)


# What is written


def test_a_body_that_raises_leaves_the_file_as_it_was(file: StateFile) -> None:
    note(file, "one")
    with suppress(ZeroDivisionError), file.writing() as db:
        db.execute("DELETE FROM notes")
        raise ZeroDivisionError
    assert notes(file) == ["one"]


def test_only_the_owner_may_read_the_folder_and_its_files(file: StateFile, path: Path) -> None:
    note(file, "one")
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (path.parent, *path.parent.iterdir())}
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}


def test_a_reader_sees_one_moment_while_another_connection_writes(file: StateFile, path: Path) -> None:
    note(file, "one")
    with file.reading() as db:
        before = db.execute("SELECT count(*) FROM notes").fetchone()[0]
        by_hand(path, "INSERT INTO notes VALUES ('two')")
        assert db.execute("SELECT count(*) FROM notes").fetchone()[0] == before == 1


def test_steps_that_a_file_lacks_are_made_up_for(path: Path) -> None:
    with closing(at(path, STEPS[:1])) as older:
        note(older, "one")
    with closing(at(path)) as newer:
        assert notes(newer) == ["one"]
        with newer.reading() as db:
            assert db.execute("PRAGMA user_version").fetchone()[0] == 2


def test_a_file_of_a_newer_schema_is_left_alone(file: StateFile, path: Path) -> None:
    note(file, "one")
    file.close()
    by_hand(path, "PRAGMA user_version = 9")
    assert "written by a newer autobg-mcp (schema 9; this one knows 2)" in complaint(path)


# Who else writes


def test_a_version_changes_when_another_process_has_written(file: StateFile, path: Path) -> None:
    before = file.version()
    by_hand(path, "INSERT INTO notes VALUES ('two')")
    assert file.version() != before


def test_a_version_changes_when_somebody_else_in_this_process_has_written(
    file: StateFile, path: Path
) -> None:
    before = file.version()
    with closing(at(path)) as other:
        note(other, "two")
        assert file.version() != before


def test_ones_own_writing_leaves_the_version_as_it_is(file: StateFile) -> None:
    before = file.version()
    note(file, "one")
    assert file.version() == before


def test_a_version_changes_when_the_file_is_another_one(file: StateFile, path: Path) -> None:
    note(file, "one")
    before = file.version()
    for one in path.parent.iterdir():
        one.unlink()
    assert file.version() != before


def test_a_deleted_file_is_made_again(file: StateFile, path: Path) -> None:
    note(file, "one")
    for one in path.parent.iterdir():
        one.unlink()
    note(file, "two")
    assert notes(file) == ["two"]


def test_a_file_stays_open_until_its_last_user_closes_it(file: StateFile, path: Path) -> None:
    with closing(at(path)) as other:
        note(other, "one")
        note(file, "two")
    assert path.with_name("notes.sqlite3-wal").exists()
    file.close()
    assert not path.with_name("notes.sqlite3-wal").exists()


def test_threads_wait_for_each_other(file: StateFile) -> None:
    threads = [threading.Thread(target=note, args=(file, str(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes(file)) == 20


ANOTHER = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=0) as db:
    db.execute("INSERT INTO notes VALUES ('intruder')")
"""


def test_a_second_user_in_this_process_does_not_drop_the_lock_of_the_first(
    file: StateFile, path: Path
) -> None:
    note(file, "one")
    with file.writing() as db:
        db.execute("INSERT INTO notes VALUES ('two')")
        with closing(at(path)) as second:
            second.version()
        run = subprocess.run([sys.executable, "-c", ANOTHER, path], capture_output=True, check=False)
    assert b"database is locked" in run.stderr
    assert notes(file) == ["one", "two"]


TAKER = """
import sys
from pathlib import Path
import anyio
from autobg_mcp.errors import ThrottledError
from autobg_mcp.throttle import Limit, open_throttle

async def take(throttle, calls):
    for taken in range(calls):
        try:
            async with throttle.slot("account:reportImages", Limit(10, 60), max_wait_s=0) as slot:
                slot.sent()
                await slot.answered()
        except ThrottledError:
            return taken
    return calls

async def main(folder):
    throttles = [open_throttle("sqlite:", state_dir=Path(folder)) for _ in range(len(sys.argv) - 2)]
    for throttle, calls in zip(throttles, sys.argv[2:], strict=True):
        print(await take(throttle, int(calls)), flush=True)
    print(sys.stdin.readline() and await take(throttles[0], 10))

anyio.run(main, sys.argv[1])
"""


def test_two_clients_in_one_process_and_other_processes_share_one_budget(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", TAKER, str(tmp_path)]
    with subprocess.Popen([*arguments, "1", "1"], stdin=PIPE, stdout=PIPE, text=True) as two:
        assert two.stdout
        opened = [two.stdout.readline(), two.stdout.readline()]
        others = [subprocess.check_output([*arguments, calls], input="", text=True) for calls in ("4", "20")]
        left, _ = two.communicate("go on\n", timeout=20)
    assert (opened, others, left) == (["1\n", "1\n"], ["4\n\n", "4\n\n"], "0\n")


def test_a_forked_process_opens_the_file_for_itself(file: StateFile) -> None:
    note(file, "one")
    child = os.fork()
    if child == 0:
        try:
            note(file, "of the child")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    note(file, "two")
    assert notes(file) == ["one", "of the child", "two"]


# Who may change it


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_others_may_write_to_is_refused_with_the_command_that_mends_it(
    suffix: str, file: StateFile, path: Path
) -> None:
    note(file, "one")
    file.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("SELECT * FROM notes")
        place = Path(f"{path}{suffix}")
        place.chmod(0o666)
        assert complaint(path).endswith(f"To mend it, run: chmod go-w {place}")


def test_a_folder_that_others_may_write_to_is_refused_with_the_command_that_mends_it(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    assert complaint(path).endswith(f"To mend it, run: chmod go-w {path.parent}")
    assert not path.exists()


def test_nobody_is_told_to_close_a_folder_that_all_users_share(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o1777)
    assert complaint(path).endswith("is shared by all users. Set AUTOBG_STATE_DIR to one of its own.")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_refused_with_the_command_that_mends_it(
    file: StateFile, path: Path
) -> None:
    note(file, "one")
    file.close()
    os.chown(path, 65_534, -1)
    assert complaint(path).endswith(f"belongs to another user (65534). To mend it, run: chown 0 {path}")


def test_a_folder_that_others_may_only_read_is_fine(file: StateFile, path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    note(file, "one")
    assert notes(file) == ["one"]


def test_a_link_in_place_of_the_file_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.symlink_to(tmp_path / "elsewhere")
    assert complaint(path).endswith(f"{path} is a link. To mend it, run: mv {path} {path}.aside")
    assert not (tmp_path / "elsewhere").exists()


def test_a_pipe_in_place_of_the_file_is_refused_at_once(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    os.mkfifo(path)
    assert f"{path} is no plain file" in complaint(path)


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ("CREATE TRIGGER free AFTER INSERT ON notes BEGIN DELETE FROM notes; END", "the trigger 'free'"),
        ("CREATE VIEW seen AS SELECT 1", "the view 'seen'"),
        ("CREATE TABLE more (x)", "the table 'more'"),
    ],
)
def test_what_somebody_planted_in_the_file_is_refused(
    planted: str, named: str, file: StateFile, path: Path
) -> None:
    note(file, "one")
    file.close()
    by_hand(path, planted)
    message = complaint(path)
    assert f"it holds {named}, which autobg-mcp did not make" in message
    assert "Notes are lost." in message


def test_statistics_that_sqlite_keeps_are_no_intruder(file: StateFile, path: Path) -> None:
    note(file, "one")
    file.close()
    by_hand(path, "ANALYZE")
    assert notes(file) == ["one"]


def test_a_file_that_lacks_a_table_is_damaged(file: StateFile, path: Path) -> None:
    note(file, "one")
    file.close()
    by_hand(path, "DROP INDEX notes_by_text")
    assert "is damaged (the index 'notes_by_text' is missing)" in complaint(path)


# Where it lies


def journal_after_choice(path: Path, db: sqlite3.Connection) -> str:
    at(path)._choose_journal(db)
    db.set_authorizer(None)
    return str(db.execute("PRAGMA journal_mode").fetchone()[0])


def test_a_file_system_without_shared_memory_gets_the_old_journal(tmp_path: Path) -> None:
    address = f"file:{tmp_path / 'notes.sqlite3'}?vfs=unix-dotfile"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as db:
        assert journal_after_choice(tmp_path / "notes.sqlite3", db) == "delete"


def test_a_refused_write_ahead_log_is_no_failure(tmp_path: Path) -> None:
    def deny(action: int, _: str | None, value: str | None, *_rest: str | None) -> int:
        refused = action == sqlite3.SQLITE_PRAGMA and value == "WAL"
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    with closing(sqlite3.connect(tmp_path / "notes.sqlite3", isolation_level=None)) as db:
        db.set_authorizer(deny)
        assert journal_after_choice(tmp_path / "notes.sqlite3", db) == "delete"


@pytest.mark.parametrize(("flushed", "level"), [(True, 2), (False, 1), (None, 1)])
def test_a_transaction_waits_for_the_disk_when_it_is_told_to(
    flushed: bool | None, level: int, file: StateFile
) -> None:
    with file.writing(flushed=True):
        pass
    with file.writing(flushed=flushed) as db:
        assert db.execute("PRAGMA synchronous").fetchone()[0] == level


# What is read


@pytest.mark.parametrize(
    "read",
    [
        lambda: whole_between("many", 0, 9),
        lambda: whole_between(10, 0, 9),
        lambda: number_between(None, 0, 9),
        lambda: number_between(float("nan"), 0, 9),
        lambda: text_up_to(b"raw", 9),
        lambda: text_up_to("0123456789", 9),
    ],
)
def test_a_value_that_was_never_written_so_is_told_as_damage(read: object, file: StateFile) -> None:
    assert callable(read)
    with pytest.raises(StateError, match=r"damaged \(.* belongs\)"), file.reading():
        read()


def test_a_value_within_its_bounds_is_read_as_it_is() -> None:
    assert (whole_between(9, 0, 9), number_between(0.5, 0, 9), text_up_to("text", 4)) == (9, 0.5, "text")
    with pytest.raises(ImpossibleValueError):
        whole_between(-1, 0, 9)
