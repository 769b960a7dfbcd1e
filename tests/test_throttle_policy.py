"""The throttle's rules, under every history that hypothesis can think of."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from throttle_play import REACH_S, Call, Play
from throttle_servers import (
    FixedWindow,
    Gcra,
    Server,
    SlidingCounter,
    SlidingLog,
    Tally,
    ThrottleClient,
    TokenBucket,
    jitter,
    simulate,
)

from autobg_mcp.errors import ConfigurationError
from autobg_mcp.throttle import Limit, parse_rate_limits

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


def served(server: Server, limit: Limit, *, hours: float, answer_s: tuple[float, float] = (0, 0.2)) -> Tally:
    """A client under load that always has another call, for hours of a simulated network."""
    return simulate(ThrottleClient(limit), server, latencies=jitter(1, answer_s), until_s=hours * 3600)


@pytest.mark.parametrize(
    ("server", "calls", "answer_s", "hours", "least"),
    [
        (FixedWindow(10, 60, 17), 10, (0, 0.2), 1, 0.97),
        (TokenBucket(10, 60), 10, (0, 0.2), 1, 0.97),
        (SlidingLog(10, 60), 10, (0, 0.2), 1, 0.97),
        (SlidingLog(100, 60), 100, (0, 0.2), 0.3, 0.97),
        (SlidingLog(10, 60), 10, (30, 60), 2, 0.92),
    ],
    ids=["fixed", "bucket", "log", "log of 100", "slow answers"],
)
def test_servers_that_keep_their_word_never_refuse_and_are_used_wholly(
    server: Server, calls: int, answer_s: tuple[float, float], hours: float, least: float
) -> None:
    tally = served(deepcopy(server), Limit(calls, 60), hours=hours, answer_s=answer_s)
    assert tally.refused == 0
    assert tally.used(Limit(calls, 60)) >= least


@pytest.mark.parametrize(
    ("server", "refused", "used"),
    [
        (SlidingLog(5, 60), 0.1, 0.3),
        (SlidingCounter(10, 60, 17), 0.06, 0.5),
        (Gcra(10, 60, 5), 0.08, 0.4),
        (Gcra(10, 60, 1), 0.4, 0.09),
    ],
    ids=["half the limit", "counter", "bursts of 5", "no bursts"],
)
def test_a_stricter_server_is_probed_a_little_at_a_time_and_used_all_the_same(
    server: Server, refused: float, used: float
) -> None:
    tally = served(deepcopy(server), Limit(10, 60), hours=3)
    assert tally.refused <= refused * tally.sent
    assert tally.used(Limit(10, 60)) >= used


def test_rate_limits_are_read_as_settings_write_them_and_stand_in_no_document() -> None:
    assert parse_rate_limits(" reportImages=10/60s, *=100/1.5s") == {
        "reportImages": Limit(10, 60, documented=False),
        "*": Limit(100, 1.5, documented=False),
    }


def test_no_rate_limits_are_none() -> None:
    assert parse_rate_limits(" ") == {}


@pytest.mark.parametrize(
    "part",
    ["x=10", "x=10/60", "=1/1s", "x=-1/60s", "x=0/60s", "x=1/0s", "x=1/100000s", "a b=1/1s", "x=1.5/60s"],
)
def test_a_part_that_is_no_rate_limit_is_told_by_its_place(part: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^Rate limit 2 of AUTOBG_RATE_LIMITS is none") as error:
        parse_rate_limits(f"reportImages=10/60s,{part}")
    assert part not in str(error.value)


def test_an_endpoint_limited_twice_is_told_by_its_place() -> None:
    with pytest.raises(
        ConfigurationError, match="Rate limit 2 of AUTOBG_RATE_LIMITS is for an endpoint that has one already"
    ):
        parse_rate_limits("x=10/60s,x=1/60s")
