"""Small things that cost money: proxies, spellings, words in refusals, results among photos, doubtful evidence."""

import shutil
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import anyio
import anyio.abc
import pytest
from conftest import KEY, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi
from uploading import spent, upload

from autobg_mcp.client import Client
from autobg_mcp.errors import ConnectionFailedError
from autobg_mcp.sandbox import World
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import MemoryThrottle
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate

pytestmark = pytest.mark.anyio

PATH = "/uploadWithoutTemplateCC"


async def links(client: McpClient, *uris: str) -> Mapping[str, JsonValue]:
    arguments: dict[str, JsonValue] = {"numberPlate": "V", "processType": "ai", "clientS3Uris": list(uris)}
    return structured(await client.call_tool("uploadS3UrlsWithoutTemplate", arguments))


async def test_one_link_in_several_spellings_is_paid_for_once(client: McpClient, world: World) -> None:
    await links(client, "https://cars.example/a.jpg")
    again = await links(client, "https://CARS.example:443/%61.jpg#top")
    assert "not sent again" in str(again["note"])
    assert spent(world) == 1


async def test_a_signature_in_a_link_is_not_written_down(client: McpClient) -> None:
    await links(client, "https://cars.example/front.jpg?signature=SECRET/abc")
    assert "SECRET" not in text_of(await client.call_tool("listBatches", {}))


async def test_results_are_never_found_as_photos(connect: Connect, photos: Path, world: World) -> None:
    results = photos / "autobg-output"
    async with connect(output_dir=results) as client:
        await upload(client, photos / "cars")
        shutil.copytree(photos / "cars", results / "1206")
        await upload(client, "**/car-*.jpg")
    assert spent(world) == 3


async def test_a_rest_that_waits_is_sent_by_the_same_call(connect: Connect, photos: Path) -> None:
    async with connect(rate_limits="*=2/60s", max_wait_s=1) as client:
        result = structured(await upload(client, photos / "cars"))
    assert "s make the same call again within 24 h: what was accepted is not sent twice" in str(
        result["next"]
    )


@pytest.mark.parametrize(
    "said", ["worker not authorized for queue", "upstream rate limit", "too many requests"]
)
async def test_a_fault_of_the_api_may_have_cost_credits_whatever_it_says(
    said: str, connect: Connect, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = ScriptedApi()
    api.says(b'{"status": false, "message": "%s"}' % said.encode(), status=500)
    settings = Settings.load(
        api_key=KEY, base_url="https://api", image_dirs=(photos,), state_dir=photos.parent / "state"
    )
    async with Client(settings, app=api, throttle=MemoryThrottle()) as client:
        with pytest.raises(Exception, match="the API failed") as failed:
            await client.call(one_photo(photos))
    uploads = [one for one in api.received if one.get("content-type", "").startswith("multipart/")]
    assert (failed.value.spent, len(uploads)) == ("unknown", 1)  # type: ignore[attr-defined]


def one_photo(photos: Path) -> UploadImagesWithoutTemplate:
    return UploadImagesWithoutTemplate(
        images=[str(photos / "cars" / "car-1.jpg")], numberPlate="V", numPlateProcessor=1, processType="ai"
    )


async def test_of_two_lost_photos_of_one_name_neither_is_settled_while_one_is_seen(
    client: McpClient, photos: Path, world: World
) -> None:
    for folder, kind in (("one", "drop_before"), ("two", "drop_after")):
        (photos / folder).mkdir()
        shutil.copy(
            photos / "cars" / ("car-1.jpg" if folder == "one" else "car-2.jpg"), photos / folder / "front.jpg"
        )
        world.fail_next(PATH, "drop_before" if kind == "drop_before" else "drop_after")
        await upload(client, photos / folder / "front.jpg")
    accepted = structured(await upload(client, photos / "cars" / "car-3.jpg"))
    await client.call_tool("getImageStatus", {"batchID": str(accepted["batchID"])})
    lost = structured(await client.call_tool("listBatches", {}))["outcomeUnknown"]
    assert isinstance(lost, list)
    assert len(lost) == 2


@pytest.mark.parametrize("name", ["Screenshot 9.41\u202fAM.jpg", "two  blanks.jpg", "car\u2764\ufe0f.jpg"])
async def test_a_lost_photo_of_any_name_is_settled_when_it_is_seen(
    name: str, client: McpClient, photos: Path, world: World
) -> None:
    accepted = structured(await upload(client, photos / "cars" / "car-2.jpg"))
    shutil.copy(photos / "cars" / "car-1.jpg", photos / name)
    world.fail_next(PATH, "drop_after")
    await upload(client, photos / name)
    await client.call_tool("getImageStatus", {"batchID": str(accepted["batchID"])})
    assert structured(await client.call_tool("listBatches", {}))["outcomeUnknown"] == []


async def test_a_batch_opened_by_qa_is_listed(client: McpClient, photos: Path, world: World) -> None:
    batch = str(structured(await upload(client, photos / "cars"))["batchID"])
    status = structured(await client.call_tool("waitForBatch", {"batchID": batch, "all": True}))
    assert isinstance(status["images"], list)
    ids: list[JsonValue] = [image["picID"] for image in status["images"] if isinstance(image, dict)]
    redone = structured(await client.call_tool("sendImagesForQA", {"picIDs": ids}))
    listed = text_of(await client.call_tool("listBatches", {}))
    assert str(redone["batchID"]) in listed
    assert spent(world) == 3


async def test_after_a_report_a_wait_does_not_answer_what_was_seen_before(
    client: McpClient, photos: Path, world: World
) -> None:
    batch = str(structured(await upload(client, photos / "cars"))["batchID"])
    status = structured(await client.call_tool("waitForBatch", {"batchID": batch, "all": True}))
    assert isinstance(status["images"], list)
    first = status["images"][0]
    assert isinstance(first, dict)
    await client.call_tool("reportImages", {"picIDs": [first["picID"]], "reportReason": ["Logo"]})
    seen = structured(await client.call_tool("waitForBatch", {"batchID": batch, "waitSeconds": 0}))
    assert seen["pending"] == 1


async def test_after_a_report_the_list_still_tells_what_was_last_seen(
    client: McpClient, photos: Path, world: World
) -> None:
    batch = str(structured(await upload(client, photos / "cars"))["batchID"])
    world.advance(10)
    status = structured(await client.call_tool("getImageStatus", {"batchID": batch, "all": True}))
    assert isinstance(status["images"], list)
    first = status["images"][0]
    assert isinstance(first, dict)
    await client.call_tool("reportImages", {"picIDs": [first["picID"]], "reportReason": ["Logo"]})
    assert "3 done, 0 failed, 0 pending" in text_of(await client.call_tool("listBatches", {}))


async def test_an_answer_without_a_batch_number_leaves_the_outcome_unknown(
    photos: Path, tmp_path: Path
) -> None:
    api = ScriptedApi()
    api.data({"batchID": "", "images": []})
    settings = Settings.load(
        api_key=KEY, base_url="https://api", image_dirs=(photos,), state_dir=tmp_path / "s"
    )
    async with Client(settings, app=api, throttle=MemoryThrottle()) as client:
        with pytest.raises(Exception, match="another shape") as failed:
            await client.call(one_photo(photos))
    assert failed.value.spent == "unknown"  # type: ignore[attr-defined]


@pytest.fixture
async def refusing_proxy() -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A proxy that opens no tunnel, and the first line of each request it got."""
    asked: list[bytes] = []

    async def refuse(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            asked.append((await stream.receive()).split(b"\r\n")[0])
            await stream.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, refuse)
        yield f"http://127.0.0.1:{port}", asked
        group.cancel_scope.cancel()


async def test_a_proxy_that_opens_no_tunnel_is_a_connection_that_failed_and_costs_nothing(
    refusing_proxy: tuple[str, list[bytes]], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = refusing_proxy
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv("https_proxy", address)
    settings = Settings.load(
        api_key=KEY, base_url="https://api.example/v1", image_dirs=(photos,), state_dir=tmp_path / "s"
    )
    async with Client(settings, throttle=MemoryThrottle()) as client:
        with pytest.raises(ConnectionFailedError) as failed:
            await client.call(one_photo(photos))
    assert (failed.value.spent, failed.value.repeatable) == ("no", True)
    assert set(asked) == {b"CONNECT api.example:443 HTTP/1.1"}
