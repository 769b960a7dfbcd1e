"""A paying call ends within its time, whatever the API does, and uses the slots of its minute however slow that is."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from job_calls import ended
from mcp import Client as McpClient
from paid_calls import drawn
from slow_api import NEVER_S, SlowApi
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uploading import PATH, spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

ENDS_S = 55
"""45 s of waiting, which is the default, and 10 s; hosts cut at 60 s."""


class Counting(SlowApi):
    """A slow API that counts the uploads under way."""

    now = most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["path"] == PATH
        self.now += is_upload
        self.most = max(self.most, self.now)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.now -= is_upload


@pytest.fixture
def api(sandbox: Starlette, clock: Clock) -> Counting:
    return Counting(sandbox, clock)


@pytest.fixture
def twelve(photos: Path) -> Path:
    return drawn(photos / "twelve", 12)


@asynccontextmanager
async def slow(connect: Connect, api: Counting, seconds: float, **changes: Any) -> AsyncGenerator[McpClient]:
    api.slow_s[PATH] = seconds
    async with connect(api=api, **changes) as host:
        yield host


@pytest.mark.parametrize("seconds", [1, 8, 20])
async def test_all_ten_slots_of_a_minute_are_used_where_a_photo_takes_long(
    seconds: float, connect: Connect, api: Counting, twelve: Path, clock: Clock
) -> None:
    began_s = clock.now_s
    async with slow(connect, api, seconds, background=True, max_wait_s=110) as host:
        result = structured(await upload(host, twelve))
    assert result["accepted"] == 12
    assert clock.now_s - began_s < 70 + 3 * seconds


@pytest.mark.parametrize("seconds", [3, 8, 30, 50, 100, NEVER_S])
@pytest.mark.parametrize("background", [True, False])
async def test_a_call_ends_in_time_and_no_photo_is_paid_twice_after_it(
    seconds: float,
    background: bool,
    connect: Connect,
    api: Counting,
    world: World,
    twelve: Path,
    clock: Clock,
) -> None:
    async with slow(connect, api, seconds, background=background) as host:
        began_s = clock.now_s
        await upload(host, twelve)
        assert clock.now_s - began_s <= ENDS_S
        await clock.sleep(300)
        api.slow_s.clear()
        for _ in range(4):
            await upload(host, twelve)
            await clock.sleep(65)
    assert spent(world) == 12


async def test_the_first_photo_of_a_vehicle_goes_alone(
    connect: Connect, api: Counting, twelve: Path, clock: Clock
) -> None:
    async with slow(connect, api, 40) as host:
        await upload(host, twelve / "01.png", twelve / "02.png")
        assert api.most == 1
        api.slow_s[PATH] = 10
        await clock.sleep(60)
        await upload(host, twelve)
    assert api.most > 1


async def test_no_more_than_three_photos_of_a_call_are_under_way(
    connect: Connect, api: Counting, twelve: Path
) -> None:
    async with slow(connect, api, 25, max_wait_s=600) as host:
        await upload(host, twelve)
    assert api.most == 3


async def test_what_is_on_the_wire_at_the_end_of_a_call_is_told_and_known_to_the_next_one(
    connect: Connect, api: Counting, world: World, car: Path, clock: Clock
) -> None:
    async with slow(connect, api, 100) as host:
        text = text_of(await upload(host, car))
        assert "“car-1.jpg” is being sent right now: the API takes long." in text
        assert "Credits spent: unknown. Safe to repeat: yes." in text
        await clock.sleep(60)
        again = structured(await upload(host, car))
    assert (again["paidBefore"], spent(world)) == (1, 1)


async def test_what_is_on_the_wire_at_the_end_of_a_call_is_followed_by_its_job(
    connect: Connect, api: Counting, world: World, twelve: Path, clock: Clock
) -> None:
    async with slow(connect, api, 30, background=True) as host:
        result = structured(await upload(host, twelve))
        report = await ended(host, clock, result["job"], within_s=3600)
    assert (report["state"][:4], report["photos"]) == ("done", f"{result['queued']} accepted")
    assert spent(world) == 12
