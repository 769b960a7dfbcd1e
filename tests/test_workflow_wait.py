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
from autobg_mcp.tools.status import MOST_LISTED

pytestmark = pytest.mark.anyio

STATUS = "/public/api/v1/images/imagesStatus"


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=100)


class Heard(NamedTuple):
    progress: float
    total: float | None
    message: str | None


async def batch_of(client: McpClient, *images: Path, vehicle: str = "V", by: str = "ai") -> str:
    arguments = {"images": [str(image) for image in images], "numberPlate": vehicle, "processType": by}
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


async def test_a_batch_without_pictures_has_no_total_to_reach(
    client: McpClient, world: World, batch: str
) -> None:
    [account] = world.accounts.values()
    account.batches[int(batch)].pictures.clear()
    heard: list[Heard] = []
    await wait(client, batch, 0, heard)
    assert [(step.total, step.message) for step in heard] == [(None, "No pictures yet")]


# What a look costs

RICH = pytest.mark.parametrize("sandbox_options", [SandboxOptions(turnaround_s=100, credits=1000)])


def linked(count: int) -> dict[str, JsonValue]:
    """An upload of so many photos by link."""
    links: list[JsonValue] = [f"https://photos.example/IMG_{number:04}.jpg" for number in range(count)]
    return {"numberPlate": "V", "processType": "ai", "clientS3Uris": links}


async def looked_at(
    client: McpClient, count: int, **arguments: JsonValue
) -> tuple[dict[str, JsonValue], int]:
    """A status of a batch of so many pictures, and how many tokens a model pays for it."""
    import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415  # it warns while it is imported

    batch = structured(await client.call_tool("uploadS3UrlsWithoutTemplate", linked(count)))["batchID"]
    result = await client.call_tool("getImageStatus", {"batchID": batch, **arguments})
    return dict(structured(result)), len(bpe_openai.get_encoding("o200k_base").encode(text_of(result)))


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # in bpe_openai
@RICH
@pytest.mark.parametrize("count", [40, 230])
async def test_a_look_costs_the_same_however_large_the_batch_is(client: McpClient, count: int) -> None:
    status, tokens = await looked_at(client, count)
    assert status["pending"] == count
    assert tokens < 400


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # in bpe_openai
async def test_of_many_pending_pictures_the_first_are_listed_and_the_others_counted(
    client: McpClient,
) -> None:
    status, _ = await looked_at(client, 40)
    assert len(status["images"]) == MOST_LISTED  # type: ignore[arg-type]
    assert status["note"] == f"{40 - MOST_LISTED} more are failed or pending: all=true lists every picture"


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # in bpe_openai
async def test_every_picture_is_listed_on_request(client: McpClient) -> None:
    status, _ = await looked_at(client, 40, all=True)
    assert len(status["images"]) == 40  # type: ignore[arg-type]
    assert "note" not in status


async def test_of_a_batch_that_is_done_nothing_is_listed_but_the_way_to_the_pictures(
    client: McpClient, clock: Clock, batch: str
) -> None:
    clock.now_s += 101
    result = await wait(client, batch, 0)
    assert (result["processed"], result["images"]) == (3, [])
    assert result["next"] == f"reviewBatch batchID={batch}"


# People at work


SLOW_PEOPLE = pytest.mark.parametrize("sandbox_options", [SandboxOptions(turnaround_s=9_000)])
NOBODY_KNOWS = "people work on it, and how long they take is not documented"


@SLOW_PEOPLE
@pytest.mark.parametrize(("gone_min", "again_min"), [(0, 20), (12, 8), (18, 5), (60, 5)])
@pytest.mark.parametrize("tool", ["waitForBatch", "getImageStatus"])
async def test_waiting_for_people_says_when_to_look_again_and_that_nobody_knows(
    tool: str, gone_min: int, again_min: int, client: McpClient, clock: Clock, photos: Path
) -> None:
    batch = await batch_of(client, photos / "cars", by="collab")
    clock.now_s += gone_min * 60
    arguments = {"batchID": batch} | ({"waitSeconds": 0} if tool == "waitForBatch" else {})
    status = structured(await client.call_tool(tool, arguments))
    assert status["next"] == f"waitForBatch batchID={batch} in about {again_min} min: {NOBODY_KNOWS}"


@SLOW_PEOPLE
async def test_who_shares_anothers_look_hears_of_people_too(client: McpClient, photos: Path) -> None:
    batch = await batch_of(client, photos / "cars", by="collab")
    answers = [await wait(client, batch, 0) for _ in range(2)]
    assert NOBODY_KNOWS in str(answers[1]["next"])
    assert answers[0]["next"] == answers[1]["next"]


async def test_pictures_sent_to_people_afterwards_are_waited_for_as_theirs(
    client: McpClient, clock: Clock, batch: str
) -> None:
    clock.now_s += 101
    redone = structured(await client.call_tool("sendImagesForQA", {"picIDs": [512251]}))["batchID"]
    assert redone != batch
    assert NOBODY_KNOWS in str((await wait(client, str(redone), 0))["next"])


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
    client: McpClient, world: World, batch: str, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
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
