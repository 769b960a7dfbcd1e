"""A night of jobs in simulated time: processes die, answers are lost, the API is away, and no photo is sent twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from night import Morning, Night, pass_night

pytestmark = pytest.mark.long

SLOT_S = 6.025 + 1.6
"""A slot comes free every tenth of a window; an answer takes up to 1.6 s."""


def night(seed: int) -> Night:
    return Night(
        by_files=(6, 5),
        by_links=(10, 10),
        links_per_call=10,
        kill_every_s=100,
        lost=0.05,
        strangers=0.01,
        outage=(90, 150),
        sleep=(290, 60),
        person_every_s=67,
        seed=seed,
    )


@pytest.fixture(scope="module", params=range(1, 6))
def morning(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    return pass_night(night(request.param), tmp_path_factory.mktemp("night"))


def test_no_photo_is_sent_twice(morning: Morning) -> None:
    assert set(morning.sent.values()) == {1}


def test_every_photo_is_sent(morning: Morning) -> None:
    cars = [f"car-{car}-{photo}.png" for car in range(6) for photo in range(5)]
    linked = [f"linked-{car}-{photo}.jpg" for car in range(10) for photo in range(10)]
    assert {*cars, *linked} <= morning.sent.keys()


def test_what_came_of_every_photo_is_known(morning: Morning) -> None:
    assert morning.unknown == set()


def test_the_ledger_and_the_api_count_the_same_credits(morning: Morning) -> None:
    assert morning.entries["accepted"] == morning.credits


def test_both_jobs_end_by_themselves(morning: Morning) -> None:
    assert [standing.job.state for standing in morning.standings] == ["done", "done"]


def test_no_request_is_above_a_limit(morning: Morning) -> None:
    assert morning.refused == 0


def test_where_usage_names_no_batch_every_photo_is_sent_or_told_to_be_in_doubt(tmp_path: Path) -> None:
    untold = pass_night(replace(night(1), usage_names_batches=False), tmp_path)
    wanted = {f"linked-{car}-{photo}.jpg" for car in range(10) for photo in range(10)}
    assert (set(untold.sent.values()), wanted - untold.sent.keys() - untold.unknown) == ({1}, set())


def test_a_person_waits_for_one_slot_at_most(tmp_path: Path) -> None:
    never = (1e9, 0.0)
    calm = replace(night(1), kill_every_s=1e9, lost=0.0, strangers=0.0, outage=never, sleep=never)
    visits = pass_night(replace(calm, by_files=(6, 8)), tmp_path).visits
    assert 0 < max(visit.waited_s for visit in visits) <= SLOT_S


def test_processes_did_die(morning: Morning) -> None:
    assert morning.kills
