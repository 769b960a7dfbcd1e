"""The throttle's rules, under every history that hypothesis can think of."""

from copy import deepcopy
from itertools import pairwise

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
from autobg_mcp.throttle.policy import SECOND_US

CALLS = st.lists(
    st.builds(
        Call,
        after_s=st.one_of(st.just(0.0), st.floats(0, 90)),
        process=st.integers(0, 2),
        up_s=st.floats(0, REACH_S),
        back_s=st.floats(0, 20),
        fate=st.sampled_from(["answered"] * 6 + ["lost", "unused", "quits", "killed"]),
        jump_s=st.sampled_from([0.0] * 8 + [0.5, 30.0, 1e5]),
        background=st.booleans(),
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
def test_slots_of_each_class_are_given_in_the_order_of_asking(limit: Limit, calls: list[Call]) -> None:
    ours = [call for call in calls if call.process == 0]
    granted = list(Play(limit, ours).run().granted)
    people = [index for index in granted if not ours[index].background]
    assert people == sorted(people)
    others = [index for index in granted if ours[index].background]
    assert others == sorted(others)


@settings(max_examples=50, deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_no_background_call_gets_its_slot_while_a_call_that_somebody_waits_for_goes_without(
    limit: Limit, calls: list[Call]
) -> None:
    play = Play(limit, calls).run()
    people, others = split(play)
    passed = [
        (late, early) for late in others for early in people if play.asked[early] < late < play.granted[early]
    ]
    assert passed == []


def split(play: Play) -> tuple[list[int], list[float]]:
    """Calls that somebody waited for, and when the others got their slots."""
    others = [moment_s for index, moment_s in play.granted.items() if play.calls[index].background]
    return [index for index in play.granted if not play.calls[index].background], others


@settings(max_examples=50, deadline=None)
@given(limit=LIMITS, calls=CALLS)
def test_background_calls_get_their_slots_at_least_one_pace_apart(limit: Limit, calls: list[Call]) -> None:
    _, others = split(Play(limit, calls).run())
    pace_s = limit.span_us / SECOND_US / limit.calls
    assert [gap_s for gap_s in gaps_s(others) if gap_s < pace_s - 1e-5] == []


def gaps_s(moments_s: list[float]) -> list[float]:
    return [after_s - before_s for before_s, after_s in pairwise(moments_s)]


STREAM = st.lists(
    st.builds(Call, up_s=st.floats(0, 2), back_s=st.floats(0, 6), background=st.just(True)),
    min_size=15,
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(limit=st.builds(Limit, calls=st.integers(1, 8), window_s=st.just(60.0)), stream=STREAM, data=st.data())
def test_the_nth_call_that_somebody_waits_for_waits_n_paces_and_one_answer_at_most_beside_a_full_background(
    limit: Limit, stream: list[Call], data: st.DataObject
) -> None:
    moments = st.floats(0, len(stream) * 60 / limit.calls)
    visits_s = sorted(data.draw(st.lists(moments, min_size=1, max_size=limit.calls)))
    after_s = [here_s - before_s for before_s, here_s in pairwise([0.0, *visits_s])]
    play = Play(limit, [*stream, *(Call(after_s=gap_s, process=1, back_s=1) for gap_s in after_s)]).run()
    answer_s = max(call.up_s + call.back_s for call in play.calls)
    pace_s = limit.span_us / SECOND_US / limit.calls
    for turn, index in enumerate(range(len(stream), len(play.calls)), 1):
        assert play.waited_s(index) <= turn * pace_s + answer_s + 0.02


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
    ("server", "calls", "answer_s"),
    [
        (FixedWindow(10, 60, 17), 10, (0, 0.2)),
        (TokenBucket(10, 60), 10, (0, 0.2)),
        (SlidingLog(10, 60), 10, (0, 0.2)),
        (SlidingLog(100, 60), 100, (0, 0.2)),
        (SlidingLog(2, 60), 2, (0, 8)),
        (SlidingLog(10, 60), 10, (30, 60)),
    ],
    ids=["fixed", "bucket", "log", "log of 100", "log of 2", "slow answers"],
)
@pytest.mark.parametrize("visits_s", [[], [41.0 * turn for turn in range(90)]], ids=["alone", "with people"])
def test_a_full_background_is_never_refused_and_uses_as_much_of_the_limit_as_people_would(
    server: Server, calls: int, answer_s: tuple[float, float], visits_s: list[float]
) -> None:
    limit = Limit(calls, 60)
    people = served(deepcopy(server), limit, hours=1, answer_s=answer_s)
    client = ThrottleClient(limit, background=True, visits=visits_s)
    tally = simulate(client, deepcopy(server), latencies=jitter(1, answer_s), until_s=3600)
    assert tally.refused == 0
    assert tally.taken >= 0.97 * people.taken


def test_a_server_that_takes_half_refuses_few_of_both_classes_and_people_still_pass() -> None:
    limit, visits_s = Limit(10, 60), [97.0 * turn for turn in range(100)]
    client = ThrottleClient(limit, background=True, visits=visits_s)
    tally = simulate(client, SlidingLog(5, 60), latencies=jitter(1), until_s=3 * 3600)
    assert tally.refused <= 0.1 * tally.sent
    assert sorted(client.waits_s)[-10] <= 60.25 + 60.25 / 5 + 5


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


def test_the_longest_window_is_a_day() -> None:
    assert parse_rate_limits("x=1/86400s")["x"].window_s == 86_400
    with pytest.raises(ConfigurationError, match="up to 86400 s"):
        parse_rate_limits("x=1/86401s")


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
