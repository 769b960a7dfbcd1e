"""The clock that tests turn: time passes from sleeper to sleeper."""

import anyio
import pytest
from conftest import Clock

pytestmark = pytest.mark.anyio


async def test_ten_who_sleep_ten_seconds_at_once_sleep_ten_seconds_together(clock: Clock) -> None:
    began_s = clock.now_s
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(clock.sleep, 10)
    assert clock.now_s - began_s == pytest.approx(10)


async def test_who_sleeps_less_wakes_first(clock: Clock) -> None:
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    async with anyio.create_task_group() as group:
        for seconds in (3, 1, 2):
            group.start_soon(sleep, seconds)
    assert woken == [1, 2, 3]
