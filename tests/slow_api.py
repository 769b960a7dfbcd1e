"""An API that acts at once and answers late."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from autobg_mcp.clock import Clock

NEVER_S = 10_000_000.0


class SlowApi:
    """An ASGI application in front of another one.

    Args:
        api: Acts, and writes the answers.
        clock: Whose seconds pass until they are sent.

    Attributes:
        slow_s: Seconds from the act to the answer, by what a path ends with; empty is every path.
        arrived: The paths of all requests.
    """

    def __init__(self, api: ASGIApp, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self.slow_s: dict[str, float] = {}
        self.arrived: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        path = str(scope.get("path", ""))
        self.arrived.append(path)
        await self._api(scope, receive, keep)
        if late := [seconds for end, seconds in self.slow_s.items() if path.endswith(end)]:
            await self._clock.sleep(max(late))
        for message in answer:
            await send(message)
