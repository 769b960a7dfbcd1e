"""A tool as MCP lists it: what `tools/listing.json` is written from when the package is built."""

import mcp_types as types
from pydantic import JsonValue

from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result, Tool


def listed(tool: type[Tool[Result]]) -> dict[str, JsonValue]:
    """The tool as a host lists it to a model."""
    listed = types.Tool(
        name=tool.tool,
        title=tool.title,
        description=tool.description(),
        input_schema=tool.input_schema(),
        output_schema=tool.output_schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.effect == "reads",
            destructive_hint=False,
            idempotent_hint=tool.idempotent or tool.effect in ("reads", "saves"),
            open_world_hint=True,
        ),
    )
    shown: dict[str, JsonValue] = listed.model_dump(mode="json", by_alias=True, exclude_none=True)
    return shown


def prepare(tool: type[Tool[Result]]) -> dict[str, JsonValue]:
    """All that a server must know of a tool before anybody calls it."""
    fields: list[JsonValue] | None = [*tool.wire_names()] if issubclass(tool, Endpoint) else None
    return {"toolset": tool.toolset, "effect": tool.effect, "fields": fields, "listed": listed(tool)}
