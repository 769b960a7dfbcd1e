"""Waiting for a batch: few looks, shared by all who wait, and an answer that says how to go on."""

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue

from autobg_mcp.sandbox import SandboxOptions, World

pytestmark = pytest.mark.anyio

STATUS = "/public/api/v1/images/imagesStatus"


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=100)


class Heard(NamedTuple):
    progress: float
    total: float | None
    message: str | None


async def batch_of(client: McpClient, *images: Path, vehicle: str = "V") -> str:
    arguments = {"images": [str(image) for image in images], "numberPlate": vehicle, "processType": "ai"}
    result = await client.call_tool("uploadImagesWithoutTemplate", arguments | {"numPlateProcessor": 1})
    return str(structured(result)["batchID"])


@pytest.fixture
async def batch(client: McpClient, photos: Path) -> str:
    """Three pictures, done 70, 80 and 90 s after their upload."""
    return await batch_of(client, photos / "cars")


async def wait(
    client: McpClient,
    batch: str,
    seconds: float,
    heard: list[Heard] | None = None,
) -> dict[str, JsonValue]:
    async def hear(progress: float, total: float | None, message: str | None) -> None:
        if heard is not None:
            heard.append(Heard(progress, total, message))

    arguments = {"batchID": batch, "waitSeconds": seconds}
    return dict(structured(await client.call_tool("waitForBatch", arguments, progress_callback=hear)))


async def test_an_answer_comes_as_soon_as_the_batch_is_done(
    client: McpClient, clock: Clock, batch: str
) -> None:
    clock.now_s += 75
    asked_s = clock.now_s
    result = await wait(client, batch, 45)
    assert (result["processed"], result["failed"], result["pending"]) == (3, 0, 0)
    assert 15 <= clock.now_s - asked_s < 27
    assert result["next"] == f"reviewBatch batchID={batch}"


async def test_progress_says_how_many_of_how_many_are_done(
    client: McpClient, clock: Clock, batch: str
) -> None:
    clock.now_s += 60
    heard: list[Heard] = []
    await wait(client, batch, 45, heard)
    assert heard[0].message == f"Batch {batch}: 0 of 3 pictures done"
    assert heard[-1] == Heard(3, 3, f"Batch {batch}: 3 of 3 pictures done")
    assert [step.progress for step in heard] == sorted({step.progress for step in heard})


async def test_when_the_time_is_over_the_answer_says_exactly_how_to_go_on(
    client: McpClient, clock: Clock, batch: str
) -> None:
    asked_s = clock.now_s
    result = await wait(client, batch, 20)
    assert clock.now_s - asked_s == pytest.approx(20)
    assert result["pending"] == 3
    assert result["next"] == f"waitForBatch batchID={batch}"


async def test_a_wait_of_no_seconds_looks_once(client: McpClient, world: World, batch: str) -> None:
    assert (await wait(client, batch, 0))["pending"] == 3
    assert world.requests_by_path[STATUS] == 1


async def test_looks_grow_rarer_and_keep_far_below_the_limit(
    client: McpClient, world: World, clock: Clock, batch: str
) -> None:
    await wait(client, batch, 45)
    looks = [request.at for request in world.requests if request.path == STATUS]
    pauses = [after - before for before, after in pairwise(looks)]
    assert len(looks) <= 9
    assert 2 <= pauses[0] < 4
    assert pauses[-2] > 2 * pauses[0]


@pytest.mark.parametrize("seconds", [-1, 45.1, 1e9, "soon"])
async def test_other_waits_are_refused_without_a_request(
    seconds: JsonValue, client: McpClient, world: World, batch: str
) -> None:
    result = await client.call_tool("waitForBatch", {"batchID": batch, "waitSeconds": seconds})
    assert result.is_error
    assert "waitSeconds" in text_of(result)
    assert not world.requests_by_path[STATUS]


@pytest.mark.parametrize("seconds", ["10", 10, 10.5, 0, 45])
async def test_a_wait_may_be_said_in_any_usual_way(seconds: JsonValue, client: McpClient, batch: str) -> None:
    structured(await client.call_tool("waitForBatch", {"batchID": int(batch), "waitSeconds": seconds}))


async def test_failed_pictures_are_done_too(client: McpClient, clock: Clock, photos: Path) -> None:
    (photos / "cars" / "car-2.jpg").rename(photos / "cars" / "fail-2.jpg")
    batch = await batch_of(client, photos / "cars")
    clock.now_s += 101
    result = await wait(client, batch, 0)
    assert (result["processed"], result["failed"], result["pending"]) == (2, 1, 0)


async def test_a_batch_without_pictures_is_waited_for(
    client: McpClient, world: World, clock: Clock, batch: str
) -> None:
    [account] = world.accounts.values()
    account.batches[int(batch)].pictures.clear()
    asked_s = clock.now_s
    result = await wait(client, batch, 10)
    assert clock.now_s - asked_s == pytest.approx(10)
    assert result["next"] == f"waitForBatch batchID={batch}"


# Many waiters


async def test_ten_waiters_together_look_hardly_more_often_than_one(
    connect: Connect, world: World, clock: Clock, batch: str
) -> None:
    results = []

    async def look(client: McpClient) -> None:
        results.append(await wait(client, batch, 45))

    async with connect() as one, connect() as other, anyio.create_task_group() as group:
        for client in (one, other) * 5:
            group.start_soon(look, client)
    assert {result["pending"] for result in results} == {3}
    assert world.requests_by_path[STATUS] <= 14  # one alone looks 7 times, ten apart would look 70 times


async def test_waiters_after_another_get_what_it_saw(client: McpClient, world: World, batch: str) -> None:
    first = await wait(client, batch, 0)
    assert (await wait(client, batch, 0))["images"] == first["images"]
    assert world.requests_by_path[STATUS] == 1


async def test_batches_are_looked_at_one_by_one(
    client: McpClient, world: World, batch: str, photos: Path
) -> None:
    other = await batch_of(client, photos / "cars", vehicle="W")
    assert (await wait(client, batch, 0))["images"] != (await wait(client, other, 0))["images"]
    assert world.requests_by_path[STATUS] == 2


# Looks that fail


@pytest.mark.parametrize("kind", ["soft", "401", "500", "drop_before", "html", "429"])
async def test_a_look_that_fails_is_an_error_and_the_next_one_asks_again(
    kind: str, client: McpClient, world: World, clock: Clock, batch: str
) -> None:
    world.fail_next("/imagesStatus", kind, times=2, delay_s=60)  # type: ignore[arg-type]
    arguments = {"batchID": batch, "waitSeconds": 0}
    assert (await client.call_tool("waitForBatch", arguments)).is_error
    world.failures.clear()
    clock.now_s += 60.5 if kind == "429" else 0
    assert (await wait(client, batch, 0))["pending"] == 3


async def test_a_batch_that_does_not_exist_is_an_error_every_time(client: McpClient) -> None:
    for _ in range(2):
        text = text_of(await client.call_tool("waitForBatch", {"batchID": "99", "waitSeconds": 5}))
        assert "Batch not found" in text


async def test_a_cancelled_look_leaves_the_next_waiter_free_to_look(
    client: McpClient, world: World, batch: str
) -> None:
    world.sleep = anyio.sleep
    world.fail_next("/imagesStatus", "hang", delay_s=60)
    with anyio.move_on_after(0.1):
        await wait(client, batch, 0)
    assert (await wait(client, batch, 0))["pending"] == 3


async def test_a_wait_that_gets_no_slot_for_its_next_look_answers_what_it_knows(
    connect: Connect, batch: str
) -> None:
    async with connect(rate_limits="getImageStatus=1/600s") as client:
        result = await wait(client, batch, 20)
    assert result["pending"] == 3
