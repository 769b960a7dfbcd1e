"""Photos sent through the server, and what of them reached the API."""

from mcp import Client as McpClient
from mcp.shared.dispatcher import ProgressFnT
from mcp.types import CallToolResult
from pydantic import JsonValue

from autobg_mcp.sandbox import World

TOOL = "uploadImagesWithoutTemplate"
PATH = "/public/api/v1/images/uploadWithoutTemplateCC"


def photo_arguments(*images: object, **changes: JsonValue) -> dict[str, JsonValue]:
    """The arguments of an upload, or of a plate replacement, of photos of the vehicle V-1."""
    vehicle: dict[str, JsonValue] = {"numberPlate": "V-1", "numPlateProcessor": 1, "processType": "ai"}
    return vehicle | {"images": [str(image) for image in images]} | changes


async def upload(
    host: McpClient,
    *images: object,
    tool: str = TOOL,
    hear: ProgressFnT | None = None,
    **changes: JsonValue,
) -> CallToolResult:
    return await host.call_tool(tool, photo_arguments(*images, **changes), progress_callback=hear)


def sent(world: World) -> list[str]:
    """The names of the photos that reached the API, in order; every request carried one."""
    requests = [request for request in world.requests if request.path == PATH]
    photos = [[str(part.filename) for part in request.form if part.name == "cc"] for request in requests]
    assert all(len(names) == 1 for names in photos)
    return [names[0] for names in photos]


def spent(world: World) -> int:
    """The credits that all users spent."""
    return sum(account.credits - account.credits_left for account in world.accounts.values())
