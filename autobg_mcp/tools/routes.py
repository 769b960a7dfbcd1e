"""How long it takes to send photos: each tool has a budget of its own, so files and links go side by side."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from autobg_mcp.text import counted, time_ahead
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.context import Context
from autobg_mcp.tools.drafting import Draft
from autobg_mcp.tools.forecast import minutes, takes_s
from autobg_mcp.tools.linked import LinkSubmission


@dataclass(frozen=True)
class Route:
    """What goes through one tool.

    Attributes:
        tool: The tool.
        is_linked: Whether the photos are links.
        photos: How many photos are sent.
        requests: In how many requests.
        per_request: How many photos of a vehicle share one at most.
        limit: The limit of these requests.
    """

    tool: str
    is_linked: bool
    photos: int
    requests: int
    per_request: int
    limit: Limit

    @property
    def takes_s(self) -> float:
        """Seconds at the pace that the tool's limit allows."""
        return takes_s(self.requests, self.limit)

    def told(self) -> str:
        """The route in a line."""
        how = (
            f"{counted(self.requests, 'request')} of up to {self.per_request} links"
            if self.is_linked
            else "one a request"
        )
        what = "link" if self.is_linked else "photo"
        return f"{counted(self.photos, what)} by {self.tool}, {how}: {minutes(self.takes_s)} at {self.limit}"


@dataclass(frozen=True)
class Forecast:
    """The routes of all that is to be sent.

    Attributes:
        routes: One for each tool.
        now_s: The time now, in seconds since 1970.
    """

    routes: Sequence[Route]
    now_s: float

    @classmethod
    def of(cls, drafts: Sequence[Draft], context: Context) -> Self:
        """Files go one a request, links of one vehicle share one."""
        routes = []
        for tool in dict.fromkeys(draft.tool for draft in drafts if draft.to_send):
            counts = [len(draft.to_send) for draft in drafts if draft.tool is tool]
            is_linked = issubclass(tool, LinkSubmission)
            per_request = tool.per_request(context.settings)
            requests = sum(math.ceil(count / per_request) for count in counts)
            limit = context.sender.limit(tool.tool, tool.rate)
            routes.append(Route(tool.tool, is_linked, sum(counts), requests, per_request, limit))
        return cls(routes, context.clock.wall_s())

    def told(self, *, short: bool) -> Iterator[str]:
        """The routes, and when all of it is sent at the earliest, which takes more credits where they are `short`."""
        for route in self.routes:
            yield route.told()
        if self.routes:
            takes_s = max(route.takes_s for route in self.routes)
            beside = " side by side" if len(self.routes) > 1 else ""
            yield f"all sent{beside} by {time_ahead(takes_s, self.now_s)}, if started now{' and credits suffice' if short else ''}"
