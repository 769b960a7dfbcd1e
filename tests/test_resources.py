"""What a host can browse: budgets, jobs, batches and pictures of its own account, as text that a model can read."""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import Connect
from documented import structured
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import TextResourceContents
from PIL import Image
from pydantic import JsonValue
from uploading import upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]


async def read(host: McpClient, uri: str) -> dict[str, JsonValue]:
    [content] = (await host.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    found: dict[str, JsonValue] = json.loads(content.text)
    return found


async def done_batch(host: McpClient, car: Path) -> str:
    batch = str(structured(await upload(host, car))["batchID"])
    await host.call_tool("waitForBatch", {"batchID": batch})
    return batch


@pytest.mark.parametrize("era", ERAS)
async def test_resources_and_templates_are_listed(era: str, connect: Connect) -> None:
    async with connect(era) as host:
        resources = (await host.list_resources()).resources
        templates = (await host.list_resource_templates()).resource_templates
    assert [str(one.uri) for one in resources] == ["autobg://limits", "autobg://jobs"]
    assert [one.uri_template for one in templates] == [
        "autobg://batches/{batchID}",
        "autobg://pictures/{picID}",
    ]
    assert all(one.title and one.description and one.mime_type for one in resources)
    assert all(one.title and one.description and one.mime_type for one in templates)


@pytest.mark.parametrize("era", ERAS)
async def test_a_batch_is_told_with_its_pictures_and_asks_the_api_nothing(
    era: str, connect: Connect, car: Path, world: World
) -> None:
    async with connect(era) as host:
        batch = await done_batch(host, car)
        asked = len(world.requests)
        told = await read(host, f"autobg://batches/{batch}")
    assert (told["batchID"], told["numberPlate"], told["pictures"]) == (batch, "V-1", 1)
    assert told["images"] == [
        {"picID": "512251", "picName": "car-1.jpg", "isProcessed": True, "isFailed": False}
        | {"uri": "autobg://pictures/512251"}
    ]
    assert len(world.requests) == asked


async def test_a_picture_is_a_link_to_the_file_that_was_saved(client: McpClient, car: Path) -> None:
    batch = await done_batch(client, car)
    await client.call_tool("reviewBatch", {"batchID": batch})
    told = await read(client, "autobg://pictures/512251")
    assert isinstance(told["files"], list)
    [file] = told["files"]
    assert isinstance(file, dict)
    assert (told["batchID"], told["picName"], told["original"]) == (batch, "car-1.jpg", str(car))
    assert unquote(urlsplit(str(file["uri"])).path) == file["path"]
    with Image.open(str(file["path"])) as picture:
        assert picture.size == (320, 200)


async def test_before_anything_is_saved_a_picture_says_what_saves_it(client: McpClient, car: Path) -> None:
    await done_batch(client, car)
    told = await read(client, "autobg://pictures/512251")
    assert (told["files"], "reviewBatch saves" in str(told["next"])) == ([], True)


async def test_a_picture_tells_that_it_was_reported(client: McpClient, car: Path) -> None:
    await done_batch(client, car)
    await client.call_tool("reportImages", {"picIDs": ["512251"], "reportReason": ["Logo"]})
    assert str((await read(client, "autobg://pictures/512251"))["sinceReport"]).startswith("reported 20")


@pytest.mark.parametrize("kind", ["batches/{batch}", "pictures/512251"])
async def test_another_account_reads_none_of_it(kind: str, connect: Connect, car: Path) -> None:
    async with connect() as host, connect(api_key="another-key-01") as other:
        uri = "autobg://" + kind.format(batch=await done_batch(host, car))
        assert await read(host, uri)
        with pytest.raises(MCPError, match="no such resource"):
            await read(other, uri)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "uri",
    [
        "autobg://batches/9999",
        "autobg://batches/",
        "autobg://batches/1/2",
        "autobg://pictures/..%2F..%2Fsecret",
        f"autobg://pictures/{'9' * 5000}",
        "autobg://pictures/%00%ff",
        "autobg://nothing",
        "file:///etc/passwd",
    ],
)
async def test_what_is_not_there_is_refused(era: str, uri: str, connect: Connect) -> None:
    async with connect(era) as host:
        with pytest.raises(MCPError, match="no such resource") as refused:
            await host.read_resource(uri)
    assert refused.value.code == -32602


async def test_without_a_key_a_batch_says_what_to_set(connect: Connect) -> None:
    async with connect(api_key="") as host:
        with pytest.raises(MCPError, match="AUTOBG_API_KEY"):
            await host.read_resource("autobg://batches/1004")


async def test_a_link_in_the_place_of_a_saved_file_is_not_told(
    client: McpClient, car: Path, tmp_path: Path
) -> None:
    await client.call_tool("reviewBatch", {"batchID": await done_batch(client, car)})
    [saved] = (tmp_path / "results").rglob("512251_*")
    saved.unlink()
    saved.symlink_to("/etc/passwd")
    assert (await read(client, "autobg://pictures/512251"))["files"] == []
