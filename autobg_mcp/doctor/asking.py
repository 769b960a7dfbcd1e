"""One free request in a slot of its budget, and its answer as it came: nothing is understood, kept or repeated for it."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, JsonValue, SkipValidation

from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.client import Client
from autobg_mcp.errors import ApiError
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result, Tool


@dataclass(frozen=True)
class Heard:
    """A request and what came of it.

    Attributes:
        request: What was asked.
        answer: What the API answered, whatever it is.
        refusal: The error that the answer means; None for a success.
        at_s: When the answer was there, by the clock here in seconds since 1970.
        took_s: Seconds from the wish to send until then, the wait for a slot included.
    """

    request: Request
    answer: Answer
    refusal: ApiError | None
    at_s: float
    took_s: float

    @property
    def data(self) -> JsonValue:
        """The data in the answer's envelope; None where it has none."""
        return (self.answer.envelope() or {}).get("data")


class _HeardResult(Result):
    asked: SkipValidation[Any] = Field(exclude=True)


class _Ask(Tool[_HeardResult]):
    """Send what an endpoint would send."""

    tool = "ask"
    title = "Ask"
    effect = "reads"
    toolset = "enterprise"

    endpoint: SkipValidation[Any]

    async def run(self, context: Context) -> _HeardResult:
        """Send it, again where it has not reached the API or came above its limit."""
        request: Request = await self.endpoint.request(context)
        began_s, tries = context.clock.monotonic_s(), context.tries(request)
        while True:
            async with tries.attempt() as turn:
                answer, refusal = await turn.exchange()
                at_s, took_s = context.clock.wall_s(), context.clock.monotonic_s() - began_s
                return _HeardResult(asked=Heard(request, answer, refusal, at_s, took_s))


async def ask(client: Client, endpoint: Endpoint[Result]) -> Heard:
    """Ask the API what an endpoint asks that is free.

    Raises:
        ValueError: The endpoint is not free.
        AutobgError: There is no whole answer.
    """
    if endpoint.effect not in ("reads", "saves"):
        raise ValueError(f"{endpoint.tool} is not free")
    asked: Heard = (await client.call(_Ask(endpoint=endpoint))).asked
    return asked
