"""Every failure of an upload, alone and in the middle of forty: what it costs, what stops, and how the same call goes on."""

import json
import re
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pytest
from conftest import Clock, Connect
from documented import text_of
from paid_calls import check_ends, check_reasons, drawn, followed, paid, played, standing
from uploading import sent, spent, upload

from autobg_mcp.sandbox import FailureKind, World

pytestmark = pytest.mark.anyio

UPLOAD = "/uploadWithoutTemplateCC"
BEFORE = 19
"""Photos of forty that are accepted before."""


class Meets(NamedTuple):
    """What a failure means.

    Attributes:
        holds: What is known of the photo that met it.
        costs: The photo alone, or all that come after it in the call; nothing where the call waits and tries again.
        says: Words that name the reason.
        acts: Whether the API acts on it all the same.
    """

    holds: Literal["accepted", "refused", "unknown"]
    costs: Literal["nothing", "photo", "folder"]
    says: str
    acts: bool = False
    lets_pass: int = 0
    """Photos that go out beside it, since it takes long."""


KINDS: dict[FailureKind, Meets] = {
    # what may be about the one photo costs the photo
    "412": Meets("refused", "photo", "it does not process the picture"),
    "413": Meets("refused", "photo", "is too large"),
    "413_page": Meets("refused", "photo", "is too large"),
    "too_large": Meets("refused", "photo", "is too large"),
    "415": Meets("refused", "photo", "of a type that it does not take"),
    "422": Meets("refused", "photo", "it does not process the picture"),
    "no_car": Meets("refused", "photo", "finds no car"),
    "soft": Meets("refused", "photo", "“Something went wrong”"),
    "pending": Meets("refused", "photo", "“Image is not processed”"),
    # what would meet the others too stops the folder
    "401": Meets("refused", "folder", "the API refused the key"),
    "402": Meets("refused", "folder", "credits are used up"),
    "credits": Meets("refused", "folder", "credits are used up"),
    "403": Meets("refused", "folder", "the API refused the key"),
    "403_page": Meets("refused", "folder", "a web page came in place"),
    "404": Meets("refused", "folder", "the API does not have it"),
    "410": Meets("refused", "folder", "the API does not have it"),
    "html": Meets("unknown", "folder", "a web page came in place"),
    "500": Meets("unknown", "folder", "the API failed"),
    "503": Meets("unknown", "folder", "the API failed"),
    "503_later": Meets("unknown", "folder", "it wants no call for 30 s"),
    "drop_before": Meets("unknown", "folder", "the connection broke"),
    "drop_after": Meets("unknown", "folder", "the connection broke", acts=True),
    "hang": Meets("unknown", "folder", "the connection broke", acts=True, lets_pass=1),
    "truncated": Meets("unknown", "folder", "JSON that is broken", acts=True),
    "empty": Meets("unknown", "folder", "an empty body", acts=True),
    "not_json": Meets("unknown", "folder", "bytes that are no JSON", acts=True),
    "wrong_shape": Meets("unknown", "folder", "data of another shape", acts=True),
    # what passes by itself costs nothing but time
    "429": Meets("accepted", "nothing", ""),
    "slow": Meets("accepted", "nothing", "", acts=True),
}

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def forty(photos: Path) -> Path:
    return drawn(photos / "forty", 40)


def test_the_table_has_every_failure_of_the_sandbox() -> None:
    assert set(KINDS) == set(get_args(FailureKind))


# Alone


@every_kind
async def test_a_photo_that_meets_it_alone_is_told_with_its_reason_and_with_calls_that_work(
    kind: FailureKind, connect: Connect, world: World, car: Path
) -> None:
    world.fail_next(UPLOAD, kind, delay_s=30)
    async with connect() as host:
        result = await upload(host, car)
        await followed(host, result)
    assert standing(result) == KINDS[kind].holds
    assert KINDS[kind].says in text_of(result)


@every_kind
async def test_repeats_of_a_photo_that_met_it_alone_end_with_it_paid_once_or_unknown_with_its_ground(
    kind: FailureKind, connect: Connect, world: World, car: Path, clock: Clock
) -> None:
    meets = KINDS[kind]
    world.fail_next(UPLOAD, kind, delay_s=30)
    async with connect() as host:
        *_, last = await played(host, clock, car)
    assert standing(last) == ("unknown" if meets.holds == "unknown" else "accepted")
    assert spent(world) == paid(world)[car.name] == (meets.acts or meets.holds != "unknown")
    if meets.holds == "unknown":
        assert f"credits {'went 100 → 99' if meets.acts else 'stayed 100'}" in text_of(last).casefold()


# In the middle of forty


@every_kind
async def test_in_the_middle_of_forty_it_costs_the_photo_or_what_comes_after_and_says_why(
    kind: FailureKind, connect: Connect, world: World, forty: Path
) -> None:
    world.fail_next(UPLOAD, kind, delay_s=30, after=BEFORE)
    async with connect(max_wait_s=3600) as host:
        result = await upload(host, forty)
    check_reasons(result, 40, KINDS[kind].says)
    rest = 40 - BEFORE - KINDS[kind].acts - KINDS[kind].lets_pass
    costs = {"nothing": 0, "photo": 1, "folder": rest}[KINDS[kind].costs]
    assert json.loads(text_of(result))["accepted"] == spent(world) == 40 - costs


@every_kind
async def test_after_the_same_call_every_photo_of_forty_is_paid_once_or_unknown_with_its_ground(
    kind: FailureKind, connect: Connect, world: World, forty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, kind, delay_s=30, after=BEFORE)
    async with connect(max_wait_s=3600) as host:
        *_, last = await played(host, clock, forty)
    is_lost = KINDS[kind].holds == "unknown" and not KINDS[kind].acts
    check_ends(last, world, forty, {"20.png"} if is_lost else set())


async def test_a_gate_that_stays_closed_longer_than_the_call_waits_stops_the_folder_with_its_time(
    connect: Connect, world: World, forty: Path, clock: Clock
) -> None:
    world.fail_next(UPLOAD, "429", delay_s=7200, after=BEFORE)
    async with connect(max_wait_s=3600) as host:
        first, last = await played(host, clock, forty, calls=2)
    check_reasons(first, 40, "too many calls")
    assert re.search(r"; in 72\d\d s make the same call again", json.loads(text_of(first))["next"])
    check_ends(last, world, forty, set())


# Credits


@pytest.mark.parametrize("kind", ["402", "credits"])
async def test_where_credits_are_used_up_after_three_of_forty_the_count_and_the_reason_are_told(
    kind: FailureKind, connect: Connect, world: World, forty: Path
) -> None:
    world.fail_next(UPLOAD, kind, after=3)
    async with connect(max_wait_s=3600) as host:
        told = json.loads(text_of(await upload(host, forty)))
    assert re.match(r"3 of 40 in a batch, 37 not: .*credits are used up", told["receipt"])
    assert "Tell the user that credits are used up; then make the same call again" in told["next"]
    assert len(sent(world)) == 4
