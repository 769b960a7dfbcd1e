"""The facade: opens everything once, and runs tools."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
from pydantic import JsonValue

from autobg_mcp.api.call import Call, OnWire, QuestionPendingError, unwatched
from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.api.http import Http
from autobg_mcp.api.sending import Sender
from autobg_mcp.errors import AutobgError, FileRefusedError, telling
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.outbox import Outbox
from autobg_mcp.money.audit import AuditLog
from autobg_mcp.money.ledger import Ledger
from autobg_mcp.settings import Settings, account_of
from autobg_mcp.throttle import Budget, Limit, Throttle, open_throttle, parse_rate_limits
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.tool import Result, ResultT_co, Tool

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Client:
    """The Autobg API for Python: `await client.call(ListTemplates())`.

    One client serves any number of concurrent calls. Use it as an async context manager.

    Args:
        settings: Where the API is, the key, the folders and the limits.
        throttle: Keeps calls under the API's limits; None opens the one the settings name.
        fence: Which local files may be read; None allows the folders in the settings.
        app: An ASGI application that stands in for the network, such as the sandbox; None is the network.
        clock: Seconds that only grow, for the time budgets of calls.
        sleep: Passes seconds while a tool waits.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        throttle: Throttle | None = None,
        fence: Fence | None = None,
        app: "ASGIApp | None" = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.throttle = throttle or open_throttle(
            settings.throttle,
            state_dir=settings.state_dir,
            on_store_failure=settings.throttle_on_failure,
            machines=settings.machines,
        )
        self._http = Http(settings, app)
        self._sender = Sender(
            self.throttle,
            parse_rate_limits(settings.rate_limits),
            account=self._account,
            transfer=self._http.transfer,
        )
        self._fence = fence or Fence(settings.image_dirs, results=settings.output_folder())
        self._outbox = Outbox(settings.output_folder())
        self._ledger = Ledger(settings.state_dir)
        self._audit = AuditLog(settings.state_dir, secrets=_secrets(settings))

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, the throttle and the ledger."""
        await self._http.aclose()
        await self.throttle.aclose()
        self._ledger.close()

    async def call(self, tool: Tool[ResultT_co], call: Call | None = None) -> ResultT_co:
        """Run one tool and answer its typed result.

        Raises:
            AutobgError: It could not be done; the error says whether credits were spent and what to do next.
        """
        call = call or Call(max_wait_s=self.settings.max_wait_s, clock=self.clock, sleep=self.sleep)
        context = Context(
            api=self,
            settings=self.settings,
            fence=self._fence,
            outbox=self._outbox,
            ledger=self._ledger,
            account=self._account(call),
            call=call,
        )
        if tool.effect in ("reads", "saves"):
            return await _run(tool, context)
        with self._audited(tool, context) as event:
            result = await _run(tool, context)
            event.update(_ids(result))
        return result

    async def budgets(self, endpoints: Iterable[type[Endpoint[Result]]]) -> list[dict[str, JsonValue]]:
        """The budget of each endpoint for the settings' key now, as `autobg://limits` shows it.

        Raises:
            StateError: The store of budgets cannot be used.
        """
        prefix = f"{self._account(Call())}:"
        used = {budget.bucket.removeprefix(prefix): budget for budget in await self.throttle.budgets(prefix)}
        return [
            _shown(endpoint.tool, used.get(endpoint.tool), self._sender.limit(endpoint.tool, endpoint.rate))
            for endpoint in endpoints
        ]

    @contextmanager
    def _audited(self, tool: Tool[ResultT_co], context: Context) -> Iterator[dict[str, str | None]]:
        """One line in the audit log for a call that changes something, whatever comes of it."""
        event: dict[str, str | None] = {
            "tool": tool.tool,
            "host": context.call.host,
            "account": context.account,
            "vehicle": getattr(tool, "numberPlate", None),
            "outcome": "broken off",
        }
        try:
            yield event
            event["outcome"] = "done"
        except AutobgError as error:
            event.update(outcome=type(error).__name__, spent=error.spent, message=str(error))
            raise
        except QuestionPendingError:
            event["outcome"] = "asks for approval"
            raise
        finally:
            self._audit.write(event)

    async def send(self, request: Request, call: Call, on_wire: OnWire = unwatched) -> Answer:
        """Send one request as often as is safe, and answer its success.

        Raises:
            AutobgError: There is no success; the error says whether credits may have been spent.
        """
        return await self._sender.send(request, call, on_wire)

    async def fetch(self, link: str) -> bytes:
        """What a link from an answer leads to; the key is not sent along.

        Raises:
            LinkRefusedError: It is not fetched, or it did not lead to anything within size and time.
        """
        return await self._http.fetch(link)

    def keep(self, content: bytes, name: str) -> str:
        """Save what is too long for an answer, and say where it is; blocks."""
        try:
            digest = hashlib.sha256(content).hexdigest()[:12]
            saved = self._outbox.save(content, folder="answers", stem=f"{name}-{digest}")
        except FileRefusedError as error:
            return f"The whole is lost: {error}"
        return f"The whole is in {saved.path}"

    def _account(self, call: Call) -> str:
        return account_of(call.key or self.settings.key(), self.settings.base_url)


async def _run(tool: Tool[ResultT_co], context: Context) -> ResultT_co:
    """Run a tool; of the errors that its tasks end in together, one is told."""
    try:
        return await tool.run(context)
    except BaseExceptionGroup as group:
        raise telling(group) from group


def _secrets(settings: Settings) -> list[str]:
    return [] if settings.api_key is None else [settings.api_key.get_secret_value()]


def _shown(tool: str, budget: Budget | None, limit: Limit) -> dict[str, JsonValue]:
    """One budget as JSON; None is one that nothing was taken from yet."""
    shown: dict[str, JsonValue] = {"tool": tool, "limit": str(limit), "documented": limit.documented}
    if budget is None:
        return shown | {"used": 0, "left": limit.calls}
    return shown | {
        "used": budget.used,
        "left": budget.left,
        "waiting": budget.waiting,
        "nextFreeS": round(budget.next_free_s, 1),
        "closedS": round(budget.closed_s, 1),
        "rule": budget.rule,
    }


def _ids(result: Result) -> dict[str, str | None]:
    """The ids in a result, for the audit log."""
    names = ("batchID", "templateID", "reported")
    return {name: str(getattr(result, name)) for name in names if getattr(result, name, None)}
