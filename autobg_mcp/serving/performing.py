"""Runs a tool for a host, and puts what comes of it in MCP's terms."""

import logging

import mcp_types as types

from autobg_mcp.api.call import Call
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.approval import InputRequiredError
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.on_demand import ClientOnDemand
from autobg_mcp.serving.presenting import broken, explain, present
from autobg_mcp.tools.offer import Offer, prepared

_log = logging.getLogger(__name__)

Performed = types.CallToolResult | types.InputRequiredResult
"""What a call comes to: a result, which may be an error in words, or a question to put to a person first."""


class Performer:
    """Runs the tools that are offered; every failure is an answer that a model can read.

    Args:
        offer: The tools that are on.
        client: Runs them.
    """

    def __init__(self, offer: Offer, client: ClientOnDemand) -> None:
        self.offer = offer
        self.client = client

    async def perform(self, request: types.CallToolRequestParams, call: Call, door: Door) -> Performed:
        """Run one tool.

        Args:
            request: Its name and its arguments; nothing else of it is read.
            call: What the caller says of it.
            door: Lets the answer out.
        """
        try:
            client = await self.client()
            tool = self.offer.find(request.name)
            result = await client.call(tool.from_arguments(request.arguments or {}), call)
            return await present(tool, result, call, door, client.keep)
        except AutobgError as error:
            return explain(_of_the_whole(error, request.name, call), call, door)
        except InputRequiredError as pending:
            return pending.result
        except Exception as error:  # noqa: BLE001  # a model must hear what a fault may have cost
            known = self.offer.tools.get(request.name)
            _log.exception("%s broke", known and request.name)
            return explain(broken(known, error), call, door)


def _of_the_whole(error: AutobgError, tool: str, call: Call) -> AutobgError:
    """What an error says of a call that another process has begun: that one may have paid before this one met anything."""
    offered = prepared().get(tool)
    if (
        call.begun_at is not None
        and error.spent == "no"
        and offered is not None
        and offered.effect == "spends"
    ):
        error.spent = "unknown"
        error.add_note("Another process began this call: listBatches tells what it has sent.")
    return error
