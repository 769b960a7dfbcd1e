"""Tasks while this process works on them: held under a lease, asking a person through their record, ended in it."""

import logging
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import anyio
import mcp_types as types
from mcp_types import INTERNAL_ERROR

from autobg_mcp.api.call import Call, nobody_to_ask
from autobg_mcp.clock import Clock
from autobg_mcp.errors import AutobgError, StateError
from autobg_mcp.serving.approval import approval_request
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.performing import Performed, Performer
from autobg_mcp.serving.tickets import LEASE_S, Json

if TYPE_CHECKING:
    from autobg_mcp.client import Client
    from autobg_mcp.serving.task_records import TaskRecords

_LONGEST_S: Final = {"waitForBatch": 3600.0}
_LONGEST_OTHERWISE_S: Final = 12 * 3600.0
_MOST_RUNS: Final = 16
_HOLD_EVERY_S: Final = LEASE_S / 3
_LOOK_FOR_ANSWER_S: Final = 1.0

_log = logging.getLogger(__name__)


class TaskRun:
    """One task, worked on here.

    Args:
        task: Its id.
        request: What is called.
        call: What its caller says of it. As long as the caller waits for it, it is told and asked as in any other call.
        asks: Whether the caller can put a question to a person.
        door: Lets its words out.
        begun_at: When another process began it, by the wall clock; None where it begins here.

    Attributes:
        handed_out: Whether the caller has the handle instead of an answer.
        over: Set once nothing goes on here.
        performed: What came of it; None until then, and where it was broken off.
        fault: Whether it broke in a way that no answer tells.
    """

    def __init__(
        self,
        task: str,
        request: types.CallToolRequestParams,
        call: Call,
        *,
        asks: bool,
        door: Door,
        begun_at: float | None = None,
    ) -> None:
        self.task = task
        self.handed_out = False
        self.over = anyio.Event()
        self.performed: Performed | None = None
        self.fault = False
        self._request = request
        self._caller = call
        self._asks = asks
        self._door = door
        self._begun_at = begun_at
        self._message = ""
        self._scope = anyio.CancelScope()

    def cancel(self) -> None:
        """Break it off, as a cancelled call: a photo on the wire is finished and written down."""
        self._scope.cancel()

    async def work(self, performer: Performer, records: "TaskRecords", clock: Clock) -> None:
        """Perform it and write down what came of it; what is broken off is left to the next process, unless it is cancelled."""
        try:
            with self._scope:
                await self._perform(performer, records, clock)
        except Exception:  # noqa: BLE001  # the caller hears of it, and other tasks go on
            _log.exception("A task broke")
            self.fault = True
        finally:
            self.over.set()
            if self.handed_out:
                with anyio.CancelScope(shield=True), suppress(AutobgError):
                    await self._write_down(records)
                    if await records.is_cancelled(self.task):  # it may have left something to a job since
                        await stop_jobs_of(self.task, await performer.client(), self._caller)

    async def _perform(self, performer: Performer, records: "TaskRecords", clock: Clock) -> None:
        async def ask(question: str, subject: str) -> bool:
            if not self.handed_out:
                return await self._caller.ask(question, subject)
            return await self._ask(question, subject, records, clock)

        call = replace(
            self._caller,
            max_wait_s=_LONGEST_S.get(self._request.name, _LONGEST_OTHERWISE_S),
            report=self._report,
            ask=ask,
            task=self.task,
            begun_at=self._begun_at,
        )
        async with anyio.create_task_group() as group:
            group.start_soon(self._hold, records, clock)
            performed = await performer.perform(self._request, call, self._door)
            while isinstance(performed, types.InputRequiredResult) and self.handed_out:
                # It asked while the caller still waited, who then got the handle; nothing was sent.
                performed = await performer.perform(self._request, call, self._door)
            self.performed = performed
            group.cancel_scope.cancel()

    async def _report(self, progress: float, total: float | None, message: str) -> None:
        """Tell a caller who waits; otherwise the record tells it, since a task has no progress notifications."""
        self._message = self._door.line(message)
        if not self.handed_out:
            await self._caller.report(progress, total, message)

    async def _hold(self, records: "TaskRecords", clock: Clock) -> None:
        """Give signs of life; a task that was cancelled, or that another process has, is broken off."""
        held = True
        while held:
            await clock.sleep(_HOLD_EVERY_S)
            with suppress(StateError):  # nobody else can take it up meanwhile
                held = await records.hold(self.task, self._message)
        self.cancel()

    async def _ask(self, question: str, subject: str, records: "TaskRecords", clock: Clock) -> bool:
        """Ask through the record; the key of the question names exactly what is approved, also after a restart."""
        if not self._asks:
            return await nobody_to_ask(question, subject)
        key = f"approval-{subject}"
        request = approval_request(self._door.line(question))
        await records.ask(self.task, key, request.model_dump(by_alias=True, mode="json", exclude_none=True))
        while (answer := await records.answered(self.task, key)) is None:
            await clock.sleep(_LOOK_FOR_ANSWER_S)
        return answer is True

    async def _write_down(self, records: "TaskRecords") -> None:
        if self.fault:
            await records.end(self.task, "failed", "", fault("This server has a fault; its log says more."))
        elif self.performed is None:
            await records.let_go(self.task)
        else:
            result: Json = self.performed.model_dump(by_alias=True, mode="json", exclude_none=True)
            await records.end(self.task, "completed", "", result)


class TaskRuns:
    """The tasks that this process works on. Use it as an async context manager: its end breaks them off.

    Args:
        performer: Runs the tools.
        clock: Tells the time.
    """

    def __init__(self, performer: Performer, clock: Clock) -> None:
        self._performer = performer
        self._clock = clock
        self._group = anyio.create_task_group()
        self._runs: dict[str, TaskRun] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(kind, error, trace)

    def __contains__(self, task: str) -> bool:
        return task in self._runs

    def full(self) -> bool:
        """Whether no other may begin now."""
        return len(self._runs) >= _MOST_RUNS

    def begin(self, run: TaskRun, records: "TaskRecords") -> None:
        """Work on a task."""

        async def work() -> None:
            try:
                await run.work(self._performer, records, self._clock)
            finally:
                del self._runs[run.task]

        self._runs[run.task] = run
        self._group.start_soon(work)

    def cancel(self, task: str) -> None:
        """Break a task off, if this process works on it."""
        if (run := self._runs.get(task)) is not None:
            run.cancel()


def fault(words: str) -> Json:
    """The error of a task that failed, as JSON-RPC has it."""
    return {"code": INTERNAL_ERROR, "message": f"{words} Call listBatches to see what was recorded."}


async def stop_jobs_of(task: str, client: "Client", call: Call) -> None:
    """Send nothing more of what the calls of a task have left to jobs.

    Raises:
        StateError: The file of jobs cannot be used.
    """
    from autobg_mcp.tools.jobs import StopJob  # noqa: PLC0415  # a start waits for what it needs

    jobs = await client.context(call).jobs.awaited.jobs_of(client.account(call.key).id, task)
    for job in (job for job, state in jobs.items() if state == "open"):
        await client.call(StopJob(job=job), call)
