"""Balances as a history: which submissions lie between two of them, and what is certain of that."""

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_cases import FRONT, LEASE_S, Blocking, WallClock, by_hand

from autobg_mcp.money.ledger import Balance, Intent, Outcome, Spending
from autobg_mcp.money.ledger.balances import MOST_KEPT


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def settle(ledger: Blocking, state: Outcome = "accepted", submission: Intent = FRONT) -> int:
    entry_id = ledger.intend(submission)
    ledger.settle(entry_id, state)
    return entry_id


def evidence(ledger: Blocking, entry_id: int, account: str = "account") -> Spending:
    found: dict[int, Spending] = ledger.evidence(account, [entry_id])
    return found[entry_id]


def balances(
    ledger: Blocking, entry_id: int, account: str = "account"
) -> tuple[float | None, float | None, float | None]:
    """The last before an entry, the first after it, and the last after it."""
    spending = evidence(ledger, entry_id, account)
    told = (spending.before, spending.after, spending.latest)
    before, first, last = (None if one is None else one.left for one in told)
    return before, first, last


def newest(ledger: Blocking, account: str = "account") -> Balance:
    found: Balance | None = ledger.balance(account)
    assert found
    return found


# Before and after one submission


def test_a_submission_between_two_balances_has_both(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (10, 9, 9)


def test_a_submission_whose_balance_nobody_asked_has_none(ledger: Blocking) -> None:
    assert balances(ledger, settle(ledger)) == (None, None, None)


@pytest.mark.parametrize("left", [9, 8.5, 0, -3])
def test_a_balance_is_kept_as_it_was_told(ledger: Blocking, left: float) -> None:
    ledger.record_credits("account", left)
    assert (newest(ledger).left, type(newest(ledger).left)) == (left, type(left))


@pytest.mark.parametrize("state", ["refused", "unknown"])
def test_a_submission_that_was_not_accepted_gets_its_balances_too(ledger: Blocking, state: Outcome) -> None:
    entry_id = settle(ledger, state)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9, 9)


def test_the_last_balance_before_a_submission_counts_and_the_first_and_the_last_after_it(
    ledger: Blocking,
) -> None:
    for left in (500, 10):
        ledger.record_credits("account", left)
    entry_id = settle(ledger)
    for left in (9, 8, 509):
        ledger.record_credits("account", left)
    assert balances(ledger, entry_id) == (10, 9, 509)


def test_one_balance_stands_after_a_submission_and_before_the_next(ledger: Blocking) -> None:
    first = settle(ledger)
    ledger.record_credits("account", 9)
    second = settle(ledger)
    assert [balances(ledger, first), balances(ledger, second)] == [(None, 9, 9), (9, None, None)]


# What lies between two balances


def test_submissions_without_a_balance_between_them_share_those_around_them(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    states: list[Outcome] = ["accepted", "unknown", "refused", "accepted", "unknown"]
    entry_ids = [settle(ledger, state) for state in states]
    ledger.record_credits("account", 7)
    settle(ledger)
    found = [evidence(ledger, entry_id) for entry_id in entry_ids]
    assert found == [found[0]] * 5
    assert (found[0].accepted, found[0].unknown, found[0].refused) == (2, 2, 1)


def test_the_newest_balance_tells_what_was_submitted_since(ledger: Blocking, clock: WallClock) -> None:
    entry_id = settle(ledger)
    ledger.record_credits("account", 10)
    told_at, clock.now = clock.now, clock.now + 5
    for state in ("accepted", "accepted", "unknown", "refused"):
        settle(ledger, state)
    ledger.intend()
    assert newest(ledger) == Balance(10, told_at, entry=entry_id, accepted=2, unknown=2)


def test_a_balance_told_again_is_newer(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    clock.now += 600
    ledger.record_credits("account", 10)
    assert newest(ledger).at == clock.now


def test_where_no_balance_was_told_there_is_none(ledger: Blocking) -> None:
    settle(ledger)
    assert ledger.balance("account") is None


def test_a_receipt_spans_all_that_was_submitted_since_a_balance(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    begun = newest(ledger).entry
    settle(ledger)
    ledger.record_credits("account", 9)
    settle(ledger, "unknown")
    ledger.record_credits("account", 8)
    spending: Spending = ledger.spending("account", since=begun)
    assert spending.before
    assert spending.after
    assert (spending.before.left, spending.after.left) == (10, 8)
    assert (spending.accepted, spending.unknown) == (1, 1)


def test_a_receipt_without_a_balance_after_the_last_submission_has_no_end(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    settle(ledger)
    ledger.record_credits("account", 9)
    settle(ledger)
    spending: Spending = ledger.spending("account", since=0)
    assert (spending.after, spending.latest, spending.accepted) == (None, None, 2)


# Balances that are not certain


def test_a_balance_told_during_a_submission_is_dropped(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    ledger.record_credits("account", 9)
    ledger.settle(entry_id, "accepted")
    assert ledger.balance("account") is None


def test_an_older_submission_under_way_makes_a_balance_uncertain(ledger: Blocking) -> None:
    ledger.intend()
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, None, None)


def test_a_balance_asked_before_a_submission_and_told_after_it_is_dropped(ledger: Blocking) -> None:
    asked_after = ledger.calm("account")
    settle(ledger)
    ledger.record_credits("account", 10, asked_after=asked_after)
    assert ledger.balance("account") is None


def test_a_balance_asked_during_a_submission_and_told_after_it_is_dropped(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    asked_after = ledger.calm("account")
    ledger.settle(entry_id, "accepted")
    ledger.record_credits("account", 10, asked_after=asked_after)
    assert ledger.balance("account") is None


def test_while_a_submission_is_under_way_no_balance_is_worth_asking(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    assert ledger.calm("account") is None
    ledger.settle(entry_id, "accepted")
    assert ledger.calm("account") == entry_id


def test_a_submission_of_a_dead_process_is_not_waited_for(ledger: Blocking, clock: WallClock) -> None:
    entry_id = ledger.intend()
    ledger.sent(entry_id)
    clock.now += LEASE_S + 1
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9, 9)


def test_balances_of_two_accounts_are_told_apart(ledger: Blocking) -> None:
    ledger.record_credits("account", 10)
    ledger.record_credits("another", 700)
    other_id = settle(ledger, submission=replace(FRONT, account="another"))
    entry_id = settle(ledger)
    ledger.record_credits("another", 699)
    assert balances(ledger, other_id, "another") == (700, 699, 699)
    assert balances(ledger, entry_id) == (10, None, None)


def test_a_submission_of_another_account_under_way_leaves_a_balance_certain(ledger: Blocking) -> None:
    ledger.intend(replace(FRONT, account="another"))
    entry_id = settle(ledger)
    ledger.record_credits("account", 9)
    assert balances(ledger, entry_id) == (None, 9, 9)


def test_a_clock_set_back_makes_no_old_balance_new(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    clock.now -= 1_000
    entry_id = settle(ledger)
    assert balances(ledger, entry_id) == (10, None, None)


def test_a_clock_set_back_keeps_no_balance_from_being_told_again(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    clock.now -= 1_000
    ledger.record_credits("account", 10)
    assert newest(ledger).at == clock.now


@pytest.mark.parametrize("left", [10**4_000, float("nan"), float("inf")])
def test_a_balance_that_the_file_cannot_hold_is_not_kept(left: float, ledger: Blocking) -> None:
    ledger.record_credits("account", left)
    assert ledger.balance("account") is None


# How long balances are kept


def test_a_balance_survives_a_restart(ledger: Blocking, tmp_path: Path, clock: WallClock) -> None:
    ledger.record_credits("account", 10)
    ledger.close()
    again = Blocking(tmp_path, clock=clock)
    assert newest(again).left == 10
    again.close()


def test_of_many_balances_the_newest_are_kept_and_those_next_to_what_is_unknown(
    ledger: Blocking, tmp_path: Path
) -> None:
    ledger.record_credits("account", 1_000)
    settle(ledger)
    ledger.record_credits("account", 999)
    entry_id = settle(ledger, "unknown")
    for left in range(998, 998 - MOST_KEPT - 5, -1):
        ledger.record_credits("account", left)
        settle(ledger)
    assert balances(ledger, entry_id) == (999, 998, 998)
    assert by_hand(tmp_path, "SELECT count(*) FROM balances") == [(MOST_KEPT + 2,)]
