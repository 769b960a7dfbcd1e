"""Completes what a person types at the host: templates by name, batches and pictures from the ledger, and what is listed anyway."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, get_args

import mcp_types as types
from mcp import MCPError
from mcp_types import INVALID_PARAMS

from autobg_mcp.api.call import Call
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.on_demand import ClientOnDemand
from autobg_mcp.serving.prompts import Prompts
from autobg_mcp.serving.resources import TEMPLATES

if TYPE_CHECKING:
    from autobg_mcp.toolkit.context import Context

MOST_VALUES: Final = 100
"""The most values of one completion; MCP's own bound."""

_LONGEST_TYPED_CHARS: Final = 200
_SPANS: Final = ("today", "yesterday", "last 7 days", "this week", "last week", "this month", "last month")

Recall = Callable[[str, int, "Context"], Awaitable[list[str]]]
"""What the ledger knows that fits a text, so many at most."""


async def complete(
    params: types.CompleteRequestParams, prompts: Prompts, client: ClientOnDemand, door: Door
) -> types.Completion:
    """What fits what was typed so far; nothing where there is no key, or nothing is known yet.

    Raises:
        MCPError: There is no such prompt or resource template.
    """
    _check(params.ref, prompts, door)
    typed = params.argument.value.strip()[:_LONGEST_TYPED_CHARS]
    listed = _listed(params.argument.name)
    if listed is not None:
        found = [one for one in listed if typed.casefold() in one.casefold()]
    else:
        found = await _recalled(params.argument.name, typed, client)
    return types.Completion(
        values=list(map(door.line, found[:MOST_VALUES])), has_more=len(found) > MOST_VALUES
    )


def _check(
    ref: types.PromptReference | types.ResourceTemplateReference, prompts: Prompts, door: Door
) -> None:
    """A reference to what does not exist is refused, as the protocol has it."""
    if isinstance(ref, types.PromptReference):
        prompts.find(ref.name, door)
    elif ref.uri not in {template.uri_template for template in TEMPLATES}:
        raise MCPError(INVALID_PARAMS, "There is no such resource template.")


def _listed(argument: str) -> tuple[str, ...] | None:
    """The values of an argument that has a known few; None for any other."""
    if argument == "since":
        return _SPANS
    if argument == "reportReason":
        from autobg_mcp.tools.fields import ReportReason  # noqa: PLC0415  # a start waits for what it needs

        return get_args(ReportReason)
    if argument == "period":
        from autobg_mcp.tools.account import ReportOption  # noqa: PLC0415  # as above

        return get_args(ReportOption)
    return None


async def _recalled(argument: str, typed: str, client: ClientOnDemand) -> list[str]:
    from autobg_mcp.tools import recalled  # noqa: PLC0415  # a start waits for what it needs

    sources: dict[str, Recall] = {
        "template": recalled.known_templates,
        "batchID": recalled.known_batch_ids,
        "picID": recalled.known_pic_ids,
    }
    if (source := sources.get(argument)) is None:
        return []
    try:
        return await source(typed, MOST_VALUES + 1, (await client()).context(Call()))
    except AutobgError:  # no key, or no ledger: the person types on, and the call says why
        return []
