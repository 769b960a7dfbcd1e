"""Results of a job from an API that shows, names and gives them in odd ways."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock, Connect
from job_calls import ended, report_of
from paid_calls import drawn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from test_plans_started import process, started
from uploading import spent

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

BAD = "bad"


class Rewriting:
    """An API whose statuses are changed on their way."""

    def __init__(self, api: ASGIApp, change: Callable[[list[dict[str, Any]]], object]) -> None:
        self._api, self._change = api, change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def changed(message: Message) -> None:
            if body := message.get("body"):
                data = json.loads(body)
                self._change(data["data"])
                message = {**message, "body": json.dumps(data).encode()}
            elif message["type"] == "http.response.start":
                headers = [one for one in message["headers"] if one[0] != b"content-length"]
                message = {**message, "headers": headers}
            await send(message)

        is_status = str(scope["path"]).endswith("imagesStatus")
        await self._api(scope, receive, changed if is_status else send)


class Choosy:
    """An API that refuses a whole request for one link in it."""

    def __init__(self, api: ASGIApp) -> None:
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        if BAD.encode() in body:
            said = json.dumps({"status": False, "message": "Invalid link", "data": None}).encode()
            await send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [(b"content-type", b"application/json")],
                }
            )
            await send({"type": "http.response.body", "body": said})
            return

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._api(scope, again, send)


@pytest.fixture
def park(photos: Path) -> Path:
    """One car with three photos."""
    (photos / "park").mkdir()
    drawn(photos / "park" / "A", 3)
    return photos / "park"


def saved(folder: Path) -> int:
    return len([path for path in (folder / "results").rglob("*") if path.is_file()])


async def test_a_picture_that_the_status_shows_late_is_saved_too(
    connect: Connect, sandbox: Starlette, park: Path, tmp_path: Path, clock: Clock
) -> None:
    until = clock.now_s + 600
    api = Rewriting(sandbox, lambda images: images.pop() if clock.now_s < until else None)
    async with connect(background=True, api=api) as host:
        begun = await started(host, park, download=True)
        await ended(host, clock, begun["job"], within_s=1800)
    assert saved(tmp_path) == 3


async def test_a_picture_that_the_status_never_shows_leaves_its_vehicle_to_be_reviewed(
    connect: Connect, sandbox: Starlette, park: Path, clock: Clock
) -> None:
    api = Rewriting(sandbox, lambda images: images.pop())
    async with connect(background=True, api=api) as host:
        begun = await started(host, park, download=True)
        report = await ended(host, clock, begun["job"], within_s=5400)
    assert report["vehicles"] == "1 to review"


async def test_pictures_that_cannot_be_asked_for_are_not_told_as_saved(
    connect: Connect, sandbox: Starlette, park: Path, clock: Clock
) -> None:
    def rename(images: list[dict[str, Any]]) -> None:
        for image in images:
            image["picID"] = f"P-{image['picID']}"

    async with connect(background=True, api=Rewriting(sandbox, rename)) as host:
        begun = await started(host, park, download=True)
        report = await ended(host, clock, begun["job"])
    assert report["vehicles"] == "1 to review"


async def test_results_that_are_there_in_seconds_are_saved_in_seconds_though_nothing_was_learnt(
    connect: Connect, park: Path, tmp_path: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        began_s = clock.now_s
        await ended(host, clock, (await started(host, park, download=True))["job"])
    assert saved(tmp_path) == 3
    assert clock.now_s - began_s <= 30


async def test_a_batch_that_is_gone_keeps_no_other_waiting_and_is_told(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    for car in range(6):
        (photos / "fleet").mkdir(exist_ok=True)
        drawn(photos / "fleet" / f"{car}", car + 1)
    async with connect(background=True) as host:
        job = (await started(host, photos / "fleet"))["job"]
        while spent(world) < 21:
            await clock.sleep(1)
        [account] = world.accounts.values()
        account.batches.pop(max(account.batches))
        await clock.sleep(300)
        report = await report_of(host, job)
    assert set(report["vehicles"].split(", ")) == {"5 to review", "1 in work"}
    assert "does not have it" in report["waits"][0]


async def test_links_that_the_api_refuses_are_found_among_the_good_ones(
    connect: Connect, world: World, sandbox: Starlette, clock: Clock
) -> None:
    links = [f"https://cars.example/{BAD if one in (7, 40) else one}-{one}.jpg" for one in range(60)]
    async with connect(background=True, api=Choosy(sandbox)) as host:
        plan = await process(host, vehicles=[{"vehicle": "V", "links": links}])
        begun = await process(host, plan=plan["plan"])
        report = await ended(host, clock, begun["job"])
    assert (report["photos"], spent(world)) == ("58 accepted, 2 refused", 58)
