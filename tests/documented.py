"""The documents' example calls with files that exist, and the text that a model reads."""

from collections.abc import Mapping
from pathlib import Path

from mcp.types import CallToolResult, TextContent
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.sandbox import exchanges

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


def text_of(result: CallToolResult) -> str:
    """Everything that a model reads of a result."""
    return "\n".join(content.text for content in result.content if isinstance(content, TextContent))


def structured(result: CallToolResult) -> Mapping[str, JsonValue]:
    """The structured content of a result that is a success."""
    assert not result.is_error, text_of(result)
    content: Mapping[str, JsonValue] | None = result.structured_content
    assert content is not None
    return content
