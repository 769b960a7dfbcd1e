"""The ledger's file: older and newer schemas, damage, missing rights, other journals."""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from ledger_cases import FRONT, Blocking, by_hand

from autobg_mcp.errors import StateError
from autobg_mcp.money.ledger import Balance, Complaint, FileStamp, PictureState
from autobg_mcp.money.ledger.ledger_file import FILE_NAME
from autobg_mcp.money.ledger.migrations import MIGRATIONS

NOBODY = 65_534


def accept(folder: Path) -> int:
    with closing(Blocking(folder)) as ledger:
        return ledger.accept()


def complaint(folder: Path) -> str:
    with closing(Blocking(folder)) as ledger, pytest.raises(StateError) as caught:
        ledger.claim(FRONT, duplicate_window_s=0)
    return str(caught.value)


@contextmanager
def without_root() -> Iterator[None]:
    """Permissions do not bind root, so let go of it for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user reaches, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


DIGESTS_SINCE = 4
"""The schema since which digests of files are kept."""


def write_schema(folder: Path, version: int) -> None:
    with closing(sqlite3.connect(folder / FILE_NAME)) as db, db:
        db.create_function("casefold", 1, str.casefold, deterministic=True)
        entry = (
            "INSERT INTO entries (account, host, tool, vehicle, file_name, pictures, fingerprint, at, window_from, "
            "state, batch_id, owner, lease_until) "
            "VALUES ('account', 'h', 't', 'BMW-1', 'front.jpg' || char(10) || 'rear.jpg', 0, 'front', 5, 5, 'accepted', '1004', 'o', 65)"
        )
        for statement in (*MIGRATIONS[0], entry, *chain(*MIGRATIONS[1:version])):
            db.execute(statement)
        if version >= DIGESTS_SINCE:
            db.execute("INSERT INTO digests VALUES ('/cars/front.jpg', 5, 6, '1:2', 'of the file')")
        db.execute(f"PRAGMA user_version={version}")


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_ledger_of_an_older_schema_keeps_its_entries(version: int, tmp_path: Path) -> None:
    write_schema(tmp_path, version)
    with closing(Blocking(tmp_path)) as ledger:
        ledger.record_status("account", "1004", [])
        (batch,) = ledger.batches("account")
    assert (batch.batch_id, batch.first_at, batch.pictures, batch.processed) == ("1004", 5, 2, 0)


def test_digests_of_files_as_they_lay_on_disk_are_forgotten(tmp_path: Path) -> None:
    write_schema(tmp_path, DIGESTS_SINCE)
    with closing(Blocking(tmp_path)) as ledger:
        assert ledger.known_digests([FileStamp("/cars/front.jpg", 5, 6, "1:2")]) == {}


def test_an_entry_from_before_balances_were_kept_gets_the_next_one(tmp_path: Path) -> None:
    write_schema(tmp_path, 2)
    with closing(Blocking(tmp_path)) as ledger:
        ledger.record_credits("account", 9)
        assert ledger.evidence("account", [1])[1].after.left == 9


def test_the_last_balance_of_an_older_ledger_is_kept(tmp_path: Path) -> None:
    write_schema(tmp_path, 4)
    by_hand(tmp_path, "INSERT INTO balances VALUES ('account', 9, 5, 1)")
    with closing(Blocking(tmp_path)) as ledger:
        assert ledger.balance("account") == Balance(9, 5, entry=1, accepted=0, unknown=0)


def test_a_ledger_of_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    accept(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("PRAGMA user_version=99")
    assert "newer autobg-mcp (schema 99" in complaint(tmp_path)


def test_a_file_that_is_no_ledger_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1_000)
    message = complaint(tmp_path)
    assert str(tmp_path / FILE_NAME) in message
    assert "keep that copy" in message
    assert "paid again" in message


def test_damage_in_the_middle_is_told_as_damage(tmp_path: Path) -> None:
    accept(tmp_path)
    file = tmp_path / FILE_NAME
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert "damaged" in complaint(tmp_path)


def test_a_server_goes_on_with_a_new_ledger_once_the_damaged_one_is_moved_away(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_bytes(b"not a database" * 1_000)
    with closing(Blocking(tmp_path)) as ledger:
        with pytest.raises(StateError):
            ledger.intend()
        file.rename(tmp_path / "copy")
        assert ledger.get(ledger.intend()).state == "intended"


def test_a_ledger_replaced_under_a_running_server_is_the_one_that_counts(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        ledger.intend()
        for file in tmp_path.glob("ledger*"):
            file.rename(tmp_path / f"old-{file.name}")
        entry_id = accept(tmp_path)
        assert ledger.get(entry_id).batch_id == "1004"


def test_an_outcome_whose_entry_went_away_with_the_file_is_told(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        entry_id = ledger.intend()
        for file in tmp_path.glob("ledger*"):
            file.unlink()
        with pytest.raises(StateError, match="was replaced meanwhile"):
            ledger.settle(entry_id, "accepted", batch_id="1004")


def test_an_outcome_whose_file_was_replaced_is_no_other_entrys_outcome(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        lost_id = ledger.intend()
        for file in tmp_path.glob("ledger*"):
            file.unlink()
        other_id = ledger.intend()
        with pytest.raises(StateError, match="was replaced meanwhile"):
            ledger.settle(lost_id, "accepted", batch_id="1004")
        assert ledger.get(other_id).state == "intended"


def test_a_folder_that_cannot_be_written_is_named(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    with without_root():
        message = complaint(open_folder)
    assert str(open_folder) in message
    assert "AUTOBG_STATE_DIR" in message


def test_a_ledger_that_may_only_be_read_is_named(open_folder: Path) -> None:
    accept(open_folder)
    (open_folder / FILE_NAME).chmod(0o444)
    open_folder.chmod(0o555)
    with without_root():
        assert "cannot be written" in complaint(open_folder)


@pytest.mark.parametrize("folder", ["state", "state/below"])
def test_a_file_in_place_of_the_folder_is_told_as_such(folder: str, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert f"{tmp_path / folder} is no folder. Set AUTOBG_STATE_DIR" in complaint(tmp_path / folder)


def test_a_full_disk_is_told_as_such_and_leaves_the_ledger_whole(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        entry_id = ledger.intend()
        with ledger.ledger._file.reading() as db:
            db.execute("PRAGMA max_page_count=1")
        with pytest.raises(StateError, match="Free space"):
            ledger.record_templates("account", {str(i): "name" * 100 for i in range(1_000)})
        assert ledger.get(entry_id).state == "intended"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'accepted', at = 9e18",
        "at = 'yesterday'",
        "lease_until = x'00'",
        "file_name = x'ff'",
        "settled_at = 'never'",
        "pictures = 'many'",
        "batch_id = CAST(x'ff' AS TEXT)",
        "batch_id = '1' || char(10) || 'Credits spent: no.'",
        "batch_id = printf('%065d', 1)",
        "owner = x'ff'",
    ],
)
def test_a_value_that_no_ledger_holds_is_told_as_damage(change: str, tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        ledger.intend()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(f"UPDATE entries SET {change}")
    with closing(Blocking(tmp_path)) as ledger, pytest.raises(StateError, match=r"ledger.* is damaged \("):
        ledger.claim(daily_limit=5, duplicate_window_s=1e12)


@pytest.mark.parametrize("change", ["pictures SET pic_id = 'a b'", "batches SET batch_id = x'ff'"])
def test_an_id_that_no_answer_holds_is_told_as_damage(change: str, tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        ledger.accept(batch_id="1004")
        ledger.record_status("account", "1004", [PictureState("1", "car.jpg", processed=True, failed=False)])
        by_hand(tmp_path, f"UPDATE {change}")
        with pytest.raises(StateError, match=r"ledger.* is damaged \("):
            (ledger.status_lease("account", "1004", fresh_s=60, lease_s=1), ledger.batches("account"))


def test_no_question_goes_through_a_whole_table(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger:
        ledger.accept()
        ledger.settle(ledger.intend(fingerprint="lost"), "unknown")
        asked = statements(ledger, lambda: ask_everything(ledger))
        with ledger.ledger._file.reading() as db:
            plans = {one: [row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {one}")] for one in asked}
    assert len(plans) > 20
    for statement, plan in plans.items():
        scans = [step for step in plan if step.startswith("SCAN") and "INDEX entries_u" not in step]
        assert not scans, statement


def impatient(_: float) -> None:
    pytest.fail("waited for another process")


def test_a_claim_is_written_at_once_while_another_process_searches(tmp_path: Path) -> None:
    accept(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as searcher:
        searcher.execute("BEGIN")
        searcher.execute("SELECT * FROM entries").fetchall()
        with closing(Blocking(tmp_path, sleep=impatient)) as ledger:
            assert ledger.get(ledger.intend()).state == "intended"


def test_a_search_is_answered_at_once_while_another_process_writes(tmp_path: Path) -> None:
    accept(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with closing(Blocking(tmp_path, sleep=impatient)) as ledger:
            assert [batch.batch_id for batch in ledger.batches("account", text="front")] == ["1004"]


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    with closing(Blocking(tmp_path)) as ledger, closing(Blocking(tmp_path)) as other:
        for settled in range(2):
            before = other.ledger._file.version()
            ledger.record_credits("account", 9)
            ledger.record_templates("account", {"77": "Studio"})
            ledger.batches("account")
            ledger.duplicates([FRONT], duplicate_window_s=9)
            assert (other.ledger._file.version() == before) == bool(settled)


def ask_everything(ledger: Blocking) -> None:
    """Every use of the ledger, by a key that has entries and by one that has none."""
    picture = PictureState("51", "front.jpg", processed=True, failed=False)
    for account in ("account", "another"):
        ledger.record_status(account, "1004", [picture])
        ledger.fetched(account, "51", "a1")
        ledger.record_report(account, ["51"], Complaint(["Logo"]))
        ledger.rework(account, ["51"])
        ledger.last_seen(account, ["51"])
        ledger.status_lease(account, "1004", fresh_s=5, lease_s=5)
        ledger.record_credits(account, 9)
        ledger.record_templates(account, {"77": "Studio"})
        ledger.claim(replace(FRONT, account=account), duplicate_window_s=9, daily_limit=9)
        ledger.batches(account)
        ledger.batches(account, text="51")
        ledger.batches(account, since=5, until=9e9)
        ledger.picture(account, "51")
        ledger.unknown(account)
        ledger.spent(account, since=5)
        ledger.reported(account, {"51": Complaint(["Logo"])}, window_s=9)
        ledger.vehicle_of(account, "1004")
        ledger.calm(account)
        ledger.balance(account)
        ledger.spending(account, since=0)
        ledger.evidence(account, [1])
        ledger.worth_a_look(account, FRONT.vehicle, limit=9)


def statements(ledger: Blocking, work: Callable[[], None]) -> set[str]:
    """What is asked of the file meanwhile."""
    asked: set[str] = set()
    with ledger.ledger._file.reading() as db:
        db.set_trace_callback(asked.add)
    work()
    with ledger.ledger._file.reading() as db:
        db.set_trace_callback(None)
    return {one for one in asked if one.split()[0] in {"SELECT", "UPDATE", "INSERT"}}


def test_any_other_failure_is_quoted_with_the_file(tmp_path: Path) -> None:
    with (
        closing(Blocking(tmp_path)) as ledger,
        pytest.raises(StateError, match="CHECK constraint failed") as caught,
    ):
        ledger.claim(replace(FRONT, pictures=-1), duplicate_window_s=0)
    assert str(tmp_path / FILE_NAME) in str(caught.value)


def test_a_ledger_held_for_long_by_another_program_is_named(tmp_path: Path) -> None:
    waits: list[float] = []
    accept(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with (
            closing(Blocking(tmp_path, sleep=waits.append)) as ledger,
            pytest.raises(StateError, match="held by other"),
        ):
            ledger.intend()
    assert 5 <= sum(waits) < 6


def test_a_ledger_held_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    accept(tmp_path)
    with closing(
        sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    ) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with closing(Blocking(tmp_path, sleep=lambda _: holder.rollback())) as ledger:
            assert ledger.get(ledger.intend()).state == "intended"


def test_the_journal_is_write_ahead(tmp_path: Path) -> None:
    accept(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
