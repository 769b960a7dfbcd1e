"""Batches, pictures, shared looks at a batch, reports and names of templates."""

from dataclasses import replace
from typing import Any

import pytest
from ledger_cases import FRONT, Blocking, WallClock

from autobg_mcp.money.ledger import Complaint, FileStamp, PictureState

REAR = replace(FRONT, file_name="rear.jpg", fingerprint="rear", source="/cars/rear.jpg")
LINKS = replace(FRONT, file_name="left.jpg\nright.jpg", pictures=2, fingerprint="links", source=None)


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def see(ledger: Blocking, *pictures: tuple[str, str], batch_id: str = "1004") -> None:
    states = [PictureState(pic_id, name, processed=True, failed=False) for pic_id, name in pictures]
    ledger.record_status("account", batch_id, states)


def found(ledger: Blocking, **filters: Any) -> list[str]:
    return [batch.batch_id for batch in ledger.batches("account", **filters)]


def test_a_batch_gathers_its_submissions(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept(FRONT)
    clock.now += 60
    ledger.accept(LINKS)
    (batch,) = ledger.batches("account")
    assert (batch.pictures, batch.first_at) == (3, clock.now - 60)


def test_a_batch_nobody_looked_at_has_no_state(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    (batch,) = ledger.batches("account")
    assert (batch.processed, batch.failed, batch.pending, batch.checked_at) == (None, None, None, None)


def test_a_batch_tells_its_last_known_state(ledger: Blocking, clock: WallClock) -> None:
    ledger.accept(FRONT)
    flags = [(True, False), (True, False), (True, True), (False, True), (False, False)]
    states = [PictureState(str(i), "x.jpg", *flag) for i, flag in enumerate(flags)]
    ledger.record_status("account", "1004", states)
    (batch,) = ledger.batches("account")
    assert (batch.processed, batch.failed, batch.pending, batch.checked_at) == (2, 2, 1, clock.now)


def test_refused_and_unknown_submissions_make_no_batch(ledger: Blocking) -> None:
    for state in ("refused", "unknown"):
        entry = ledger.claim(FRONT, duplicate_window_s=0).entry
        assert entry
        ledger.settle(entry.id, state)
    assert ledger.batches("account") == []


def test_batches_come_newest_first_and_no_more_than_asked(ledger: Blocking, clock: WallClock) -> None:
    for batch_id in ("1", "2", "3"):
        ledger.accept(FRONT, batch_id)
        clock.now += 1
    ledger.accept(REAR, "1")
    assert found(ledger, limit=2) == ["1", "3"]


def test_batches_of_another_account_stay_hidden(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    assert ledger.batches("another") == []


@pytest.mark.parametrize(
    ("filters", "batches"),
    [
        ({"since": 1_000_010}, ["2"]),
        ({"until": 1_000_010}, ["1"]),
        ({"text": "bmw-1"}, ["1"]),
        ({"text": "88"}, ["2"]),
        ({"text": "WHITE showroom"}, ["2"]),
        ({"text": "bmw-1", "since": 1_000_010}, []),
        ({"text": "ŠKODA"}, ["2"]),
        ({"text": "front.jpg"}, ["1"]),
        ({"text": "100%"}, []),
    ],
)
def test_batches_are_found_by_what_people_say(
    ledger: Blocking, clock: WallClock, filters: dict[str, object], batches: list[str]
) -> None:
    ledger.record_templates("account", {"88": "White Showroom"})
    ledger.accept(FRONT, "1")
    clock.now += 10
    ledger.accept(replace(REAR, vehicle="škoda-3", template="88"), "2")
    assert found(ledger, **filters) == batches


def test_a_picture_leads_back_to_its_original(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    ledger.accept(REAR)
    see(ledger, ("51", "front.jpg"), ("52", "rear.jpg"))
    assert (picture := ledger.picture("account", "52"))
    assert (picture.batch_id, picture.name, picture.source) == ("1004", "rear.jpg", "/cars/rear.jpg")


def test_a_picture_nobody_saw_is_not_known(ledger: Blocking) -> None:
    assert ledger.picture("account", "51") is None


def test_a_picture_with_two_possible_originals_names_neither(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    ledger.accept(replace(FRONT, fingerprint="another", source="/vans/front.jpg"))
    see(ledger, ("51", "front.jpg"), ("52", "front.jpg"))
    assert (picture := ledger.picture("account", "51"))
    assert (picture.source, picture.submitted_at) == (None, None)


def test_more_pictures_of_a_name_than_were_submitted_leave_the_original_open(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    see(ledger, ("51", "front.jpg"), ("52", "front.jpg"))
    assert (picture := ledger.picture("account", "51"))
    assert picture.source is None


def test_the_same_file_submitted_twice_is_still_its_original(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    ledger.accept(FRONT)
    see(ledger, ("51", "front.jpg"), ("52", "front.jpg"))
    assert (picture := ledger.picture("account", "51"))
    assert picture.source == "/cars/front.jpg"


def test_a_picture_moved_to_a_new_batch_keeps_its_original_and_its_home(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    see(ledger, ("51", "front.jpg"))
    see(ledger, ("51", "front.jpg"), batch_id="1239")
    assert (picture := ledger.picture("account", "51"))
    assert (picture.batch_id, picture.source) == ("1004", "/cars/front.jpg")
    assert ledger.last_seen("account", ["51"])["51"].batch_id == "1239"


def test_of_many_waiters_one_asks_the_api(ledger: Blocking, other: Blocking) -> None:
    polls = [
        waiter.status_lease("account", "1004", fresh_s=5, lease_s=10) for waiter in (ledger, other, ledger)
    ]
    assert [poll.may_poll for poll in polls] == [True, False, False]
    assert [poll.next_look_s for poll in polls] == [0, 0.5, 0.5]


def test_the_answer_reaches_every_waiter(ledger: Blocking, other: Blocking, clock: WallClock) -> None:
    ledger.status_lease("account", "1004", fresh_s=5, lease_s=10)
    see(ledger, ("51", "front.jpg"))
    clock.now += 2
    poll = other.status_lease("account", "1004", fresh_s=5, lease_s=10)
    assert poll.pictures == [PictureState("51", "front.jpg", processed=True, failed=False)]
    assert (poll.may_poll, poll.checked_at, poll.next_look_s) == (False, clock.now - 2, 3)


def test_a_stale_answer_is_asked_for_again(ledger: Blocking, other: Blocking, clock: WallClock) -> None:
    see(ledger, ("51", "front.jpg"))
    clock.now += 5
    poll = other.status_lease("account", "1004", fresh_s=5, lease_s=10)
    assert poll.may_poll
    assert poll.pictures


def test_the_right_to_ask_ends_with_the_answer(ledger: Blocking, other: Blocking, clock: WallClock) -> None:
    ledger.status_lease("account", "1004", fresh_s=1, lease_s=10)
    see(ledger, ("51", "front.jpg"))
    clock.now += 1
    assert other.status_lease("account", "1004", fresh_s=1, lease_s=10).may_poll


def test_the_right_to_ask_passes_on_when_its_holder_dies(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    ledger.status_lease("account", "1004", fresh_s=5, lease_s=10)
    clock.now += 10
    assert other.status_lease("account", "1004", fresh_s=5, lease_s=10).may_poll


def test_a_clock_set_back_does_not_stop_the_looking(
    ledger: Blocking, other: Blocking, clock: WallClock
) -> None:
    see(ledger, ("51", "front.jpg"))
    clock.now -= 86_400
    assert other.status_lease("account", "1004", fresh_s=5, lease_s=10).may_poll


def test_a_report_for_the_same_reasons_is_remembered(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_report("account", ["51", "52"], Complaint(["Logo", "Bad clipping"], "edges"))
    clock.now += 60
    again = Complaint(["Bad clipping", "Logo"], " Edges")
    assert ledger.reported("account", {"52": again}, window_s=61) == {"52"}


@pytest.mark.parametrize(
    "question",
    [
        {"account": "another"},
        {"reports": {"52": Complaint(["Logo"])}},
        {"reports": {"51": Complaint(["Logo", "Other"])}},
        {"reports": {"51": Complaint(["Logo"], "still too large")}},
        {"window_s": 60},
    ],
    ids=["other account", "other picture", "other reasons", "new comment", "long ago"],
)
def test_another_report_is_not_taken_for_a_repeat(
    ledger: Blocking, clock: WallClock, question: dict[str, Any]
) -> None:
    ledger.record_report("account", ["51"], Complaint(["Logo"]))
    clock.now += 60
    asked = {"account": "account", "reports": {"51": Complaint(["Logo"])}, "window_s": 61} | question
    account = asked.pop("account")
    assert ledger.reported(account, asked.pop("reports"), **asked) == set()


def test_a_template_goes_by_its_newest_name(ledger: Blocking) -> None:
    ledger.record_templates("account", {"88": "Showroom", "89": "Studio"})
    ledger.record_templates("account", {"88": "White showroom"})
    assert ledger.template_names("account", ["88", "90"]) == {"88": "White showroom"}


def test_what_is_known_of_a_rework_is_of_the_newest_report(ledger: Blocking, clock: WallClock) -> None:
    ledger.record_report("account", ["51"], Complaint(["Logo"]))
    clock.now += 60
    ledger.record_report("account", ["51"], Complaint(()))
    newest = ledger.rework("account", ["51"])["51"]
    assert (newest.reported_at, newest.by_people) == (clock.now, True)


def test_the_vehicle_of_a_batch_is_that_of_its_newest_submission(ledger: Blocking) -> None:
    ledger.accept(FRONT)
    ledger.accept(replace(REAR, vehicle="AUDI-2"))
    assert (ledger.vehicle_of("account", "1004"), ledger.vehicle_of("account", "9")) == ("AUDI-2", None)


def test_a_batch_named_later_than_its_acceptance_is_counted_once(ledger: Blocking) -> None:
    entry_id = ledger.intend()
    ledger.settle(entry_id, "accepted")
    for _ in range(2):
        ledger.settle(entry_id, "accepted", batch_id="1004")
    assert [batch.pictures for batch in ledger.batches("account")] == [1]


STAMP = FileStamp("/cars/caf\udce9.jpg", 5, 999_990 * 10**9, "1:2")


def test_what_identifies_a_file_is_remembered_for_as_long_as_it_is_the_same(ledger: Blocking) -> None:
    ledger.keep_digests({STAMP: "digest"})
    changed = [replace(STAMP, mtime_ns=1), replace(STAMP, size_bytes=6), replace(STAMP, identity="1:3")]
    assert ledger.known_digests([STAMP, *changed]) == {STAMP: "digest"}


def test_a_file_that_was_changed_a_moment_ago_is_not_remembered(ledger: Blocking, clock: WallClock) -> None:
    fresh = replace(STAMP, mtime_ns=int((clock.now - 1) * 1e9))
    ledger.keep_digests({fresh: "digest"})
    assert ledger.known_digests([fresh]) == {}
