"""An id in another one's place: what is known of it here is said."""

from collections.abc import Callable
from pathlib import Path

import pytest
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from uploading import upload

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("getImagesRaw", lambda batch: {"picID": batch}),
        ("getImagesBase64", lambda batch: {"picID": str(batch)}),
        ("reportImages", lambda batch: {"picIDs": [batch], "reportReason": "Logo"}),
    ],
)
async def test_a_batch_in_a_pictures_place_is_told_as_such(
    tool: str, arguments: Callable[[object], dict[str, JsonValue]], client: McpClient, car: Path
) -> None:
    batch = structured(await upload(client, car))["batchID"]
    text = text_of(await client.call_tool(tool, arguments(batch)))
    assert f"{batch}: known here as a batchID, not a picID; getImageStatus with it tells the picIDs." in text


async def test_an_id_that_nothing_is_known_of_is_refused_without_a_guess(client: McpClient) -> None:
    text = text_of(await client.call_tool("getImagesRaw", {"picID": 999_999}))
    assert "the API does not have it" in text
    assert "batchID" not in text
