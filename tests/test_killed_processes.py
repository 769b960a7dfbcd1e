"""Processes that carry out jobs are killed, and others go on: no photo is sent twice, none is forgotten."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from killed_processes import SERVER, WORKER, Machine, ends_within, kill_at_random, machine

pytestmark = [pytest.mark.long, pytest.mark.skipif("sys.platform == 'win32'")]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as own:
        yield own


def test_photos_are_sent_once_whoever_is_killed(own: Machine) -> None:
    own.begin(cars=8, photos=8)
    assert kill_at_random(own, 8, most_s=20, seed=1, pause_s=3) >= 3
    ends_within(own, 20)
    left = 64 - own.photos()["accepted"]  # what was on the wire of the dead rests for minutes
    assert 64 - left <= own.charged() <= 64
    assert max(own.sent().values()) == 8
    assert own.entries()["accepted"] <= own.charged() <= own.entries()["accepted"] + left
    assert own.refused() == 0


def test_another_process_goes_on_within_ten_seconds_of_a_death(own: Machine) -> None:
    own.begin(cars=4, photos=25)
    first = own.start(*WORKER)
    own.start(*SERVER)
    until(lambda: own.holder() is first and own.charged() > 3)
    own.kill(first)
    died_s, charged = time.monotonic(), own.charged()
    until(lambda: own.charged() > charged)
    assert time.monotonic() - died_s <= 10


def test_the_next_host_finds_a_job_further_without_a_call(own: Machine) -> None:
    own.begin(cars=2, photos=50)
    first = own.start(*SERVER)
    until(lambda: own.charged() > 0)
    first.stdin.close()  # type: ignore[union-attr]
    first.wait(15)
    left = own.photos()["queued"]
    own.start(*SERVER)
    until(lambda: own.photos()["queued"] < left)


def until(condition: Callable[[], bool], most_s: float = 20.0) -> None:
    """Wait for real until something holds."""
    ends_s = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < ends_s
        time.sleep(0.1)
