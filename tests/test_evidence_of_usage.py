"""What the account's usage tells of a submission of unknown outcome: it names batches, which no other answer lists."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import structured
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uploading import sent, spent, upload

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World
from autobg_mcp.sandbox.studio import StudioJob
from autobg_mcp.tools.usage import batches_in_json, batches_in_table

pytestmark = pytest.mark.anyio

LINKS = [f"https://cars.example/{number}.jpg" for number in range(3)]
FORMS = [SandboxOptions(usage_form=form) for form in ("json", "xlsx", "csv")]


async def lose(client: McpClient, world: World, car: Path, kind: FailureKind = "drop_after") -> None:
    """Send a vehicle's first photo, whose answer is lost, while the API answers no free look."""
    for path in ("/getUserCreditDetails", "/imagesStatus", "/getUsage"):
        world.fail_next(path, "soft", times=99)
    world.fail_next("/uploadWithoutTemplateCC", kind)
    await upload(client, car)
    world.failures.clear()


async def links(client: McpClient, *more: str) -> Mapping[str, JsonValue]:
    """Submit the links of a car."""
    arguments = {"clientS3Uris": [*LINKS, *more], "numberPlate": "V-1", "processType": "ai"}
    return structured(await client.call_tool("uploadS3UrlsWithoutTemplate", arguments))


async def doubts(client: McpClient) -> list[JsonValue]:
    listed = structured(await client.call_tool("listBatches", {}))["outcomeUnknown"]
    assert isinstance(listed, list)
    return listed


def of_others(world: World, vehicle: str, *names: str) -> int:
    """A batch that another program has opened with the same key."""
    [only] = world.accounts.values()
    return world.add_pictures(only, vehicle, [(name, StudioJob(b"")) for name in names]).batch_id


def routed(sandbox: Starlette, ending: str, api: ASGIApp) -> ASGIApp:
    """The sandbox, but for what is asked of paths with such an ending."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (api if scope["path"].endswith(ending) else sandbox)(scope, receive, send)

    return app


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions()


@pytest.fixture
def cars(photos: Path) -> list[Path]:
    return sorted((photos / "cars").iterdir())


@pytest.mark.parametrize("sandbox_options", FORMS, ids=lambda options: options.usage_form)
async def test_a_first_photo_whose_answer_is_lost_is_found_in_the_batch_of_its_vehicle(
    client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_after")
    answered = structured(await upload(client, car))
    [only] = world.accounts.values()
    assert (answered["batchID"], await doubts(client), spent(world)) == (str(max(only.batches)), [], 1)


async def test_a_request_of_links_whose_answer_is_lost_is_found(client: McpClient, world: World) -> None:
    world.fail_next("/uploadWithoutTemplateCC-v2", "drop_after")
    answered = await links(client)
    [only] = world.accounts.values()
    assert (answered["batchID"], await doubts(client), spent(world)) == (str(max(only.batches)), [], 3)


async def test_links_of_a_lost_request_that_the_api_did_not_take_stay_in_doubt(
    client: McpClient, world: World
) -> None:
    world.fail_next("/uploadWithoutTemplateCC-v2", "drop_after")
    await links(client, "https://cars.example/?picture=3")
    assert (len(await doubts(client)), spent(world)) == (1, 3)


async def test_a_look_at_usage_saves_nothing(
    connect: Connect, world: World, car: Path, tmp_path: Path
) -> None:
    async with connect() as client:
        world.fail_next("/uploadWithoutTemplateCC", "drop_after")
        await upload(client, car)
    assert list((tmp_path / "results").rglob("usage*")) == []


async def test_a_batch_of_another_vehicle_proves_nothing(client: McpClient, world: World, car: Path) -> None:
    await lose(client, world, car, "drop_before")
    of_others(world, "V-2", car.name)
    await upload(client, car)
    assert (len(await doubts(client)), len(sent(world))) == (1, 1)


async def test_a_batch_that_holds_anything_else_proves_nothing(
    client: McpClient, world: World, car: Path
) -> None:
    await lose(client, world, car, "drop_before")
    of_others(world, "V-1", car.name, "other.jpg")
    await upload(client, car)
    assert (len(await doubts(client)), len(sent(world))) == (1, 1)


async def test_an_older_batch_of_the_vehicle_proves_nothing(
    client: McpClient, world: World, cars: list[Path]
) -> None:
    await upload(client, cars[2], numberPlate="V-3")
    of_others(world, "V-1", cars[0].name)
    await upload(client, cars[1], numberPlate="V-2")
    await lose(client, world, cars[0], "drop_before")
    await upload(client, cars[0])
    assert len(await doubts(client)) == 1


async def test_a_balance_that_never_moved_outweighs_the_name_of_a_batch(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    structured(await client.call_tool("getUserCreditDetails", {}))
    await lose(client, world, car, "drop_before")
    clock.now_s += 60
    structured(await client.call_tool("getUserCreditDetails", {}))
    of_others(world, "V-1", car.name)
    world.fail_next("/getUserCreditDetails", "soft", times=9)
    await upload(client, car)
    assert len(await doubts(client)) == 1


async def test_a_batch_of_others_proves_nothing_where_nothing_was_charged_since(
    client: McpClient, world: World, car: Path
) -> None:
    structured(await client.call_tool("getUserCreditDetails", {}))
    of_others(world, "V-1", car.name)
    structured(await client.call_tool("getUserCreditDetails", {}))
    world.fail_next("/uploadWithoutTemplateCC", "drop_before")
    await upload(client, car)
    assert len(await doubts(client)) == 1


async def test_a_batch_of_others_proves_nothing_where_no_balance_is_known(
    client: McpClient, world: World, car: Path
) -> None:
    await lose(client, world, car, "drop_before")
    of_others(world, "V-1", car.name)
    await upload(client, car)
    assert (len(await doubts(client)), len(sent(world))) == (1, 1)


async def test_a_batch_of_others_proves_nothing_where_they_spent_more(
    client: McpClient, world: World, car: Path
) -> None:
    structured(await client.call_tool("getUserCreditDetails", {}))
    await lose(client, world, car, "drop_before")
    of_others(world, "V-1", car.name)
    of_others(world, "V-2", "other.jpg")
    await upload(client, car)
    assert len(await doubts(client)) == 1


async def test_a_name_of_blanks_without_end_harms_no_later_look(
    connect: Connect, sandbox: Starlette, world: World, car: Path
) -> None:
    usage = ScriptedApi()
    usage.data([{"batchId": 1206, "batchName": f"V{' ' * 1_500_000}-1"}])
    async with connect(api=routed(sandbox, "/getUsage", usage)) as client:
        world.fail_next("/uploadWithoutTemplateCC", "drop_after")
        await upload(client, car)
        assert await doubts(client) == []


@pytest.mark.parametrize("kind", ["401", "soft", "500", "429", "html", "empty", "drop_before", "hang"])
async def test_usage_that_does_not_come_fails_no_call(
    kind: FailureKind, client: McpClient, world: World, car: Path
) -> None:
    await lose(client, world, car)
    world.fail_next("/getUsage", kind, times=9)
    await upload(client, car)
    assert (len(await doubts(client)), len(sent(world))) == (1, 1)


NAMED: list[tuple[JsonValue, dict[str, str]]] = [
    ([{"batchId": 7, "batchName": "AB 1"}], {"7": "AB 1"}),
    ({"data": {"history": [{"Batch ID": "7", "Batch Name": "AB 1", "credits": 3}]}}, {"7": "AB 1"}),
    ([{"id": 7.0, "name": "AB 1"}], {"7": "AB 1"}),
    ([{"batchId": 7, "batchName": "A"}, {"batchId": 7, "batchName": "A"}], {"7": "A"}),
    ([{"batchId": 7, "batchName": "A"}, {"batchId": 7, "batchName": "B"}], {}),
    ([{"batchId": 7, "id": 8, "batchName": "A"}], {}),
    ([{"batchId": "7; DROP", "batchName": "A"}, {"batchId": True, "batchName": "A"}], {}),
    ([{"batchId": one, "batchName": "A"} for one in ("007", "\u0667", -7, 7.5, 1e300, 0, "7.0", "+7")], {}),
    ([{"batchId": 7, "batchName": ""}, {"batchId": 7}, {}, None, 7, [[]]], {}),
    ({}, {}),
    (None, {}),
    ("text", {}),
]


@pytest.mark.parametrize(("usage", "named"), NAMED)
def test_only_a_row_with_one_number_and_one_name_names_a_batch(
    usage: JsonValue, named: dict[str, str]
) -> None:
    assert batches_in_json(usage) == named


def test_a_table_names_batches_by_its_columns() -> None:
    rows: list[list[str | float | None]] = [[7, "AB 1", 3], ["Total", None, 3], [8]]
    assert batches_in_table(["Batch No", "Vehicle Name", "Credits"], rows) == {"7": "AB 1"}
