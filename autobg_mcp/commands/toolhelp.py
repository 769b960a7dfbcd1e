"""What a tool takes, for a person at a terminal: each argument by its schema, and a call that can be typed."""

import shlex
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from autobg_mcp.tools.offer import Offered, meant_by, prepared, unknown

Schema = Mapping[str, Any]
"""A JSON schema as it is listed."""

_NAMED: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
}
_VALUES: Final[dict[str, str | list[str]]] = {
    "images": ["photos/front.jpg", "photos/rear.jpg"],
    "numberPlate": "AB-123",
    "templateCC": "136",
    "processType": "ai",
    "numPlateProcessor": "1",
    "clientS3Uris": "https://bucket.s3.amazonaws.com/front.jpg",
    "background": "branding/background.jpg",
    "numPlate": "true",
    "name": "Showroom",
    "batchID": "1206",
    "picID": "512251",
    "picIDs": ["512251", "512252"],
    "reportReason": "Bad clipping",
    "reportOption": "Last 7 days",
    "job": "j-7k2mq9xd",
    "folder": "photos",
    "since": "last 7 days",
    "pictures": "40",
    "find": "showroom",
}
"""What stands in examples, by argument."""

_OWN_VALUES: Final[dict[tuple[str, str], str]] = {
    ("createTemplate", "brandLogo"): "branding/logo.png",
    ("uploadImagesWithDynamicBranding", "brandLogo"): "branding/logo.png",
    ("uploadS3UrlsWithDynamicBranding", "brandLogo"): "https://bucket.s3.amazonaws.com/logo.png",
}
_SHOWN: Final = {
    "listTemplates": ("find",),
    "getUserUsage": ("reportOption",),
    "downloadProcessedImages": ("batchID",),
    "sendImagesForQA": ("picIDs",),
    "processVehicles": ("folder",),
    "listBatches": ("since",),
    "getCreditSummary": ("pictures",),
}
"""What examples of tools show that require nothing."""

_OBJECTS: Final = {
    "reportManyImages": '{"reports": [{"picID": 512251, "reportReason": ["Bad clipping"], "reportComment": "Mirror cut off."}]}'
}


def told(name: str) -> str:
    """What a person is told of a tool.

    Raises:
        ArgumentsRefusedError: There is none of that name.
    """
    tool_name = meant_by(name)
    if tool_name is None:
        raise unknown(name, prepared())
    tool = prepared()[tool_name]
    width = min(100, shutil.get_terminal_size().columns)
    described = textwrap.fill(str(tool.listed["description"]), width)
    usage = f"usage: autobg-mcp call {tool_name} [--sandbox] [--yes] [name=value …] [--args JSON]"
    lines = [usage, "", described, "", *_arguments(tool, width), "", "example:", f"  {example(tool_name)}"]
    return "\n".join([*lines, *_hints(tool)])


def example(tool: str) -> str:
    """A call of a tool as it can be typed into a shell."""
    if tool in _OBJECTS:
        return f"autobg-mcp call {tool} --args {shlex.quote(_OBJECTS[tool])}"
    schema = _schema(prepared()[tool])
    shown: Sequence[str] = schema["required"] if "required" in schema else _SHOWN.get(tool, ())
    pairs = [f"{name}={shlex.quote(value)}" for name in shown for value in _values(tool, name)]
    return " ".join(["autobg-mcp call", tool, *pairs])


def _schema(tool: Offered) -> Schema:
    return cast("Schema", tool.listed["inputSchema"])  # which we wrote


def _values(tool: str, name: str) -> list[str]:
    value = _OWN_VALUES.get((tool, name)) or _VALUES[name]
    return value if isinstance(value, list) else [value]


def _hints(tool: Offered) -> Iterator[str]:
    schema = _schema(tool)
    lists = [of["items"]["type"] for of in schema["properties"].values() if of["type"] == "array"]
    if set(lists) - {"object"}:
        yield "  A name that comes again makes a list."
    if tool.effect == "spends":
        yield "  It spends credits. With --sandbox it costs nothing" + (
            "; with dryRun=true it plans and sends nothing." if "dryRun" in schema["properties"] else "."
        )


def _arguments(tool: Offered, width: int) -> Iterator[str]:
    """Each argument: its name, what it takes, whether it is required, and what it means; the required ones first."""
    schema = _schema(tool)
    properties: dict[str, Schema] = schema["properties"]
    required = schema.get("required", [])
    yield "arguments:" if properties else "It takes no arguments."
    column = max(map(len, properties), default=0) + 4
    for name in sorted(properties, key=lambda name: name not in required):
        of = properties[name]
        needed = ", required" if name in required else _default(of)
        words = f"{_kind(of)}{needed}. {of.get('description', '')}".strip()
        yield textwrap.fill(
            words, width, initial_indent=f"  {name:<{column - 2}}", subsequent_indent=" " * column
        )


def _default(of: Schema) -> str:
    return f", else {of['default']}" if "default" in of else ""


def _kind(of: Schema) -> str:
    """What a value is, in words."""
    if "enum" in of:
        return "one of " + ", ".join(map(str, of["enum"]))
    if of["type"] == "array":
        most = f", at most {of['maxItems']}" if "maxItems" in of else ""
        return f"list{most}, each: {_kind(of['items'])}"
    if of["type"] == "object":
        return "object of " + ", ".join(of["properties"])
    if "minimum" in of and "maximum" in of:
        return f"{_NAMED[of['type']]} from {of['minimum']} to {of['maximum']}"
    return _NAMED[of["type"]]
