"""Intent before, outcome after, duplicates found, credits counted."""

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_cases import FRONT, LEASE_S, Blocking, WallClock

from autobg_mcp.errors import StateError

DAY_S = 86_400.0


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def test_an_unused_ledger_leaves_no_trace_on_disk(tmp_path: Path) -> None:
    Blocking(tmp_path / "state").close()
    assert not (tmp_path / "state").exists()


def test_only_the_owner_can_read_folder_and_file(tmp_path: Path) -> None:
    ledger = Blocking(tmp_path / "state")
    ledger.accept()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    ledger.close()
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}


def test_a_claim_is_an_intended_entry_with_all_that_was_submitted(ledger: Blocking, clock: WallClock) -> None:
    entry = ledger.claim(FRONT, duplicate_window_s=DAY_S).entry
    assert entry
    assert (entry.state, entry.at, entry.file_name, entry.source) == (
        "intended",
        clock.now,
        "front.jpg",
        "/cars/front.jpg",
    )


def test_a_settled_submission_keeps_its_batch(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    ledger.settle(entry_id, "accepted", batch_id="1004")
    entry = ledger.get(entry_id)
    assert (entry.state, entry.batch_id) == ("accepted", "1004")


@pytest.mark.parametrize("state", ["accepted", "unknown"])
def test_a_repeat_is_answered_with_the_earlier_entry(ledger: Blocking, state: str) -> None:
    entry_id = ledger.intend()
    ledger.settle(entry_id, state)
    claim = ledger.claim(FRONT, duplicate_window_s=DAY_S)
    assert claim.entry is None
    assert claim.duplicate_of == ledger.get(entry_id)


def test_a_submission_under_way_in_another_process_is_a_duplicate(ledger: Blocking, other: Blocking) -> None:
    entry_id = ledger.intend()
    assert (found := other.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of)
    assert (found.id, found.state) == (entry_id, "intended")


def test_an_accepted_entry_is_named_before_a_newer_unknown_one(ledger: Blocking) -> None:
    accepted_id = ledger.accept()
    ledger.settle(ledger.intend(), "unknown")
    assert (found := ledger.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of)
    assert found.id == accepted_id


@pytest.mark.parametrize(
    "changes", [{"fingerprint": "e" * 64}, {"account": "another"}], ids=["other picture", "other account"]
)
def test_another_submission_is_no_duplicate(ledger: Blocking, changes: dict[str, str]) -> None:
    ledger.accept()
    assert ledger.claim(replace(FRONT, **changes), duplicate_window_s=DAY_S).entry  # type: ignore[arg-type]


def test_a_refused_submission_may_be_made_again(ledger: Blocking) -> None:
    ledger.settle(ledger.intend(), "refused", reason="no credits")
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S).entry


def test_a_duplicate_is_sent_when_that_is_wanted(ledger: Blocking) -> None:
    ledger.accept()
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S, allow_duplicate=True).entry


def test_the_duplicate_window_ends(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept()
    clock.now += DAY_S - 1
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of
    clock.now += 1
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S).entry


def test_a_clock_set_back_keeps_the_window_closed(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept()
    clock.now -= 365 * DAY_S
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of


def test_an_entry_made_while_the_clock_was_wrong_keeps_its_window_once_it_is_right(
    ledger: Blocking, clock: WallClock
) -> None:
    ledger.accept(replace(FRONT, fingerprint="an hour before"))
    clock.now -= 365 * DAY_S
    ledger.accept()
    clock.now += 365 * DAY_S + 3_600
    assert ledger.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of


def test_a_process_that_dies_before_sending_has_spent_nothing(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    entry_id = ledger.intend()
    clock.now += LEASE_S + 1
    entry = other.get(entry_id)
    assert (entry.state, entry.reason) == ("refused", "never sent")


def test_a_process_that_dies_after_sending_leaves_the_outcome_unknown(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    entry_id = ledger.intend()
    ledger.sent(entry_id)
    clock.now += LEASE_S + 1
    assert (found := other.claim(FRONT, duplicate_window_s=DAY_S).duplicate_of)
    assert (found.id, found.state) == (entry_id, "unknown")


def test_sending_renews_the_lease(ledger: Blocking, other: Blocking, clock: WallClock) -> None:
    entry_id = ledger.intend()
    clock.now += LEASE_S * 0.9
    ledger.sent(entry_id)
    clock.now += LEASE_S * 0.9
    assert other.get(entry_id).state == "intended"


def test_a_lease_from_a_clock_that_was_far_ahead_does_not_live_on(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    entry_id = ledger.intend()
    clock.now -= 365 * DAY_S
    assert other.get(entry_id).state == "refused"


def test_a_process_taken_for_dead_must_not_send(ledger: Blocking, other: Blocking, clock: WallClock) -> None:
    entry_id = ledger.intend()
    clock.now += LEASE_S + 1
    assert other.claim(FRONT, duplicate_window_s=DAY_S).entry
    with pytest.raises(StateError, match="Nothing was sent"):
        ledger.sent(entry_id)


def test_the_late_answer_of_a_process_taken_for_dead_is_kept(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    entry_id = ledger.intend()
    ledger.sent(entry_id)
    clock.now += LEASE_S + 1
    assert other.get(entry_id).state == "unknown"
    ledger.settle(entry_id, "accepted", batch_id="1004")
    assert (other.get(entry_id).state, other.get(entry_id).reason) == ("accepted", None)


@pytest.mark.parametrize("later", ["refused", "unknown"])
def test_accepted_never_goes_back(ledger: Blocking, later: str) -> None:
    entry_id = ledger.accept()
    before = ledger.get(entry_id)
    ledger.settle(entry_id, later, reason="late news", batch_id="9")
    assert ledger.get(entry_id) == before


def test_settling_twice_only_fills_in_what_was_missing(ledger: Blocking, clock: WallClock) -> None:
    entry_id = ledger.accept()
    before = ledger.get(entry_id)
    clock.now += 5
    ledger.settle(entry_id, "accepted", batch_id="another", reason="seen")
    assert ledger.get(entry_id) == replace(before, reason="seen")


def test_an_unknown_submission_is_listed_until_evidence_settles_it(ledger: Blocking, other: Blocking) -> None:
    entry_id = ledger.intend()
    ledger.settle(entry_id, "unknown", reason="timeout")
    assert [entry.id for entry in other.unknown("account")] == [entry_id]
    other.settle(entry_id, "accepted", batch_id="1004", reason="seen in the batch")
    assert other.unknown("account") == []


def test_all_but_refused_submissions_count_as_spent(ledger: Blocking) -> None:
    ledger.accept(replace(FRONT, pictures=20))
    ledger.settle(ledger.intend(replace(FRONT, pictures=300)), "unknown")
    ledger.intend(replace(FRONT, pictures=4_000))
    ledger.settle(ledger.intend(), "refused")
    assert ledger.spent("account", since=0) == 4_320


def test_spending_is_counted_from_since_on(ledger: Blocking, clock: WallClock) -> None:
    for _ in range(3):
        ledger.accept()
        clock.now += 10
    assert ledger.spent("account", since=1_000_010) == 2


def test_a_submission_beyond_the_daily_limit_is_told_what_is_left(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept(replace(FRONT, pictures=7))
    claim = ledger.claim(
        replace(FRONT, pictures=4), duplicate_window_s=0, daily_limit=10, day_start=clock.now - 60
    )
    assert (claim.entry, claim.over_limit) == (None, 3)


def test_yesterdays_credits_do_not_count_against_today(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept(replace(FRONT, pictures=10))
    clock.now += 60
    assert ledger.claim(FRONT, duplicate_window_s=0, daily_limit=10, day_start=clock.now - 30).entry


def test_a_file_name_that_is_no_text_is_kept(ledger: Blocking) -> None:
    entry_id = ledger.intend(replace(FRONT, file_name="caf\udce9.jpg"))
    assert ledger.get(entry_id).file_name == "caf\\udce9.jpg"


def test_the_outcome_of_an_entry_that_is_not_there_is_told(ledger: Blocking) -> None:
    with pytest.raises(StateError, match="no submission 12"):
        ledger.settle(12, "accepted")


def test_a_call_that_failed_holds_nobody_up(ledger: Blocking, other: Blocking) -> None:
    with pytest.raises(StateError):
        ledger.settle(12, "accepted")
    assert other.claim(FRONT, duplicate_window_s=0).entry
    assert ledger.claim(FRONT, duplicate_window_s=0).entry


def test_threads_of_one_process_share_a_ledger(ledger: Blocking) -> None:
    pictures = [replace(FRONT, fingerprint=str(number % 25)) for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda picture: ledger.claim(picture, duplicate_window_s=DAY_S), pictures))
    assert sum(claim.entry is not None for claim in claims) == 25


def test_a_closed_ledger_opens_again(ledger: Blocking) -> None:
    entry_id = ledger.accept()
    ledger.close()
    assert ledger.get(entry_id).batch_id == "1004"
