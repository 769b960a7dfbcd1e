"""The throttle's rules, under every history that hypothesis can think of."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from throttle_play import REACH_S, Call, Play
from throttle_servers import (
    FixedWindow,
    Gcra,
    PolicyClient,
    Server,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
    jitter,
    simulate,
)

from autobg_mcp.errors import ConfigurationError
from autobg_mcp.throttle import Limit, parse_rate_limits
from autobg_mcp.throttle.learning import Lesson
from autobg_mcp.throttle.policy import paced_opens, smooth_opens, window_opens

CALLS = st.lists(
    st.builds(
        Call,
        after_s=st.one_of(st.just(0.0), st.floats(0, 90)),
        process=st.integers(0, 2),
        up_s=st.floats(0, REACH_S),
        back_s=st.floats(0, 20),
        fate=st.sampled_from(["answered"] * 6 + ["lost", "unused", "quits", "killed"]),
        jump_s=st.sampled_from([0.0] * 8 + [0.5, 30.0, 1e5]),
    ),
    max_size=40,
)
LIMITS = st.builds(Limit, calls=st.integers(1, 6), window_s=st.sampled_from([3.0, 60.0]))


@settings(max_examples=80, deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_no_window_at_the_server_ever_holds_more_than_the_limit(limit: Limit, calls: list[Call]) -> None:
    assert Play(limit, calls).run().worst() <= limit.calls


def test_the_same_histories_break_a_log_that_is_stamped_when_a_call_is_sent() -> None:
    calls = [Call(up_s=5.0, back_s=1.0), Call()]
    assert Play(Limit(1, 60), calls, stamp_at_sending=True).run().worst() == 2


@settings(max_examples=50, deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_every_call_that_stays_gets_a_slot(limit: Limit, calls: list[Call]) -> None:
    stays = [call for call in calls if call.fate in {"answered", "lost", "unused"}]
    assert sorted(Play(limit, stays).run().granted) == list(range(len(stays)))


@settings(max_examples=50, deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_slots_are_given_in_the_order_of_asking(limit: Limit, calls: list[Call]) -> None:
    granted = Play(limit, [call for call in calls if call.process == 0]).run().granted
    assert granted == sorted(granted)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("server", "lesson"),
    [
        (FixedWindow(10, 60, 17), Lesson()),
        (SlidingLog(10, 60), Lesson()),
        (TokenBucket(10, 60), Lesson()),
        (SlidingCounter(10, 60, 17), Lesson(is_smooth=True)),
        (Gcra(10, 60, 1), Lesson(burst=1, wait_us=10**12)),
        (Gcra(10, 60, 4), Lesson(burst=4, wait_us=10**12)),
    ],
    ids=["fixed", "log", "bucket", "counter", "paced", "bursts"],
)
def test_a_server_whose_rule_is_known_never_refuses(server: Server, lesson: Lesson, seed: int) -> None:
    client = PolicyClient(Limit(10, 60), replace(lesson))
    tally = simulate(client, deepcopy(server), latencies=jitter(seed), until_s=3600)
    assert tally.refused == 0
    assert tally.used(Limit(10, 60)) > 0.8


@pytest.mark.parametrize(
    ("calls", "answer_s", "hours", "least"),
    [(10, (0, 0.2), 3, 0.97), (100, (0, 0.2), 0.5, 0.97), (10, (30, 60), 3, 0.92)],
)
def test_almost_all_of_the_limit_is_used_under_load(
    calls: int, answer_s: tuple[float, float], hours: float, least: float
) -> None:
    limit = Limit(calls, 60)
    tally = simulate(
        PolicyClient(limit), SlidingLog(calls, 60), latencies=jitter(1, answer_s), until_s=hours * 3600
    )
    assert tally.refused == 0
    assert tally.used(limit) >= least


def test_a_full_log_opens_when_its_oldest_stamp_has_left_the_window() -> None:
    assert window_opens([5, 1, 9], 3, 100, 50) == 101


def test_a_log_over_a_lowered_limit_opens_when_enough_have_left() -> None:
    assert window_opens([1, 5, 9], 1, 100, 50) == 109


def test_a_sliding_counter_lets_a_second_burst_in_by_and_by() -> None:
    assert smooth_opens([0] * 10, 10, 1000, 1000) == pytest.approx(1099, abs=2)


def test_a_paced_server_wants_one_gap_after_the_last_answer() -> None:
    assert paced_opens([1000], 10, 1, 600, 1010) == 1060


def test_a_paced_server_gets_nothing_while_a_call_is_in_flight() -> None:
    assert paced_opens([5000], 10, 1, 600, 1010) == 5060


def test_rate_limits_are_read_as_settings_write_them() -> None:
    assert parse_rate_limits(" reportImages=10/60s, *=100/1.5s") == {
        "reportImages": Limit(10, 60),
        "*": Limit(100, 1.5),
    }


def test_no_rate_limits_are_none() -> None:
    assert parse_rate_limits(" ") == {}


@pytest.mark.parametrize(
    "part",
    ["x=10", "x=10/60", "=1/1s", "x=-1/60s", "x=0/60s", "x=1/0s", "x=1/100000s", "a b=1/1s", "x=1.5/60s"],
)
def test_a_part_that_is_no_rate_limit_is_told_by_its_place(part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Rate limit 2 of AUTOBG_RATE_LIMITS is none"):
        parse_rate_limits(f"reportImages=10/60s,{part}")


def test_an_endpoint_limited_twice_is_told_by_its_place() -> None:
    with pytest.raises(
        ConfigurationError, match="Rate limit 2 of AUTOBG_RATE_LIMITS is for an endpoint that has one already"
    ):
        parse_rate_limits("x=10/60s,x=1/60s")
