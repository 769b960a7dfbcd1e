"""What a host can read beside the tools: the budgets of calls, the jobs, and batches and pictures as the ledger recalls them."""

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import mcp_types as types
from mcp import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from autobg_mcp.api.call import Call
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.door import MOST_BYTES, Door, size_of
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
"""Those that are always there."""

TEMPLATES: Final = (
    types.ResourceTemplate(
        uri_template="autobg://batches/{batchID}",
        name="batch",
        title="A batch as last known",
        description="Vehicle, template and state of a batch submitted with this key from this machine, and its pictures. Asks the API nothing.",
        mime_type="application/json",
    ),
    types.ResourceTemplate(
        uri_template="autobg://pictures/{picID}",
        name="picture",
        title="A picture's saved files",
        description="Links to the saved results of a picture, its batch, and what became of it since a report. Asks the API nothing.",
        mime_type="application/json",
    ),
)
"""Those that are there once something was submitted. Pictures are links to files: what a resource holds goes to a model as it
stands, at many hosts as text, so that bytes would cost it hundreds of thousands of characters. Tools show pictures."""

_RECALLED: Final = re.compile(r"autobg://(batches|pictures)/([^/?#]{1,200})")


async def read(uri: str, client: ClientOnDemand, offer: Offer, door: Door) -> str:
    """A resource as JSON.

    Raises:
        MCPError: There is no such resource, or it cannot be told; it says why.
    """
    try:
        found = await _found(uri, client, offer)
    except AutobgError as error:
        raise MCPError(INTERNAL_ERROR, door.text(error.explanation())) from None
    if found is None:
        raise MCPError(INVALID_PARAMS, "There is no such resource.", {"uri": door.line(uri)})
    return json.dumps(_bounded(door.fields(found), door), indent=1, ensure_ascii=False)


async def _found(uri: str, client: ClientOnDemand, offer: Offer) -> "dict[str, JsonValue] | None":
    """What a resource holds; None where there is none of that name."""
    if uri == LIMITS.uri:
        return await _limits(client, offer)
    if uri == JOBS.uri:
        return await _jobs(client)
    named = _RECALLED.fullmatch(uri)
    return None if named is None else await _recalled(named[1], unquote(named[2]), client)


async def _recalled(kind: str, its_id: str, client: ClientOnDemand) -> "dict[str, JsonValue] | None":
    from autobg_mcp.tools.recalled import recalled_batch, recalled_picture  # noqa: PLC0415  # a start waits for what it needs

    context = (await client()).context(Call())
    return await (recalled_batch if kind == "batches" else recalled_picture)(its_id, context)


def _bounded(found: "dict[str, JsonValue]", door: Door) -> "dict[str, JsonValue]":
    """The same, cut where it is longer than any answer."""
    if size_of(found) <= MOST_BYTES:
        return found
    return door.cut(found, lambda _whole: "getImageStatus with all tells and saves the whole.")


async def _limits(client: ClientOnDemand, offer: Offer) -> "dict[str, JsonValue]":
    from autobg_mcp.tools import ENDPOINTS  # noqa: PLC0415  # loads every tool

    budgets = await (await client()).budgets(tool for tool in ENDPOINTS if tool.tool in offer.tools)
    return {"limits": [*budgets]}


async def _jobs(client: ClientOnDemand) -> "dict[str, JsonValue]":
    from autobg_mcp.tools.jobs import GetJobs  # noqa: PLC0415  # a start waits for what it needs

    return (await (await client()).call(GetJobs(), Call(lasts=True))).structured()
