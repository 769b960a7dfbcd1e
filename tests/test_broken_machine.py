"""What is wrong with this machine is told as that, and the photos before it are not lost."""

from pathlib import Path

import pytest
from conftest import Connect
from documented import structured, text_of
from mcp import Client as McpClient

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

UPLOAD = {"numberPlate": "V-1", "numPlateProcessor": 1, "processType": "ai"}


async def uploaded(host: McpClient, *photos: Path) -> str:
    """The batch that photos are in now."""
    arguments = UPLOAD | {"images": [str(photo) for photo in photos]}
    return str(structured(await host.call_tool("replaceNumPlate", arguments))["batchID"])


async def test_a_damaged_ledger_is_told_as_such_where_several_pictures_meet_it_at_once(
    connect: Connect, world: World, photos: Path, tmp_path: Path
) -> None:
    async with connect() as host:
        batch_id = await uploaded(host, photos / "cars" / "car-1.jpg", photos / "cars" / "car-2.jpg")
        world.advance(2)
    for file in (tmp_path / "state").glob("ledger*"):
        file.write_bytes(b"no database" * 1000)
    async with connect() as host:
        text = text_of(await host.call_tool("reviewBatch", {"batchID": batch_id}))
    assert "ledger.sqlite3" in text
    assert "fault" not in text
