"""The facade: opens everything once, and runs tools."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pydantic import JsonValue, SecretStr

from autobg_mcp.api.call import Account, Call, Progress, QuestionPendingError, TimeBudget
from autobg_mcp.api.http import Http
from autobg_mcp.api.sending import Sender
from autobg_mcp.clock import SYSTEM, Timekeeper
from autobg_mcp.errors import AutobgError, FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.files.outbox import Outbox
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.queue import HOLD_EVERY_S, JobTurn
from autobg_mcp.jobs.runner import Done, Runner
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.money.audit import AuditLog
from autobg_mcp.money.ledger import SqliteLedger
from autobg_mcp.money.permits import Permits
from autobg_mcp.money.purchase import Till
from autobg_mcp.money.terms import Terms
from autobg_mcp.settings import Settings
from autobg_mcp.text import redacted
from autobg_mcp.throttle import Budget, Limit, Throttle, open_throttle, parse_rate_limits
from autobg_mcp.toolkit.context import Context
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.toolkit.groups import telling
from autobg_mcp.toolkit.held import HeldPhotos
from autobg_mcp.toolkit.lingering import Lingering
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
        clock: The time of everything: budgets of calls, the throttle, the ledger, and sleep.

    Attributes:
        audit: The audit log.
        permits: The questions that wait for a person at a terminal.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        throttle: Throttle | None = None,
        fence: Fence | None = None,
        app: "ASGIApp | None" = None,
        clock: Timekeeper = SYSTEM,
    ) -> None:
        self.settings = settings
        self.throttle = throttle or open_throttle(
            settings.throttle, state_dir=settings.state_dir, clock=clock
        )
        self._clock = clock
        self._sender = Sender(Http(settings, app), self.throttle, parse_rate_limits(settings.rate_limits))
        self._fence = fence or Fence(settings.image_dirs, results=settings.output_folder())
        self._outbox = Outbox(settings.output_folder())
        self._ledger = SqliteLedger(settings.state_dir, clock=clock)
        self._storage = Storage(settings.jobs_file(), clock=clock)
        self._jobs = Jobs.on(self._storage)
        self._till = Till(self._ledger, Terms.of(settings), clock, self._jobs.book.queued)
        self._lingering = Lingering()
        self._held = HeldPhotos()
        self.audit = AuditLog(settings.state_dir, clock=clock)
        self.permits = Permits(settings.state_dir, clock=clock)
        self._opened = AsyncExitStack()
        self._runner: Runner | None = None

    async def __aenter__(self) -> Self:
        """Nothing is opened before the first request; whatever is by then is closed at the end."""
        self._opened.push_async_callback(self._storage.aclose)
        self._opened.push_async_callback(self._ledger.aclose)
        self._opened.push_async_callback(self.permits.aclose)
        self._opened.push_async_callback(self.throttle.aclose)
        self._opened.push_async_callback(self._sender.http.aclose)
        self._opened.push_async_callback(self._lingering.aclose)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections, the throttle and the ledger."""
        await self._opened.aclose()

    async def call(self, tool: Tool[ResultT_co], call: Call | None = None) -> ResultT_co:
        """Run one tool and answer its typed result.

        Raises:
            AutobgError: It could not be done; the error says whether credits were spent and what to do next.
        """
        context = self.context(call or Call())
        if tool.effect in ("reads", "saves"):
            return await _run(tool, context)
        with self._audited(tool, context) as event:
            result = await _run(tool, context)
            event.update(tool.audited(result))
        return result

    async def work(self, *, once: bool = False) -> None:
        """Carry out the jobs of the settings' account, whenever no other process does; see `Runner.run`.

        Raises:
            ConfigurationError: There is no key, or the settings let nothing be sent in the background.
        """
        self.settings.check_background()
        self._runner = Runner(lambda: self.account(None).id, self._jobs, self._carry_out, self._clock)
        await self._runner.run(once=once)

    @property
    def carries_out_jobs(self) -> bool:
        """Whether `work` has jobs in its hands now; False where there are none, or another process has them."""
        return self._runner is not None and self._runner.leads

    async def _carry_out(self, turn: JobTurn) -> Done:
        """One turn of a job, in the name of the program that asked for it."""
        from autobg_mcp.tools.working import TURN_S, carry_out  # noqa: PLC0415  # a start waits for what it needs

        work = await self._jobs.book.vehicle_work(turn.vehicle)
        if work is None:
            return Done(None)
        call = Call(host=work.job.host, max_wait_s=TURN_S, background=True)
        context = self.context(call)
        if context.account.id != work.job.account:  # the key was changed in this moment
            return Done(self._clock.wall_s() + HOLD_EVERY_S)
        return await carry_out(work, turn, replace(context, till=self._till.since(work.job.created_at)))

    def context(self, call: Call) -> Context:
        """What one call may use."""
        max_wait_s = self.settings.max_wait_s if call.max_wait_s is None else call.max_wait_s
        return Context(
            settings=self.settings,
            account=self.account(call.key),
            call=call,
            time=TimeBudget(max_wait_s, self._clock),
            progress=Progress(call.report),
            sender=self._sender,
            fence=self._fence,
            outbox=self._outbox,
            ledger=self._ledger,
            till=self._till if call.begun_at is None else self._till.since(call.begun_at, sets_aside=True),
            permits=self.permits,
            jobs=self._jobs,
            lingering=self._lingering,
            held=self._held,
            clock=self._clock,
        )

    async def budgets(self, endpoints: Iterable[type[Endpoint[Result]]]) -> list[dict[str, JsonValue]]:
        """The budget of each endpoint for the settings' key now, as `autobg://limits` shows it.

        Raises:
            StateError: The store of budgets cannot be used.
        """
        prefix = f"{self.account(None).id}:"
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
            "account": context.account.id,
            "vehicle": None,
            **tool.audited(None),
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
            secrets = [context.account.key.get_secret_value()]
            self.audit.write({name: text and redacted(text, secrets) for name, text in event.items()})

    def keep(self, content: bytes, name: str) -> str:
        """Save what is too long for an answer, and say where it is; blocks."""
        try:
            digest = hashlib.sha256(content).hexdigest()[:12]
            saved = self._outbox.save(content, folder="answers", stem=f"{name}-{digest}")
        except FileRefusedError as error:
            return f"The whole is lost: {error}"
        return f"The whole is in {saved.path}"

    def account(self, key: SecretStr | None) -> Account:
        """Whose credits calls with a key spend; None is the key in the settings.

        Raises:
            ConfigurationError: There is no key.
        """
        return Account.of(key or self.settings.key(), self.settings.base_url)


async def _run(tool: Tool[ResultT_co], context: Context) -> ResultT_co:
    """Run a tool; of the errors that its tasks end in together, one is told."""
    try:
        return await tool.run(context)
    except BaseExceptionGroup as group:
        raise telling(group) from group
    except OSError as error:  # a disk, a share or a device that no step expected to fail
        spends = tool.effect == "spends"
        raise FileRefusedError(
            f"{tool.tool}: this machine could not read or write something ({error.strerror or type(error).__name__}).",
            spent="unknown" if spends else "no",
            next_step="Call listBatches to see what was submitted." if spends else None,
        ) from error


def _shown(tool: str, budget: Budget | None, limit: Limit) -> dict[str, JsonValue]:
    """One budget as JSON; None is one that nothing was taken from yet."""
    shown: dict[str, JsonValue] = {"tool": tool, "limit": str(limit), "documented": limit.documented}
    if budget is None:
        return shown | {"used": 0, "left": limit.calls}
    return shown | {
        "used": budget.used,
        "left": budget.left,
        "waiting": budget.waiting,
        "waitingBackground": budget.waiting_background,
        "nextFreeS": round(budget.next_free_s, 1),
        "closedS": round(budget.closed_s, 1),
        "rule": budget.rule,
    }
