"""What callers see of a throttle, over each store, with a clock the test turns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from math import inf, nan
from pathlib import Path

import pytest
from throttle_clock import Later, TurnedClock
from throttle_world import BUCKET, LIMIT, World

from autobg_mcp.errors import StateError, ThrottledError
from autobg_mcp.throttle import Limit, Slot, Throttle, Waiting
from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.wishes import Ask, Wishes

pytestmark = pytest.mark.anyio
TEN = Limit(10, 60)


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with World(request.param, tmp_path) as world:
        yield world


async def test_a_burst_of_the_whole_allowance_goes_out_at_once(world: World) -> None:
    process = world.process()
    slots = await world.clock.run(*(world.call(process) for _ in range(3)))
    assert [slot.waited_s for slot in slots] == [0, 0, 0]


async def test_a_slot_says_what_is_left_right_after_it(world: World) -> None:
    process = world.process()
    slots = await world.clock.run(*(world.call(process) for _ in range(3)))
    assert [slot.left for slot in slots] == [2, 1, 0]


async def test_a_slot_comes_back_one_window_and_its_guard_after_the_answer(world: World) -> None:
    process = world.process()
    await world.clock.run(*(world.call(process, takes_s=2) for _ in range(3)))
    [slot] = await world.clock.run(world.call(process))
    assert slot.waited_s == pytest.approx(60.25)


async def test_a_call_that_may_not_wait_so_long_is_told_exactly_when_to_come_back(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    with pytest.raises(ThrottledError, match="61 s away") as refusal:
        await world.call(process, max_wait_s=45)
    assert refusal.value.retry_after_s == pytest.approx(60.25)


async def test_a_call_in_flight_is_expected_to_take_as_long_as_answers_usually_take(world: World) -> None:
    process, one = world.process(), Limit(1, 60)
    await world.clock.run(world.call(process, limit=one, takes_s=2))
    await world.clock.pass_to(world.clock.now_s + 100)
    async with process.slot(BUCKET, one, max_wait_s=0) as slot:
        slot.sent()
        with pytest.raises(ThrottledError) as refusal:
            await world.call(process, limit=one, max_wait_s=0)
    assert refusal.value.retry_after_s == pytest.approx(2 + 60.25)


async def test_what_another_process_gives_back_is_noticed_within_a_twentieth_of_a_short_window(
    world: World,
) -> None:
    first, second, short = world.process(), world.process(), Limit(1, 4)
    async with first.slot(BUCKET, short, max_wait_s=0):
        waiting = asyncio.ensure_future(world.call(second, limit=short, takes_s=0))
        await world.clock.pass_to(world.clock.now_s + 0.3)
    [slot] = await world.clock.run(wait_for(waiting))
    assert slot.waited_s <= 0.3 + 4 / 20


async def test_a_refused_call_takes_no_slot_and_no_place(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    for _ in range(5):
        with pytest.raises(ThrottledError):
            await world.call(process, max_wait_s=45)
    [budget] = await process.budgets("account")
    assert (budget.used, budget.waiting) == (3, 0)


async def test_calls_of_two_processes_are_served_in_the_order_they_came(world: World) -> None:
    processes = [world.process(), world.process()]
    await world.use_up(processes[0])
    served: dict[int, float] = {}

    async def call(number: int) -> None:
        await world.clock.sleep(number / 100)
        await world.call(processes[number % 2], takes_s=0)
        served[number] = round(world.clock.now_s, 3)

    await world.clock.run(*(call(number) for number in range(12)))
    moments = [served[number] for number in range(12)]
    assert moments == sorted(moments)


async def test_a_process_that_knows_a_smaller_limit_waits_for_what_others_have_used(world: World) -> None:
    generous, strict = world.process(), world.process()
    await world.clock.run(*(world.call(generous, limit=TEN) for _ in range(9)))
    [slot] = await world.clock.run(world.call(strict, limit=Limit(1, 60)))
    assert slot.waited_s == pytest.approx(60.25)


async def test_a_slow_process_keeps_its_slot_but_not_the_slots_of_those_behind_it(world: World) -> None:
    slow, quick = world.process(), world.process()
    await world.use_up(slow)
    stuck = asyncio.ensure_future(world.call(slow))
    await world.clock.settle()
    await world.clock.pass_to(world.clock.now_s + 57)
    kill(slow)
    slots = await world.clock.run(*(world.call(quick) for _ in range(3)))
    assert [slot.waited_s for slot in slots] == pytest.approx([3.25, 3.25, 6], abs=3)
    stuck.cancel()


async def test_a_cancelled_waiter_frees_its_place_for_a_waiter_of_another_process(world: World) -> None:
    first, second = world.process(), world.process()
    await world.use_up(first)
    leaving = [asyncio.ensure_future(world.call(first)) for _ in range(3)]
    await world.clock.settle()
    staying = asyncio.ensure_future(world.call(second))
    await world.clock.pass_to(world.clock.now_s + 5)
    for task in leaving:
        task.cancel()
    await world.clock.pass_to(world.clock.now_s + 56)
    assert staying.done()


async def test_a_process_that_died_while_waiting_delays_the_next_by_its_lease_at_most(world: World) -> None:
    dead, alive = world.process(), world.process()
    await world.use_up(dead)
    waiting = asyncio.ensure_future(world.call(dead))
    await world.clock.settle()
    await world.clock.pass_to(world.clock.now_s + 57)
    kill(dead)
    [slot] = await world.clock.run(world.call(alive))
    assert slot.waited_s == pytest.approx(60.25 - 57, abs=6)
    waiting.cancel()


def kill(process: Throttle) -> None:
    """Stops a process where it stands: nothing it still does reaches the store."""
    assert isinstance(process, SharedThrottle)
    for line in process._lines.values():
        assert line._task is not None
        line._task.cancel()


async def test_a_slot_that_was_not_used_is_free_again(world: World) -> None:
    process = world.process()
    for _ in range(5):
        async with process.slot(BUCKET, LIMIT, max_wait_s=0):
            pass
    await world.clock.settle()
    assert [budget.used for budget in await process.budgets("")] == [0]


async def test_a_call_that_died_in_flight_counts_from_the_latest_moment_it_can_have_arrived(
    world: World,
) -> None:
    process = world.process()
    for _ in range(3):
        async with process.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
            slot.sent()
    [late] = await world.clock.run(world.call(process))
    assert late.waited_s == pytest.approx(10 + 60.25)


async def test_a_slow_answer_counts_from_4_s_after_the_last_byte_left(world: World) -> None:
    process = world.process()
    await world.clock.run(*(world.call(process, takes_s=40) for _ in range(3)))
    [slot] = await world.clock.run(world.call(process))
    assert slot.waited_s == pytest.approx(4 + 60.25 - 40)


async def test_a_slow_upload_holds_its_slot_from_its_last_byte_on(world: World) -> None:
    process = world.process()
    async with AsyncExitStack() as uploads:
        for _ in range(3):
            slot = await uploads.enter_async_context(process.slot(BUCKET, LIMIT, max_wait_s=0))
            slot.sent()
        await world.clock.pass_to(world.clock.now_s + 50)
        slot.sent()
        await world.clock.pass_to(world.clock.now_s + 20)
        waits = [(await world.clock.run(world.call(process, takes_s=0)))[0].waited_s for _ in range(3)]
    assert waits == pytest.approx([0.25, 0, 50 + 4 - 10])


@asynccontextmanager
async def refused(
    process: Throttle, retry_after_s: float | None, limit: Limit = LIMIT
) -> AsyncIterator[Slot]:
    async with process.slot(BUCKET, limit, max_wait_s=1000) as slot:
        slot.sent()
        await slot.answered(refused=True, retry_after_s=retry_after_s)
        yield slot


@pytest.mark.parametrize(
    ("retry_after_s", "closed_s"),
    [(20.0, 20), (None, 60), (-3.0, 0), (nan, 0), (1e300, 86_400), (inf, 86_400)],
)
async def test_a_429_closes_the_gate_for_another_process_for_a_day_at_most(
    world: World, retry_after_s: float | None, closed_s: float
) -> None:
    async with refused(world.process(), retry_after_s, TEN):
        pass
    with pytest.raises(ThrottledError) as error:
        await world.call(world.process(), limit=TEN, max_wait_s=0)
    assert error.value.retry_after_s == pytest.approx(closed_s + 0.25)


async def allowance(world: World, process: Throttle) -> int:
    """How many calls go out at once when none has gone out for a window."""
    [budget] = await process.budgets("")
    return budget.left


async def test_a_429_halves_the_allowance_and_every_clean_window_gives_a_tenth_of_the_limit_back(
    world: World,
) -> None:
    process, left = world.process(), list[int]()
    async with refused(process, 60, TEN):
        await world.clock.pass_to(world.clock.now_s + 61)
    for _ in range(7):
        left.append(await allowance(world, process))
        await world.clock.pass_to(world.clock.now_s + 60)
    assert left == [5, 6, 7, 8, 9, 10, 10]


async def test_calls_that_were_refused_together_halve_the_allowance_once(world: World) -> None:
    process = world.process()
    async with AsyncExitStack() as burst:
        for _ in range(4):
            slot = await burst.enter_async_context(process.slot(BUCKET, TEN, max_wait_s=0))
            slot.sent()
            burst.push_async_callback(slot.answered, refused=True)
    await world.clock.pass_to(world.clock.now_s + 61)
    assert await allowance(world, process) == 5


async def test_refusal_upon_refusal_leaves_one_call(world: World) -> None:
    process = world.process()
    for _ in range(6):
        async with refused(process, None, TEN):
            await world.clock.pass_to(world.clock.now_s + 61)
    assert await allowance(world, process) == 1


async def test_a_used_up_allowance_and_a_closed_gate_are_two_sentences(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    with pytest.raises(
        ThrottledError, match=r"^The allowance of 3 calls per 60 s for reportImages is used up\."
    ):
        await world.call(process, max_wait_s=0)
    await world.clock.pass_to(world.clock.now_s + 61)
    async with refused(process, 600):
        with pytest.raises(
            ThrottledError, match=r"^The API answered 429 and closed the gate of reportImages until "
        ):
            await world.call(process, max_wait_s=0)
        [budget] = await process.budgets("")
    assert "closed its gate until 2026-11-18 11:35 UTC; then 1 of 3 calls" in budget.rule


async def test_a_refused_attempt_is_repeated_before_those_who_came_later(world: World) -> None:
    process, served = world.process(), list[tuple[str, float]]()

    async def call(name: str, after: Slot | None) -> None:
        async with process.slot(BUCKET, TEN, max_wait_s=1000, after=after) as slot:
            slot.sent()
            served.append((name, slot.waited_s))
            await slot.answered()

    async with refused(process, 20, TEN) as slot:
        await world.clock.run(*(call("later", None) for _ in range(5)), call("refused", slot))
    name, waited_s = served[0]
    assert (name, round(waited_s, 2)) == ("refused", 20.25)


async def test_a_closing_gate_sends_away_at_once_those_whose_time_no_longer_reaches(world: World) -> None:
    process = world.process()
    await world.clock.run(*(world.call(process) for _ in range(2)))
    async with process.slot(BUCKET, LIMIT, max_wait_s=0) as slot:
        slot.sent()
        await world.clock.pass_to(world.clock.now_s + 40)
        waiting = asyncio.ensure_future(world.call(process, max_wait_s=30))
        await world.clock.settle()
        await slot.answered(refused=True)
        await world.clock.settle()
    with pytest.raises(ThrottledError, match="61 s away"):
        waiting.result()


async def test_a_waiter_hears_at_once_and_then_at_least_every_5_s(world: World) -> None:
    process, heard = world.process(), list[tuple[float, float]]()
    await world.use_up(process)
    began_s = world.clock.monotonic_s()

    async def hear(news: Waiting) -> None:
        heard.append((world.clock.monotonic_s() - began_s, news.left_s))

    async def call() -> None:
        async with process.slot(BUCKET, LIMIT, max_wait_s=1000, on_wait=hear):
            pass

    await world.clock.run(call())
    assert [waited_s for waited_s, _ in heard] == pytest.approx([5 * turn for turn in range(13)])
    assert [left_s for _, left_s in heard] == pytest.approx([60.25 - 5 * turn for turn in range(13)])


async def test_a_waiter_hears_whether_the_gate_is_closed_or_the_allowance_used_up(world: World) -> None:
    process, heard = world.process(), list[Waiting]()

    async def hear(news: Waiting) -> None:
        heard.append(news)

    async def call() -> None:
        async with process.slot(BUCKET, LIMIT, max_wait_s=1000, on_wait=hear):
            pass

    async with refused(process, 12):
        await world.clock.run(call())
    assert [bool(news.closed) for news in heard[:5]] == [True, True, True, False, False]


async def test_two_accounts_never_share_a_budget(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    async with process.slot("another:reportImages", LIMIT, max_wait_s=0) as slot:
        assert slot.left == 2


async def wait_for(task: asyncio.Task[Slot]) -> Slot:
    return await task


async def granted_unnoticed(process: Throttle, world: World) -> asyncio.Task[Slot]:
    """A call that has its slot, but has not run since."""
    assert isinstance(process, SharedThrottle)
    task = asyncio.ensure_future(world.call(process, takes_s=0))
    await asyncio.sleep(0)
    [caller] = process._line(BUCKET)._callers
    while not caller.done.done():  # noqa: ASYNC110 - the loop is turned step by step
        await asyncio.sleep(0)
    return task


async def test_a_call_cancelled_at_the_moment_it_gets_its_slot_gives_it_back(world: World) -> None:
    process = world.process()
    task = await granted_unnoticed(process, world)
    task.cancel()
    await world.clock.settle()
    assert [budget.used for budget in await process.budgets("")] == [0]


async def test_a_slot_given_to_a_process_that_then_slept_is_asked_for_anew(world: World) -> None:
    sleeper = world.process()
    task = await granted_unnoticed(sleeper, world)
    world.clock.now_s += 100
    take_all_at_once(world.process())
    [slot] = await world.clock.run(wait_for(task))
    assert slot.waited_s >= 100 + 10 + 60


def take_all_at_once(process: Throttle) -> None:
    """Slots taken without a turn of the event loop, as another machine's process would."""
    assert isinstance(process, SharedThrottle)
    process._store.step(BUCKET, Wishes("another", LIMIT, 10_000_000, [Ask(1) for _ in range(LIMIT.calls)]))


async def test_a_call_cancelled_while_the_store_gives_it_a_slot_gives_it_back() -> None:
    clock, worker = TurnedClock(), Later()
    store = MemoryStore(clock=clock)
    process = SharedThrottle(store, clock=clock, worker=worker)
    task = asyncio.ensure_future(process._take(BUCKET, LIMIT, 100, None, 0))
    await clock.settle()
    task.cancel()
    await clock.settle()
    await worker.catch_up()
    [(bucket, _)] = store.read("").values()
    assert bucket.used == 0


async def test_an_attempt_that_is_repeated_without_an_answer_counts_twice(world: World) -> None:
    process = world.process()
    async with process.slot(BUCKET, LIMIT, max_wait_s=0) as first:
        first.sent()
    async with process.slot(BUCKET, LIMIT, max_wait_s=0, after=first) as second:
        second.sent()
        await second.answered()
    await world.clock.pass_to(world.clock.now_s + 61)
    assert [budget.used for budget in await process.budgets("")] == [1]


async def test_a_call_that_waits_when_the_throttle_is_closed_is_told(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    waiting = asyncio.ensure_future(world.call(process))
    await world.clock.settle()
    await process.aclose()
    with pytest.raises(StateError, match="closed while this call waited"):
        await waiting


async def test_whatever_goes_wrong_in_the_store_reaches_those_who_wait() -> None:
    class Broken(MemoryStore):
        def version(self, name: str) -> int:
            raise RuntimeError(name)

    clock = TurnedClock()
    process = SharedThrottle(Broken(clock=clock), clock=clock)
    async with process.slot(BUCKET, Limit(1, 60), max_wait_s=0) as slot:
        slot.sent()
        waiting = asyncio.ensure_future(process._take(BUCKET, Limit(1, 60), 100, None, 0))
        await clock.pass_to(clock.now_s + 2)
    with pytest.raises(RuntimeError, match=BUCKET):
        await waiting


async def test_a_call_that_leaves_before_it_has_a_ticket_leaves_no_trace(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    task = asyncio.ensure_future(world.call(process))
    await asyncio.sleep(0)
    task.cancel()
    await world.clock.settle()
    assert [budget.waiting for budget in await process.budgets("")] == [0]


async def test_the_next_caller_learns_from_budgets_when_its_turn_would_come(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    waiting = [asyncio.ensure_future(world.call(process)) for _ in range(3)]
    await world.clock.settle()
    [budget] = await process.budgets("account")
    assert budget.waiting == 3
    assert budget.next_free_s == pytest.approx(2 * 60.25, abs=0.1)
    for task in waiting:
        task.cancel()
