"""A shared store that comes and goes, and the local share meanwhile."""

import pytest
from throttle_clock import AtOnce, TurnedClock

from autobg_mcp.errors import StateError, ThrottledError
from autobg_mcp.throttle import Limit, Throttle
from autobg_mcp.throttle.fallback import FallbackStore
from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.shared import SharedThrottle

pytestmark = pytest.mark.anyio
LIMIT = Limit(6, 60)
BUCKET = "account:reportImages"


class Remote:
    """The clock of a shared store, which cannot be read while the store is away."""

    def __init__(self, clock: TurnedClock) -> None:
        self._clock = clock
        self.is_away = False

    def __call__(self) -> float:
        if self.is_away:
            raise StateError("The shared store is away.")
        return self._clock()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def shared(clock: TurnedClock) -> Remote:
    return Remote(clock)


@pytest.fixture
def throttle(clock: TurnedClock, shared: Remote) -> Throttle:
    local = MemoryStore(clock=lambda: clock() + 5e5)  # another clock, as another store has
    store = FallbackStore(MemoryStore(clock=shared), local, machines=3, clock=clock)
    return SharedThrottle(store, clock=clock, sleep=clock.sleep, worker=AtOnce())


async def take(throttle: Throttle, number: int) -> list[int]:
    """Takes and answers so many slots; what each left."""
    left = []
    for _ in range(number):
        async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
            slot.sent()
            await slot.answered()
            left.append(slot.left)
    return left


async def test_a_share_of_the_limit_is_left_while_the_shared_store_is_away(
    throttle: Throttle, shared: Remote
) -> None:
    shared.is_away = True
    assert await take(throttle, 2) == [1, 0]
    with pytest.raises(ThrottledError):
        await take(throttle, 1)


async def test_slots_used_before_the_store_went_away_count_against_the_share(
    throttle: Throttle, shared: Remote
) -> None:
    await take(throttle, 1)
    shared.is_away = True
    assert await take(throttle, 1) == [0]


async def test_slots_used_while_the_store_was_away_count_when_it_is_back(
    throttle: Throttle, shared: Remote, clock: TurnedClock
) -> None:
    shared.is_away = True
    await take(throttle, 2)
    shared.is_away = False
    clock.now_s += 6
    assert await take(throttle, 1) == [3]


async def test_going_and_coming_back_are_said_once(
    throttle: Throttle, shared: Remote, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    shared.is_away = True
    await take(throttle, 2)
    shared.is_away = False
    clock.now_s += 6
    await take(throttle, 2)
    assert [record.message.split(".")[0] for record in caplog.records] == [
        "The shared store is away",
        "The shared throttle is back; the whole allowance is used again",
    ]


async def test_a_waiter_is_served_at_the_shares_pace_when_the_store_goes_away(
    throttle: Throttle, shared: Remote, clock: TurnedClock
) -> None:
    await take(throttle, 6)

    async def wait() -> float:
        async with throttle.slot(BUCKET, LIMIT, max_wait_s=1000) as slot:
            return slot.waited_s

    async def cut() -> float:
        await clock.sleep(10)
        shared.is_away = True
        return 0.0

    waited_s, _ = await clock.run(wait(), cut())
    assert waited_s == pytest.approx(60.25)


async def test_budgets_say_that_the_share_is_used(throttle: Throttle, shared: Remote) -> None:
    shared.is_away = True
    await take(throttle, 1)
    [budget] = await throttle.budgets("account")
    assert budget.rule.startswith("1/3 of the allowance")
    assert budget.limit == Limit(2, 60)


async def test_an_answer_to_a_slot_of_the_shared_store_settles_no_local_slot(
    throttle: Throttle, shared: Remote, clock: TurnedClock
) -> None:
    async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as before:
        before.sent()
        shared.is_away = True
        async with throttle.slot(BUCKET, LIMIT, max_wait_s=0) as local:
            local.sent()
            await before.answered()
    await clock.pass_to(clock() + 65)  # the local slot was never answered and counts 10 s longer
    [budget] = await throttle.budgets("")
    assert budget.used == 2
