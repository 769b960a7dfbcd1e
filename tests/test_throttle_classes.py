"""Calls that somebody waits for beside those of the background, over each store, with a clock the test turns."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from throttle_clock import AtOnce, TurnedClock
from throttle_world import BUCKET, LIMIT, World

from autobg_mcp.errors import ThrottledError
from autobg_mcp.throttle import Limit, Slot, Throttle, Waiting
from autobg_mcp.throttle.memory import MemoryStore
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.wishes import Replies, Wishes

pytestmark = pytest.mark.anyio
TEN = Limit(10, 60)
PACE_S = 60.25 / 3


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with World(request.param, tmp_path) as world:
        yield world


Served = list[tuple[str, float]]


async def call(
    world: World,
    process: Throttle,
    name: str,
    served: Served,
    *,
    after_s: float = 0,
    after: Slot | None = None,
) -> None:
    """A call that says when it is served; one whose name begins with job is of the background."""
    await world.clock.sleep(after_s)
    background = name.startswith("job")
    async with process.slot(BUCKET, LIMIT, max_wait_s=1000, after=after, background=background) as slot:
        served.append((name, round(world.clock.now_s - 1000, 2)))
        slot.sent()
        await slot.answered()


def names(served: Served) -> list[str]:
    return [name for name, _ in served]


async def test_a_person_passes_every_background_call_of_every_process(world: World) -> None:
    first, second, served = world.process(), world.process(), Served()
    await world.use_up(first)
    await world.clock.run(
        *(call(world, first, f"job {number}", served, after_s=number) for number in (1, 2)),
        call(world, second, "job 3", served, after_s=3),
        call(world, second, "person", served, after_s=50),
    )
    assert names(served) == ["person", "job 1", "job 2", "job 3"]


async def test_background_calls_of_two_processes_are_served_in_the_order_they_came(world: World) -> None:
    processes, served = [world.process(), world.process()], Served()
    await world.use_up(processes[0])
    await world.clock.run(
        *(call(world, processes[n % 2], f"job {n}", served, after_s=10 - n) for n in range(6))
    )
    assert names(served) == [f"job {n}" for n in reversed(range(6))]


async def test_background_calls_go_out_one_pace_apart_though_slots_are_free(world: World) -> None:
    process = world.process()
    slots = await world.clock.run(*(world.call(process, background=True) for _ in range(3)))
    assert [slot.waited_s for slot in slots] == pytest.approx([0, PACE_S, 2 * PACE_S])


async def test_processes_keep_the_pace_together(world: World) -> None:
    slots = await world.clock.run(*(world.call(world.process(), background=True) for _ in range(3)))
    assert [slot.waited_s for slot in slots] == pytest.approx([0, PACE_S, 2 * PACE_S])


async def test_calls_that_somebody_waits_for_are_never_paced(world: World) -> None:
    process = world.process()
    await world.clock.run(world.call(process, background=True))
    slots = await world.clock.run(*(world.call(process) for _ in range(2)))
    assert [slot.waited_s for slot in slots] == [0, 0]


async def test_a_refused_background_attempt_is_repeated_behind_people_and_before_its_own_class(
    world: World,
) -> None:
    process, served = world.process(), Served()
    async with process.slot(BUCKET, LIMIT, max_wait_s=0, background=True) as slot:
        slot.sent()
        await slot.answered(refused=True, retry_after_s=20)
        await world.clock.run(
            call(world, process, "job, later", served),
            call(world, process, "job, refused", served, after=slot),
            call(world, process, "person", served, after_s=5),
        )
    assert names(served) == ["person", "job, refused", "job, later"]


async def test_after_a_429_the_pace_is_that_of_the_allowance_that_is_left(world: World) -> None:
    process = world.process()
    async with process.slot(BUCKET, TEN, max_wait_s=0) as slot:
        slot.sent()
        await slot.answered(refused=True, retry_after_s=20)
    slots = await world.clock.run(*(world.call(process, limit=TEN, background=True) for _ in range(3)))
    assert [slot.waited_s for slot in slots] == pytest.approx([20.25, 20.25 + 12.05, 20.25 + 24.1])


async def test_a_dead_process_holds_up_the_background_of_others_by_its_lease_at_most(world: World) -> None:
    dead, alive = world.process(), world.process()
    await world.use_up(dead)
    waiting = asyncio.ensure_future(world.call(dead, background=True))
    await world.clock.settle()
    await world.clock.pass_to(world.clock.now_s + 57)
    assert isinstance(dead, SharedThrottle)
    [line] = dead._lines.values()
    assert line._task is not None
    line._task.cancel()
    [slot] = await world.clock.run(world.call(alive, background=True))
    assert slot.waited_s <= 6
    waiting.cancel()


async def test_a_background_call_that_may_not_wait_is_told_the_pace_and_when_to_come_back(
    world: World,
) -> None:
    process = world.process()
    await world.clock.run(world.call(process, background=True))
    with pytest.raises(
        ThrottledError, match=r"^Calls of reportImages that nobody waits for go out 20\.1 s apart"
    ) as told:
        await world.call(process, background=True, max_wait_s=1)
    assert told.value.retry_after_s == pytest.approx(PACE_S - 0.2)


async def test_a_background_call_whose_time_no_longer_reaches_is_sent_away_when_a_person_passes_it(
    world: World,
) -> None:
    process = world.process()
    await world.clock.run(*(world.call(process, background=True) for _ in range(3)))
    waiting = asyncio.ensure_future(world.call(process, background=True, max_wait_s=30))
    await world.clock.settle()
    person = asyncio.ensure_future(world.call(process))
    await world.clock.settle()
    with pytest.raises(ThrottledError):
        waiting.result()
    person.cancel()


async def test_a_background_call_hears_its_place_behind_people_and_when_its_slot_comes(world: World) -> None:
    process, heard = world.process(), list[Waiting]()
    await world.use_up(process)

    async def hear(news: Waiting) -> None:
        heard.append(news)

    tasks = [asyncio.ensure_future(world.call(process, background=each)) for each in (False, True)]
    await world.clock.settle()
    tasks += [asyncio.ensure_future(world.call(process, background=True, on_wait=hear))]
    await world.clock.settle()
    assert heard[0].place == 3
    assert heard[0].left_s == pytest.approx(60.25 + PACE_S)
    for task in tasks:
        task.cancel()


async def test_budgets_tell_people_and_background_apart(world: World) -> None:
    process = world.process()
    await world.use_up(process)
    classes = (False, True, True)
    tasks = [asyncio.ensure_future(world.call(process, background=each)) for each in classes]
    await world.clock.settle()
    [budget] = await process.budgets("account")
    assert (budget.waiting, budget.waiting_background) == (1, 2)
    assert budget.next_free_s == pytest.approx(60.25)
    for task in tasks:
        task.cancel()


async def test_a_clock_that_starts_anew_with_the_machine_keeps_the_pace(tmp_path: Path) -> None:
    with World("sqlite", tmp_path) as world:
        await world.clock.run(world.call(world.process(), background=True, takes_s=0))
        waits_s = []
        for world.clock.now_s in (3.0, 13.0):
            with pytest.raises(ThrottledError) as told:
                await world.call(world.process(), background=True, max_wait_s=0)
            waits_s.append(told.value.retry_after_s)
    assert waits_s == pytest.approx([PACE_S, PACE_S - 10])


class Counting(MemoryStore):
    """Knows how often it was stepped."""

    steps = 0

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        self.steps += 1
        return super().step(name, wishes)


async def test_a_paced_call_looks_at_its_bucket_no_more_often_than_its_lease_needs() -> None:
    clock = TurnedClock()
    store = Counting(clock=clock)
    process = SharedThrottle(store, clock=clock, worker=AtOnce())

    async def call() -> None:
        async with process.slot(BUCKET, LIMIT, max_wait_s=1000, background=True) as slot:
            slot.sent()
            await slot.answered()

    await clock.run(call(), call())
    assert store.steps <= PACE_S / 2 + 6
