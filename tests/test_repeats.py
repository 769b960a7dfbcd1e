"""Photos that were paid before: recognised without being read, unless they may have changed."""

import os
from pathlib import Path

import pytest
from conftest import Connect
from documented import structured
from mcp import Client as McpClient
from pydantic import JsonValue
from uploading import TOOL, photo_arguments, sent

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def car(photos: Path) -> Path:
    return photos / "cars" / "car-1.jpg"


@pytest.fixture
def another(photos: Path) -> bytes:
    """The bytes of another photo."""
    return (photos / "cars" / "car-2.jpg").read_bytes()


def rewrite(file: Path, content: bytes | None = None, *, unseen: bool) -> None:
    """Give a file other bytes, zeros by default; `unseen` leaves its time as it was."""
    before = file.stat()
    file.write_bytes(bytes(before.st_size) if content is None else content)
    moment_ns = before.st_mtime_ns + (0 if unseen else 1)
    os.utime(file, ns=(moment_ns, moment_ns))


async def notes(client: McpClient, *images: Path, **changes: JsonValue) -> str:
    result = await client.call_tool(TOOL, photo_arguments(*images, **changes))
    return str(structured(result).get("note"))


async def test_a_photo_that_was_paid_before_is_not_read_again(
    client: McpClient, world: World, car: Path
) -> None:
    await notes(client, car)
    rewrite(car, unseen=True)
    assert "1 of 1 not sent again" in await notes(client, car)
    assert len(sent(world)) == 1


async def test_a_photo_with_another_time_is_read_again(
    client: McpClient, world: World, car: Path, another: bytes
) -> None:
    await notes(client, car)
    rewrite(car, another, unseen=False)
    assert await notes(client, car) == "None"
    assert len(sent(world)) == 2


async def test_another_vehicle_is_no_repeat(client: McpClient, world: World, car: Path) -> None:
    await notes(client, car)
    assert await notes(client, car, numberPlate="another") == "None"
    assert len(sent(world)) == 2


async def test_a_repeat_that_is_wanted_reads_the_photo_and_pays(
    connect: Connect, world: World, car: Path
) -> None:
    async with connect(approve="nothing") as client:
        await notes(client, car)
        await notes(client, car, allowDuplicate=True)
    assert [account.credits_left for account in world.accounts.values()] == [98]


async def test_another_process_knows_the_photos_too(connect: Connect, world: World, car: Path) -> None:
    for _ in range(2):
        async with connect() as client:
            await notes(client, car.parent)
        rewrite(car, unseen=True)
    assert len(sent(world)) == 3


FULL_WIDTH = "\uff21\uff22\uff0d\uff11\uff12\uff13"


@pytest.mark.parametrize(
    "spelt",
    [
        "ab-123",
        "AB 123",
        "AB123",
        "ab\u2013123",
        "AB\u2011123",
        "AB\u202f123",
        "AB\xa0123",
        FULL_WIDTH,
        " Ab - 123 ",
    ],
)
async def test_a_vehicle_in_another_spelling_is_the_same_and_its_id_then_is_told(
    spelt: str, client: McpClient, world: World, car: Path
) -> None:
    await notes(client, car, numberPlate="AB-123")
    told = await notes(client, car, numberPlate=spelt)
    assert told.endswith("the same photo was paid for as vehicle “AB-123”")
    assert len(sent(world)) == 1


@pytest.mark.parametrize("another", ["AB-124", "AB-1230", "AB.123", "BA-123"])
async def test_a_vehicle_of_other_letters_or_digits_is_another(
    another: str, client: McpClient, world: World, car: Path
) -> None:
    await notes(client, car, numberPlate="AB-123")
    assert await notes(client, car, numberPlate=another) == "None"
    assert len(sent(world)) == 2
