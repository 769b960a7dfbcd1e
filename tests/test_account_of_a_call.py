"""Whose credits a call spends: told once, when it begins."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import KEY, Connect
from documented import structured
from mcp import Client as McpClient

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio

NEW_KEY = "rotated-key-9876543210"


async def upload(client: McpClient, photos: Path, rotate: Path | None = None) -> None:
    async def heard(progress: float, total: float | None, message: str | None) -> None:
        if rotate is not None and "Photo 2" in str(message):
            await anyio.Path(rotate).write_text(NEW_KEY)

    arguments = {"images": [str(photos)], "numberPlate": "V", "numPlateProcessor": 0, "processType": "ai"}
    structured(await client.call_tool("uploadImagesWithoutTemplate", arguments, progress_callback=heard))


async def test_a_key_that_is_rotated_in_the_middle_of_a_call_holds_from_the_next_call_on(
    connect: Connect, world: World, photos: Path, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    await anyio.Path(key_file).write_text(KEY)
    async with connect(api_key=None, api_key_file=key_file) as client:
        await upload(client, photos / "cars", rotate=key_file)
        assert [account.credits_left for account in world.accounts.values()] == [97]
        structured(await client.call_tool("getUserCreditDetails", {}))
    assert len(world.accounts) == 2


async def test_what_one_key_submitted_is_no_repeat_for_another(
    connect: Connect, world: World, photos: Path
) -> None:
    for key in (KEY, NEW_KEY):
        async with connect(api_key=key) as client:
            await upload(client, photos / "cars")
    assert [account.credits_left for account in world.accounts.values()] == [97, 97]


async def test_a_key_file_is_read_once_in_a_call(
    connect: Connect, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file, reads = tmp_path / "key", list[Path]()
    await anyio.Path(key_file).write_text(KEY)
    opened = Path.open

    def counted(path: Path, *arguments: Any, **options: Any) -> Any:
        reads.extend([path] if path == key_file else [])
        return opened(path, *arguments, **options)

    async with connect(api_key=None, api_key_file=key_file) as client:
        monkeypatch.setattr(Path, "open", counted)
        await upload(client, photos / "cars")
    assert len(reads) == 1
