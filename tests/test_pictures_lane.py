"""The one lane in which pictures are decoded: one at a time, in order, and never held by who has gone."""

import threading
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest

from autobg_mcp.pictures.lane import in_lane

pytestmark = pytest.mark.anyio


class Decoding:
    """Work that stops in the lane until a test lets it go on."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        self.may_end.wait(30)
        self.ended.set()


async def happens(event: threading.Event) -> bool:
    return await anyio.to_thread.run_sync(event.wait, 30)


async def test_pictures_are_decoded_one_at_a_time_in_the_order_they_came() -> None:
    order, at_work = [], threading.Semaphore(1)

    def work(number: int) -> None:
        assert at_work.acquire(blocking=False)
        order.append(number)
        at_work.release()

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(in_lane, work, number)

    assert order == list(range(20))


async def test_two_event_loops_share_the_lane() -> None:
    first, second = Decoding(), Decoding()
    second.may_end.set()

    def in_another_loop() -> None:
        anyio.run(in_lane, second)

    async with anyio.create_task_group() as group:
        group.start_soon(in_lane, first)
        await happens(first.begun)
        group.start_soon(anyio.to_thread.run_sync, in_another_loop)
        await anyio.sleep(0.05)
        assert not second.begun.is_set()
        first.may_end.set()

    assert second.ended.is_set()


async def cancelled_after(begun: Callable[[], object], *work: Decoding) -> None:
    """Put work into the lane, wait for something, and cancel all of it."""
    async with anyio.create_task_group() as group:
        for each in work:
            group.start_soon(in_lane, each)
        await anyio.to_thread.run_sync(begun)
        group.cancel_scope.cancel()


async def test_a_caller_that_is_cancelled_goes_at_once_and_its_picture_keeps_the_lane() -> None:
    abandoned, next_one = Decoding(), Decoding()
    next_one.may_end.set()
    await cancelled_after(abandoned.begun.wait, abandoned)
    assert not abandoned.ended.is_set()
    async with anyio.create_task_group() as group:
        group.start_soon(in_lane, next_one)
        await anyio.sleep(0.05)
        assert not next_one.begun.is_set()
        abandoned.may_end.set()

    assert next_one.ended.is_set()


async def test_a_caller_that_is_cancelled_while_it_waits_leaves_the_lane() -> None:
    first, waiting = Decoding(), Decoding()
    await cancelled_after(first.begun.wait, first, waiting)
    first.may_end.set()
    await in_lane(int)

    assert not waiting.begun.is_set()


async def test_what_is_raised_in_the_lane_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await in_lane(int, "x")
