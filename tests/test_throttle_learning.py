"""What the throttle learns from refusals, against simulated servers, and how it recovers."""

import random

import pytest
from throttle_servers import (
    FixedWindow,
    Gcra,
    PolicyClient,
    Server,
    Shared,
    SlidingCounter,
    SlidingLog,
    Tally,
    jitter,
    simulate,
)

from autobg_mcp.throttle import Limit
from autobg_mcp.throttle.learning import Lesson

LIMIT = Limit(10, 60)
HOUR_S = 3600


def served(server: Server, *, hours: float = 2, lesson: Lesson | None = None) -> tuple[PolicyClient, Tally]:
    client = PolicyClient(LIMIT, lesson)
    return client, simulate(client, server, latencies=jitter(5), until_s=hours * HOUR_S)


@pytest.mark.long
def test_a_sliding_counter_is_recognised_by_a_probe_and_never_refuses_again() -> None:
    client, tally = served(SlidingCounter(10, 60, 17))
    assert client.bucket.lesson.is_smooth
    assert tally.refused <= 3
    assert tally.used(LIMIT) > 0.85


@pytest.mark.long
def test_a_server_without_any_burst_is_recognised_by_its_first_refusals() -> None:
    client, tally = served(Gcra(10, 60, 1))
    assert client.bucket.lesson.burst == 1
    assert tally.refused <= 20
    assert tally.used(LIMIT) > 0.8


@pytest.mark.long
def test_a_server_with_a_small_burst_is_used_almost_wholly() -> None:
    _, tally = served(Gcra(10, 60, 2))
    assert tally.refused <= 20
    assert tally.used(LIMIT) > 0.8


@pytest.mark.parametrize("server", [FixedWindow(8, 60, 17), SlidingLog(8, 60)], ids=["fixed", "log"])
def test_a_smaller_limit_is_found_and_kept_to(server: Server) -> None:
    client, tally = served(server)
    assert client.bucket.lesson.calls(LIMIT) in {8, 9}
    assert tally.refused <= 30
    assert tally.taken / (8 * tally.last_s / 60) > 0.9


@pytest.mark.long
@pytest.mark.parametrize("server", [FixedWindow(10, 60, 17), SlidingLog(10, 60)], ids=["fixed", "log"])
def test_another_program_on_the_key_leaves_most_of_the_rest_usable(server: Server) -> None:
    others = Shared(server, others_per_s=2 / 60, random=random.Random(3))
    _, tally = served(others, hours=12)
    assert tally.refused <= 100
    assert tally.used(LIMIT) > 0.5


def test_a_server_that_keeps_its_word_again_is_used_wholly_again() -> None:
    client, _ = served(SlidingLog(10, 60), hours=1, lesson=Lesson(allowance=5, wait_us=300_000_000))
    assert client.bucket.lesson.calls(LIMIT) == 10


def test_a_429_in_flight_with_the_one_that_taught_a_lesson_teaches_nothing_more() -> None:
    client = PolicyClient(LIMIT)
    numbers = [client.send(0.0) for _ in range(10) if client.opens_s(0.0) == 0]
    for index, number in enumerate(numbers):
        client.answered(number, 1.0, refused=index >= 7)
    assert client.bucket.lesson.allowance == 7


def test_a_lesson_waits_for_every_call_that_was_in_flight_with_the_refused_one() -> None:
    client = PolicyClient(LIMIT)
    first, second = (client.send(0.0) for _ in range(2) if client.opens_s(0.0) == 0)
    client.answered(first, 1.0, refused=True)
    learnt_early = client.bucket.lesson.burst
    client.answered(second, 2.0, refused=False)
    assert (learnt_early, client.bucket.lesson.burst) == (0, 1)


def test_a_call_sent_before_the_last_lesson_teaches_nothing() -> None:
    lesson = Lesson(refused_us=4, changed_us=5)
    lesson.conclude([], LIMIT, 6)
    assert lesson == Lesson(changed_us=5)


def test_a_sliding_counter_is_put_to_the_test_again_after_a_week() -> None:
    lesson = Lesson(is_smooth=True, trusted=4)
    lesson.widen(LIMIT, 8 * 24 * 3600 * 1_000_000)
    assert lesson == Lesson()


def test_an_inferred_limit_may_shrink_to_one_call() -> None:
    lesson, guessed = Lesson(), Limit(2, 60, documented=False)
    lesson.refused_us = 1
    lesson.conclude([], guessed, 2)
    assert lesson.calls(guessed) == 1


@pytest.mark.parametrize(
    ("lesson", "words"),
    [
        (Lesson(), "as documented"),
        (Lesson(allowance=7), "only 7 of 10 calls"),
        (
            Lesson(burst=2, wait_us=600_000_000),
            "at most 2 at once, then one every 6 s; a little more is tried in 10 min",
        ),
        (Lesson(is_smooth=True), "slots come back gradually"),
    ],
)
def test_what_was_learnt_is_said_in_words(lesson: Lesson, words: str) -> None:
    assert words in lesson.words(LIMIT, 0)
