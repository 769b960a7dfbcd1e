"""The documents' example calls with files that exist, and what a model reads and sees."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import INVALID_PARAMS, CallToolResult, ImageContent, TextContent
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.sandbox import RecordedRequest, World, exchanges

EXCHANGES = exchanges()
ALL_TOOLSETS = "enterprise,custom,workflow,beta"

_PLACEHOLDERS = ("car.jpg", "background.jpg", "side.jpg", "front-rear.jpg", "plate.png", "logo.png")


def arguments_of(tool: str, folder: Path) -> dict[str, JsonValue]:
    """The arguments of a tool's documented example; the files that it names are drawn into `folder`."""
    return {name: _placed(value, folder) for name, value in EXCHANGES[tool].arguments.items()}


def _placed(value: JsonValue, folder: Path) -> JsonValue:
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if value not in _PLACEHOLDERS:
        return value
    path = folder / str(value)
    Image.new("RGB", (64, 48), "red").save(path)
    return str(path)


def received(world: World, tool: str) -> list[RecordedRequest]:
    """The requests of a tool that reached the API, without the free looks beside them."""
    return [request for request in world.requests if request.path == EXCHANGES[tool].request.path]


def text_of(result: CallToolResult) -> str:
    """Everything that a model reads of a result."""
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def structured(result: CallToolResult) -> Mapping[str, JsonValue]:
    """The structured content of a result that is a success."""
    assert not result.is_error, text_of(result)
    content: Mapping[str, JsonValue] | None = result.structured_content
    assert content is not None
    return content


async def refusal_of(host: McpClient, tool: str, arguments: dict[str, JsonValue] | None = None) -> str:
    """The words with which the protocol refuses a tool that is not listed."""
    with pytest.raises(MCPError) as refused:
        await host.call_tool(tool, arguments or {})
    assert refused.value.code == INVALID_PARAMS
    return refused.value.message


def numbers(ids: JsonValue) -> list[int]:
    """Ids of pictures, which are told as texts, as the API has them."""
    assert isinstance(ids, list)
    return [int(str(one)) for one in ids]


def seen(result: CallToolResult, max_bytes: int = 300_000) -> Image.Image:
    """The one picture that a model sees, which is what its MIME type says and has at most so many bytes."""
    assert not result.is_error, text_of(result)
    [shown] = [content for content in result.content if isinstance(content, ImageContent)]
    content = base64.b64decode(shown.data)
    assert len(content) <= max_bytes
    image = Image.open(io.BytesIO(content))
    assert Image.MIME[str(image.format)] == shown.mime_type
    return image
