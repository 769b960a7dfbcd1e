"""What a host gets of a call: a result as content, an error as an explanation, each through the door out."""

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio.to_thread
import mcp_types as types

from autobg_mcp.api.call import Call
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.door import MOST_BASE64_CHARS, MOST_BYTES, Door, size_of
from autobg_mcp.tools.offer import Offered

if TYPE_CHECKING:
    from pydantic import JsonValue

    from autobg_mcp.toolkit.tool import PictureResult, Result, Tool

Keep = Callable[[bytes, str], str]
"""Saves what is too long for an answer, under a name, and answers where it is. It may block."""


async def present(
    tool: "type[Tool[Result]]", result: "Result", call: Call, door: Door, keep: Keep
) -> types.CallToolResult:
    """A result as a model reads it: text, pictures or structured content, and what the call waited for.

    Workflow tools, which make many calls, also say in words what is left of the allowances they used: some hosts keep
    `_meta` from the model.
    """
    from autobg_mcp.toolkit.tool import PictureResult  # noqa: PLC0415  # loaded with the first tool

    allowance: dict[str, JsonValue] = {}
    if tool.toolset == "workflow" and call.allowances.left:
        allowance["allowance"] = _allowance(call)
    if isinstance(result, PictureResult):
        return types.CallToolResult(content=_shown(result, allowance, door), _meta=_meta(call, door))
    whole = result.structured() | allowance
    if size_of(whole) > MOST_BYTES:
        told = await anyio.to_thread.run_sync(door.cut, whole, lambda content: keep(content, tool.tool))
    else:
        told = door.fields(whole)
    text = types.TextContent(type="text", text=json.dumps(told, ensure_ascii=False))
    return types.CallToolResult(content=[text], structured_content=told, _meta=_meta(call, door))


def _shown(
    result: "PictureResult", allowance: dict[str, "JsonValue"], door: Door
) -> list[types.ContentBlock]:
    """The words and the pictures, as many as an answer may carry."""
    coded = [base64.b64encode(picture).decode() for picture in result.pictures]
    lines = [result.text(), *map(str, allowance.values())]
    while sum(map(len, coded)) > MOST_BASE64_CHARS:
        coded.pop()
        lines.append(f"Picture {len(coded) + 1} is not shown: the pictures before it fill the answer.")
    images = [types.ImageContent(type="image", data=data, mime_type="image/jpeg") for data in coded]
    return [types.TextContent(type="text", text=door.text("\n".join(lines))), *images]


def _allowance(call: Call) -> str:
    waited = f"Waited {call.allowances.waited_s:.0f} s. " if call.allowances.waited_s >= 1 else ""
    return (
        f"{waited}Calls left: {', '.join(f'{name} {count}' for name, count in call.allowances.left.items())}."
    )


def explain(error: AutobgError, call: Call, door: Door) -> types.CallToolResult:
    """An error as a model reads it."""
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=door.text(error.explanation()))]
    return types.CallToolResult(content=content, is_error=True, _meta=_meta(call, door))


def broken(tool: Offered | None, error: Exception) -> AutobgError:
    """What a fault of this server's own means for the caller."""
    changes = tool is not None and tool.effect not in ("reads", "saves")
    return AutobgError(
        f"This server has a fault ({type(error).__name__}); its log says more.",
        spent="unknown" if tool is not None and tool.effect == "spends" else "no",
        repeatable=not changes,
        next_step="Call listBatches to see what was recorded." if changes else "Tell the user.",
    )


def _meta(call: Call, door: Door) -> dict[str, "JsonValue"]:
    """How long a call waited for its slots, and what is left of each allowance it used."""
    return door.fields(
        {"autobg/waitedS": round(call.allowances.waited_s, 1), "autobg/callsLeft": dict(call.allowances.left)}
    )
