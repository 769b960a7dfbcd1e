"""What a batch proves about a photo of unknown outcome, and what is not certain enough to prove anything."""

from dataclasses import replace
from pathlib import Path

import pytest
from ledger_cases import FRONT, Blocking, by_hand

from autobg_mcp.money.ledger import PictureState

FIRST_OF_CAR = replace(FRONT, vehicle="AUDI-2", file_name="1.jpg", fingerprint="lost")


@pytest.fixture
def unsure(ledger: Blocking) -> Blocking:
    """A ledger with batch 1004 of one vehicle, and then a photo of another one that nobody knows the outcome of."""
    ledger.accept(FRONT, "1004")
    see(ledger, "1004", "front.jpg")
    ledger.settle(ledger.intend(FIRST_OF_CAR), "unknown")
    return ledger


def see(ledger: Blocking, batch_id: str, *names: str, pic_id: str = "") -> None:
    states = [
        PictureState(pic_id or f"{batch_id}-{place}", name, processed=False, failed=False)
        for place, name in enumerate(names)
    ]
    ledger.record_status("account", batch_id, states)


def is_settled(ledger: Blocking) -> bool:
    return not ledger.unknown("account")


def test_a_new_batch_that_holds_nothing_but_the_lost_photo_settles_it(unsure: Blocking) -> None:
    see(unsure, "1005", "1.jpg")
    assert [batch.batch_id for batch in unsure.batches("account", text="AUDI-2")] == ["1005"]


def test_a_batch_that_names_the_photo_only_at_a_later_look_settles_it(unsure: Blocking) -> None:
    see(unsure, "1005")
    see(unsure, "1005", "1.jpg")
    assert is_settled(unsure)


@pytest.mark.parametrize(
    ("batch_id", "names"),
    [
        ("1005", ["1.jpg", "2.jpg"]),
        ("1005", ["1.jpg", "1.jpg"]),
        ("1005", ["2.jpg"]),
        ("1003", ["1.jpg"]),
        ("1004", ["front.jpg", "1.jpg"]),
        ("b-1005", ["1.jpg"]),
    ],
    ids=["foreign picture", "twice", "other name", "older number", "other vehicle's", "no number"],
)
def test_a_batch_that_may_be_another_ones_settles_nothing(
    batch_id: str, names: list[str], unsure: Blocking
) -> None:
    see(unsure, batch_id, *names)
    assert not is_settled(unsure)


def test_a_batch_that_was_seen_before_the_photo_was_sent_settles_nothing(ledger: Blocking) -> None:
    see(ledger, "1005", "1.jpg")
    ledger.settle(ledger.intend(FIRST_OF_CAR), "unknown")
    see(ledger, "1005", "1.jpg")
    assert not is_settled(ledger)


def test_a_picture_that_is_known_from_another_batch_settles_nothing(unsure: Blocking) -> None:
    see(unsure, "1004", "1.jpg", pic_id="51")
    see(unsure, "1005", "1.jpg", pic_id="51")
    assert not is_settled(unsure)


@pytest.mark.parametrize(("vehicle", "template"), [("V-3", "77"), ("AUDI-2", "88")])
def test_a_batch_of_photos_that_do_not_belong_together_settles_nothing(
    vehicle: str, template: str, unsure: Blocking
) -> None:
    twin = replace(FIRST_OF_CAR, vehicle=vehicle, template=template, file_name="2.jpg", fingerprint="twin")
    unsure.settle(unsure.intend(twin), "unknown")
    see(unsure, "1005", "1.jpg", "2.jpg")
    assert len(unsure.unknown("account")) == 2


@pytest.mark.parametrize("name", ["1.jpg", "1.png"])
def test_while_another_submission_is_under_way_a_new_batch_may_be_its_own(
    name: str, unsure: Blocking
) -> None:
    unsure.intend(replace(FIRST_OF_CAR, vehicle="V-3", file_name=name, fingerprint="under way"))
    see(unsure, "1005", "1.jpg")
    assert not is_settled(unsure)


def test_where_nothing_is_charged_yet_a_new_batch_settles_nothing_yet(ledger: Blocking) -> None:
    ledger.record_credits("account", 9)
    ledger.settle(ledger.intend(FIRST_OF_CAR), "unknown")
    ledger.record_credits("account", 9)
    see(ledger, "1005", "1.jpg")
    assert not is_settled(ledger)
    ledger.record_credits("account", 8)
    see(ledger, "1005", "1.jpg")
    assert is_settled(ledger)


@pytest.mark.parametrize(("account", "file_name"), [("account", "9.jpg"), ("another", "1.jpg")])
def test_a_submission_under_way_of_another_name_or_account_hinders_no_proof(
    account: str, file_name: str, unsure: Blocking
) -> None:
    unsure.intend(replace(FIRST_OF_CAR, account=account, file_name=file_name, fingerprint="under way"))
    see(unsure, "1005", "1.jpg")
    assert is_settled(unsure)


def test_a_lost_photo_of_another_name_hinders_no_proof(unsure: Blocking) -> None:
    other = replace(FIRST_OF_CAR, vehicle="V-3", file_name="9.jpg", fingerprint="other")
    unsure.settle(unsure.intend(other), "unknown")
    see(unsure, "1005", "1.jpg")
    assert [entry.file_name for entry in unsure.unknown("account")] == ["9.jpg"]


@pytest.mark.parametrize("names", [["front.jpg", "1.png"], ["front.png", "1.PNG"]])
def test_a_batch_that_names_results_by_another_ending_settles_a_photo_of_its_vehicle(
    names: list[str], ledger: Blocking
) -> None:
    ledger.accept(FRONT, "1004")
    ledger.settle(ledger.intend(replace(FRONT, file_name="1.jpg", fingerprint="lost")), "unknown")
    see(ledger, "1004", *names)
    assert is_settled(ledger)


def test_of_two_photos_that_differ_in_their_ending_one_picture_proves_none(ledger: Blocking) -> None:
    ledger.accept(FRONT, "1004")
    ledger.settle(ledger.intend(replace(FRONT, file_name="front.png", fingerprint="lost")), "unknown")
    see(ledger, "1004", "front.png")
    assert not is_settled(ledger)


def test_a_batch_that_usage_named_before_the_photo_was_sent_settles_nothing(unsure: Blocking) -> None:
    unsure.record_vehicles("account", {"1005": "AUDI-2"})
    unsure.settle(unsure.intend(replace(FIRST_OF_CAR, file_name="2.jpg", fingerprint="next")), "unknown")
    assert unsure.worth_a_look("account", "AUDI-2", limit=4) == ["1005"]
    see(unsure, "1005", "2.jpg")
    assert len(unsure.unknown("account")) == 2


def test_of_thousands_of_batches_that_usage_names_after_one_vehicle_the_newest_are_kept(
    unsure: Blocking, tmp_path: Path
) -> None:
    unsure.record_vehicles("account", {str(number): "AUDI-2" for number in range(5000, 15000)})
    [[kept, first]] = by_hand(tmp_path, "SELECT count(*), min(batch_id) FROM looks WHERE vehicle IS NOT NULL")
    assert kept < 1000
    assert int(first) > 10_000
