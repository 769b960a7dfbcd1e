"""How far batches are, as the ledger tells it to a plan."""

from dataclasses import replace

import pytest
from ledger_cases import FRONT, Blocking

from autobg_mcp.money.ledger import BatchProgress, Complaint, PictureState

REAR = replace(FRONT, file_name="rear.jpg", fingerprint="rear", source="/cars/rear.jpg")


@pytest.fixture
def submitted(ledger: Blocking) -> Blocking:
    """A ledger with one batch of two pictures."""
    ledger.accept(FRONT)
    ledger.accept(REAR)
    return ledger


def see(ledger: Blocking, *done: bool, failed: bool = False) -> None:
    states = [PictureState(str(number), f"{number}.jpg", one, failed) for number, one in enumerate(done)]
    ledger.record_status("account", "1004", states)


def progress(ledger: Blocking) -> BatchProgress:
    told: dict[str, BatchProgress] = ledger.progress("account", ["1004", "stranger"])
    assert list(told) == ["1004"]
    return told["1004"]


def test_a_batch_that_nobody_looked_at_says_so(submitted: Blocking) -> None:
    assert not progress(submitted).looked_at


def test_pictures_that_a_look_did_not_show_are_in_work(submitted: Blocking) -> None:
    see(submitted, True)
    assert progress(submitted) == BatchProgress(looked_at=True, in_work=1, failed=0, to_fetch=1)


def test_failed_pictures_are_not_to_be_fetched(submitted: Blocking) -> None:
    see(submitted, True, True, failed=True)
    assert progress(submitted) == BatchProgress(looked_at=True, in_work=0, failed=2, to_fetch=0)


def test_what_was_fetched_is_not_to_be_fetched(submitted: Blocking) -> None:
    see(submitted, True, True)
    submitted.fetched("account", "0", "sha")
    assert progress(submitted).to_fetch == 1


def test_what_was_reported_is_to_be_fetched_anew(submitted: Blocking) -> None:
    see(submitted, True, True)
    for pic_id in ("0", "1"):
        submitted.fetched("account", pic_id, "sha")
    submitted.record_report("account", ["1"], Complaint(["Logo"]))
    assert progress(submitted).to_fetch == 1


def test_another_account_learns_nothing(submitted: Blocking) -> None:
    assert submitted.progress("another", ["1004"]) == {}
