"""Templates are made once: what would be one too many, half of one or a logo in a guessed place is refused, free of charge."""

from pathlib import Path
from typing import Any

import pytest
from conftest import Connect
from documented import received, structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from uploading import photo_arguments

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

NEW: dict[str, JsonValue] = {"name": "Studio", "background": "background.jpg", "numPlate": False}


async def test_a_name_that_is_taken_is_told_with_its_id_and_makes_no_second_template(
    client: McpClient, world: World
) -> None:
    first = structured(await client.call_tool("createTemplate", NEW))["templateID"]
    text = text_of(await client.call_tool("createTemplate", NEW | {"name": " studio"}))
    assert f"Next: Use templateCC={first}, or call again with another name." in text
    assert len(received(world, "createTemplate")) == 1


async def test_a_look_that_fails_keeps_no_template_from_being_made(connect: Connect, world: World) -> None:
    async with connect(paths="listTemplates=/no/such/path") as host:
        created = structured(await host.call_tool("createTemplate", NEW))
    assert created["note"] == "whether the name was taken before could not be looked at"
    assert len(received(world, "createTemplate")) == 1


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("top right", "TR"),
        ("Upper-Left corner", "TL"),
        ("bottom_right", "BR"),
        ("left, lower", "BL"),
        ("tl", "TL"),
        ("rb", "BR"),
    ],
)
async def test_a_corner_in_words_is_sent_as_its_letters(
    said: str, sent: str, client: McpClient, world: World
) -> None:
    structured(await client.call_tool("createTemplate", NEW | {"bAlignment": said}))
    [request] = received(world, "createTemplate")
    assert [part.text for part in request.form if part.name == "bAlignment"] == [sent]


async def test_both_views_together_are_taken(client: McpClient, world: World) -> None:
    views = dict.fromkeys(("side", "frontRear"), "background.jpg")
    structured(await client.call_tool("createTemplate", NEW | views))
    assert len(received(world, "createTemplate")) == 1


async def test_a_plan_without_credits_does_not_lead_to_sending(
    client: McpClient, world: World, car: Path
) -> None:
    await client.call_tool("getUserCreditDetails", {})
    [account] = world.accounts.values()
    account.credits = 0
    await client.call_tool("getUserCreditDetails", {})
    told: Any = structured(
        await client.call_tool("uploadImagesWithoutTemplate", photo_arguments(car, dryRun=True))
    )
    assert told["next"] == "Tell the user that credits are used up"
    assert (
        told["plan"][1]
        == "up to 1 credit. 0 credits are left, 1 too few, at one credit a picture (inferred)."
    )


@pytest.mark.parametrize("tool", ["getImageStatus", "waitForBatch", "reviewBatch", "sendImagesForQA"])
async def test_a_picture_or_a_vehicle_in_a_batchs_place_is_told_as_such(
    tool: str, client: McpClient, car: Path
) -> None:
    batch = structured(await client.call_tool("uploadImagesWithoutTemplate", photo_arguments(car)))["batchID"]
    every: Any = structured(await client.call_tool("getImageStatus", {"batchID": batch, "all": True}))
    picture = every["images"][0]["picID"]
    told = text_of(await client.call_tool(tool, {"batchID": picture}))
    assert f"{picture}: known here as a picID, of batch {batch}, not a batchID." in told
    told = text_of(await client.call_tool(tool, {"batchID": "V-1"}))
    assert f"V-1: known here as a vehicle, not a batchID; batches: {batch}." in told
