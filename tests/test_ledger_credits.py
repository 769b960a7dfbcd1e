"""The balance told before and after a submission, kept only where it is certain which submission it belongs to."""

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_cases import FRONT, LEASE_S, Blocking, WallClock

from autobg_mcp.money.ledger import Intent, Outcome


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def settle(ledger: Blocking, state: Outcome = "accepted", submission: Intent = FRONT) -> int:
    entry_id = ledger.intend(submission)
    ledger.settle(entry_id, state)
    return entry_id


def balances(ledger: Blocking, entry_id: int) -> tuple[float | None, float | None]:
    entry = ledger.get(entry_id)
    return entry.credits_before, entry.credits_after


def test_a_submission_between_two_balances_has_both(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (10, 9)


def test_a_submission_whose_balance_nobody_asked_has_none(ledger: Blocking) -> None:
    assert balances(ledger, settle(ledger)) == (None, None)


@pytest.mark.parametrize("left", [9, 8.5, 0, -3])
def test_a_balance_is_kept_as_it_was_told(ledger: Blocking, left: float) -> None:
    ledger.record_credits("account", left)
    before, _ = balances(ledger, settle(ledger))
    assert (before, type(before)) == (left, type(left))


@pytest.mark.parametrize("state", ["refused", "unknown"])
def test_a_submission_that_was_not_accepted_gets_its_balances_too(ledger: Blocking, state: Outcome) -> None:
    entry_id = settle(ledger, state)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9)


def test_only_the_first_and_the_last_of_several_submissions_touch_a_balance(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    entry_ids = [settle(ledger) for _ in range(3)]
    ledger.record_credits("account", 7)
    assert [balances(ledger, entry_id) for entry_id in entry_ids] == [(10, None), (None, None), (None, 7)]


def test_one_balance_stands_after_a_submission_and_before_the_next(ledger: Blocking) -> None:
    first = settle(ledger)
    ledger.record_credits("account", 9)
    second = settle(ledger)
    assert [balances(ledger, first), balances(ledger, second)] == [(None, 9), (9, None)]


def test_the_first_balance_after_a_submission_stays(ledger: Blocking) -> None:
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    ledger.record_credits("account", 500)
    assert balances(ledger, entry_id) == (None, 9)


def test_the_newest_balance_stands_before_a_submission(ledger: Blocking) -> None:
    ledger.record_credits("account", 500)
    ledger.record_credits("account", 9)
    assert balances(ledger, settle(ledger)) == (9, None)


def test_a_balance_told_during_a_submission_is_not_taken_for_the_one_after_it(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    ledger.record_credits("account", 9)
    ledger.settle(entry_id, "accepted")
    assert balances(ledger, entry_id) == (None, None)


def test_a_balance_told_during_a_submission_is_not_taken_for_the_one_before_the_next(
    ledger: Blocking,
) -> None:
    ledger.settle(ledger.intend(), "accepted")
    ledger.record_credits("account", 10)
    ledger.intend()
    ledger.record_credits("account", 9)
    assert balances(ledger, settle(ledger)) == (None, None)


def test_an_older_submission_under_way_makes_a_balance_uncertain(ledger: Blocking) -> None:
    ledger.intend()
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, None)


def test_a_submission_of_a_dead_process_is_not_waited_for(ledger: Blocking, clock: WallClock) -> None:
    entry_id = ledger.intend()
    ledger.sent(entry_id)
    clock.now += LEASE_S + 1
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9)


def test_balances_of_two_accounts_are_told_apart(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    ledger.record_credits("another", 700)
    other_id = settle(ledger, submission=replace(FRONT, account="another"))
    entry_id = settle(ledger)
    ledger.record_credits("another", 699)
    assert balances(ledger, other_id) == (700, 699)
    assert balances(ledger, entry_id) == (10, None)


def test_a_submission_of_another_account_under_way_leaves_a_balance_certain(ledger: Blocking) -> None:
    ledger.intend(replace(FRONT, account="another"))
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9)


def test_a_clock_set_back_makes_no_old_balance_new(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    clock.now -= 1_000
    settle(ledger)
    assert balances(ledger, settle(ledger)) == (None, None)


def test_a_balance_survives_a_restart(ledger: Blocking, tmp_path: Path, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    ledger.close()
    again = Blocking(tmp_path, clock=clock)
    assert balances(again, settle(again)) == (10, None)
    again.close()


def test_a_balance_beyond_what_the_file_can_hold_is_not_kept(ledger: Blocking) -> None:
    ledger.record_credits("account", 10**4_000)
    assert balances(ledger, settle(ledger)) == (None, None)
