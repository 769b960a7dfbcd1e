"""When a job is done: from the requests that are still to be made and the pace that the limits allow."""

from collections.abc import Mapping
from typing import Final, cast

from autobg_mcp.text import clock_time
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result
from autobg_mcp.tools import class_of

_TAKES_S: Final = 2.0
"""What the answer to the last request takes, roughly."""


async def done_by(job_id: str, context: Context) -> str:
    """When everything of a job is sent, in words: the clock's time and minutes. Jobs take turns, so all of them count."""
    standing = await context.jobs.book.standing(context.account.id, job_id)
    own = {} if standing is None else standing.requests
    everything = await context.jobs.book.requests(context.account.id)
    seconds = sending_s({tool: everything[tool] for tool in own if tool in everything}, context)
    return clock_time(context.clock.wall_s(), seconds)


def sending_s(requests: Mapping[str, int], context: Context) -> float:
    """Seconds until so many requests of each tool are made: tools have limits of their own and go beside each other."""
    return max(
        (takes_s(count, context.sender.limit(tool, rate_of(tool))) for tool, count in requests.items()),
        default=0.0,
    )


def takes_s(requests: int, limit: Limit) -> float:
    """Seconds that so many requests take one pace apart, the answer to the last included."""
    return requests * limit.window_s / limit.calls + _TAKES_S


def rate_of(tool: str) -> Limit:
    """The limit that a paying tool declares."""
    return cast("type[Endpoint[Result]]", class_of(tool)).rate
