"""The vendor's library: its backdrops are listed by default, and become backgrounds of templates."""

from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue
from scripted_api import ScriptedApi

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


async def first_link(host: McpClient) -> str:
    """The link of the first backdrop, as a model reads it."""
    backdrops = structured(await host.call_tool("listLibraryTemplates", {}))["backdrops"]
    assert isinstance(backdrops, list)
    assert isinstance(backdrops[0], dict)
    return str(backdrops[0]["templateImage"])


async def create(host: McpClient, **pictures: JsonValue) -> CallToolResult:
    return await host.call_tool("createTemplate", {"name": "Studio", "numPlate": False} | pictures)


def uploaded(world: World) -> list[tuple[str, str | None, str | None]]:
    """The files that reached the API, each by field, name and kind."""
    return [
        (part.name, part.filename, part.content_type) for part in world.requests[-1].form if part.filename
    ]


async def test_the_library_is_listed_by_default_without_signatures(client: McpClient) -> None:
    assert await first_link(client) == "http://localhost/_sandbox/library/1.jpg"


async def test_what_follows_the_list_is_a_template_with_a_picture_of_it(client: McpClient) -> None:
    listing = structured(await client.call_tool("listLibraryTemplates", {}))
    assert listing["next"] == "createTemplate with a picture's link as background"


async def test_a_backdrop_becomes_the_background_of_a_template(client: McpClient, world: World) -> None:
    created = structured(await create(client, background=await first_link(client)))
    assert created["templateID"]
    assert uploaded(world) == [("background", "1.jpg", "image/jpeg")]


async def test_a_backdrop_and_local_pictures_go_together(
    client: McpClient, world: World, photos: Path
) -> None:
    link = await first_link(client)
    structured(await create(client, background=str(photos / "background.jpg"), side=link, frontRear=link))
    assert sorted(uploaded(world)) == [
        ("background", "background.jpg", "image/jpeg"),
        ("frontRear", "1.jpg", "image/jpeg"),
        ("side", "1.jpg", "image/jpeg"),
    ]


async def test_a_link_that_was_read_long_ago_still_finds_its_backdrop(
    client: McpClient, clock: Clock
) -> None:
    link = f"{await first_link(client)}?Expires={int(clock.now_s)}&Signature=old"
    clock.now_s += 3600
    assert not (await create(client, background=link)).is_error


@pytest.mark.parametrize(
    "link",
    [
        "https://cars.example/background.jpg",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/_sandbox/library/9.jpg",
    ],
)
async def test_a_link_that_is_not_the_librarys_is_not_fetched(
    link: str, client: McpClient, world: World
) -> None:
    text = text_of(await create(client, background=link))
    assert "is no link that listLibraryTemplates tells; others are not fetched." in text
    assert "name its path" in text
    assert [request.path.rpartition("/")[2] for request in world.requests] == ["list", "library"]


async def test_a_backdrop_that_cannot_be_fetched_is_asked_for_by_hand(connect: Connect) -> None:
    api = ScriptedApi()
    api.data([{"picture": "http://127.0.0.1/backdrop.jpg"}])
    async with connect(api=api) as host:
        text = text_of(await create(host, background="http://127.0.0.1/backdrop.jpg"))
    assert "is not an https link" in text
    assert "Next: Ask the user to save the backdrop's picture in a folder of AUTOBG_IMAGE_DIRS" in text
    assert api.requests == len(["templates/list", "templates/library"])


async def test_a_library_without_links_names_no_next_step(connect: Connect) -> None:
    api = ScriptedApi()
    api.data([{"id": 1, "name": "White studio"}])
    async with connect(api=api) as host:
        assert "next" not in structured(await host.call_tool("listLibraryTemplates", {}))
