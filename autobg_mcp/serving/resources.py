"""What a host can read beside the tools: the budgets of calls, and the jobs."""

import json
from typing import TYPE_CHECKING, Final

import mcp_types as types
from mcp import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from autobg_mcp.api.call import Call
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.on_demand import ClientOnDemand
from autobg_mcp.tools.offer import Offer

if TYPE_CHECKING:
    from pydantic import JsonValue

LIMITS: Final = types.Resource(
    uri="autobg://limits",
    name="limits",
    title="Call limits now",
    description="Every allowance of this key at this moment: used, left, waiting, and whether its gate is closed.",
    mime_type="application/json",
)

JOBS: Final = types.Resource(
    uri="autobg://jobs",
    name="jobs",
    title="Jobs now",
    description="How far the jobs of this key are, and why they wait.",
    mime_type="application/json",
)

RESOURCES: Final = (LIMITS, JOBS)
"""All of them."""


async def read(uri: str, client: ClientOnDemand, offer: Offer, door: Door) -> str:
    """A resource as JSON.

    Raises:
        MCPError: There is no such resource, or it cannot be told; it says why.
    """
    found = {LIMITS.uri: _limits, JOBS.uri: _jobs}.get(uri)
    if found is None:
        raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": door.line(uri)})
    try:
        return json.dumps(door.data(await found(client, offer)), indent=1)
    except AutobgError as error:
        raise MCPError(INTERNAL_ERROR, door.text(error.explanation())) from None


async def _limits(client: ClientOnDemand, offer: Offer) -> "dict[str, JsonValue]":
    from autobg_mcp.tools import ENDPOINTS  # noqa: PLC0415  # loads every tool

    budgets = await (await client()).budgets(tool for tool in ENDPOINTS if tool.tool in offer.tools)
    return {"limits": [*budgets]}


async def _jobs(client: ClientOnDemand, _offer: Offer) -> "dict[str, JsonValue]":
    from autobg_mcp.tools.jobs import GetJobs  # noqa: PLC0415  # a start waits for what it needs

    return (await (await client()).call(GetJobs(), Call(lasts=True))).structured()
