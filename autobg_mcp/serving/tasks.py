"""Calls that go on behind a handle, and that any process of the machine may carry on."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import anyio
import mcp_types as types
from mcp import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import JsonValue, SecretStr, ValidationError

from autobg_mcp.api.call import Call
from autobg_mcp.clock import Clock
from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, StateError
from autobg_mcp.serving.approval import approved
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.performing import Performed, Performer
from autobg_mcp.serving.task_runs import TaskRun, TaskRuns, fault, stop_jobs_of
from autobg_mcp.serving.tickets import TaskRecord, Ticket
from autobg_mcp.settings import Settings
from autobg_mcp.text import redacted

if TYPE_CHECKING:
    from autobg_mcp.serving.task_records import TaskRecords

AT_ONCE_S: Final = 5.0
"""What is done by then is answered as any call: hosts put a task into the background, and most calls are short."""

_LONG: Final = {"waitForBatch", "reportManyImages"}
"""Tools that may take long, beside all that spend."""

_MOST_ATTEMPTS: Final = 5
_CANCELLED: Final = (
    "Cancelled: nothing more is begun. What was on its way is written down; listBatches tells."
)


class Tasks:
    """The tasks of one server; what is known of them lives in the state folder and outlasts it.

    Use it as an async context manager: its end breaks off what runs here, and leaves it to the next process.

    Args:
        settings: The key in use.
        performer: Runs the tools.
        clock: Tells the time.
    """

    def __init__(self, settings: Settings, performer: Performer, clock: Clock) -> None:
        self._settings = settings
        self._performer = performer
        self._clock = clock
        self._runs = TaskRuns(performer, clock)
        self._opened: TaskRecords | None = None

    async def __aenter__(self) -> Self:
        await self._runs.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        try:
            return await self._runs.__aexit__(kind, error, trace)
        finally:
            if self._opened is not None:
                with anyio.CancelScope(shield=True):
                    await self._opened.aclose()

    def may_take(self, tool: str) -> bool:
        """Whether a call of a tool may become a task now: it may take long, and not too many run here."""
        offered = self._performer.offer.tools.get(tool)
        takes_long = offered is not None and (offered.effect == "spends" or tool in _LONG)
        return takes_long and not self._runs.full()

    async def call(
        self, request: types.CallToolRequestParams, call: Call, *, asks: bool, door: Door
    ) -> Performed | Ticket:
        """What came of a call; a ticket for it, where that takes long.

        Raises:
            MCPError: It broke.
        """
        handle = secrets.token_urlsafe(24)
        try:
            records = await self._records()
            record = await self._add(records, handle, request, call, asks=asks)
        except AutobgError:  # which the call itself explains, if it needs what failed
            record = None
        if record is None:
            return await self._performer.perform(request, call, door)
        run = TaskRun(record.id, request, call, asks=asks, door=door)
        self._runs.begin(run, records)
        try:
            await self._while_waited_for(run)
        except BaseException:  # its caller is gone, and nobody has the handle
            run.handed_out = False
            run.cancel()
            raise
        finally:
            if not run.handed_out:
                with anyio.CancelScope(shield=True), suppress(StateError):
                    await records.forget(record.id)
        if run.handed_out:
            return Ticket(handle, record)
        if run.performed is None:
            raise MCPError(INTERNAL_ERROR, "The call was broken off. listBatches tells what was recorded.")
        return run.performed

    async def get(self, handle: str) -> TaskRecord | None:
        """How a task stands; one that its process has left is taken up here. None where the account has no such task.

        Raises:
            AutobgError: It cannot be told.
        """
        record = await self._find(handle)
        if record is None or not record.abandoned or record.id in self._runs or self._runs.full():
            return record
        records = await self._records()
        if await records.take_up(record.id):
            if why_not := self._why_not_again(record):
                await records.end(record.id, "failed", "", fault(why_not))
            else:
                self._carry_on(record, records)
        return await self._find(handle)

    async def answer(self, handle: str, answers: Mapping[str, JsonValue]) -> bool:
        """Take a person's answers to what is asked; others count for nothing. False where the account has no such task.

        Raises:
            MCPError: One of them is no answer.
            AutobgError: They could not be written down.
        """
        record = await self._find(handle)
        if record is None:
            return False
        try:
            told = {
                key: types.ElicitResult.model_validate(one)
                for key, one in answers.items()
                if key in record.questions
            }
        except ValidationError:
            raise MCPError(INVALID_PARAMS, "An answer is no result of an elicitation.") from None
        if told:
            kept: dict[str, JsonValue] = {key: approved(one) for key, one in told.items()}
            await (await self._records()).answer(record.id, kept)
        return await self.get(handle) is not None

    async def cancel(self, handle: str) -> bool:
        """End a task, whichever process works on it; False where the account has no such task.

        Raises:
            AutobgError: It could not be written down.
        """
        record = await self._find(handle)
        if record is None:
            return False
        records = await self._records()
        await records.end(record.id, "cancelled", _CANCELLED, {}, anyones=True)
        self._runs.cancel(record.id)
        if await records.is_cancelled(record.id):
            await stop_jobs_of(record.id, await self._performer.client(), self._call_of(record))
        return True

    async def _add(
        self,
        records: "TaskRecords",
        handle: str,
        request: types.CallToolRequestParams,
        call: Call,
        *,
        asks: bool,
    ) -> TaskRecord | None:
        account = (await self._performer.client()).account(call.key)
        arguments = redacted(json.dumps(request.arguments or {}), [account.key.get_secret_value()])
        task = _id_of(handle)
        with anyio.CancelScope(shield=True):  # a record without a run would be nobody's
            record = await records.add(
                task, account.id, host=call.host, asks=asks, tool=request.name, arguments=arguments
            )
        return record  # noqa: RET504  # a scope may swallow an exception, as far as a type checker knows

    async def _find(self, handle: str) -> TaskRecord | None:
        account = (await self._performer.client()).account(None)
        return await (await self._records()).find(_id_of(handle), account.id)

    async def _records(self) -> "TaskRecords":
        from autobg_mcp.serving.task_records import TaskRecords  # noqa: PLC0415  # with SQLite, for the first task

        folder = (await self._performer.client()).settings.state_dir
        if self._opened is None:
            self._opened = TaskRecords(folder, self._clock)
        return self._opened

    def _why_not_again(self, record: TaskRecord) -> str | None:
        """Why a task that another process has left is not begun again; None where it is: the ledger knows what was paid."""
        if record.attempts >= _MOST_ATTEMPTS:
            return f"{record.attempts} processes have ended while they worked on this task."
        with suppress(ArgumentsRefusedError):  # which the call explains
            tool = self._performer.offer.find(record.tool).from_arguments(record.arguments)
            if tool.effect == "spends" and getattr(tool, "allowDuplicate", False):
                return (
                    "The process that worked on this task has ended, and to begin it again could pay twice."
                )
        return None

    def _carry_on(self, record: TaskRecord, records: "TaskRecords") -> None:
        """Work on a task that another process has left."""
        request = types.CallToolRequestParams(name=record.tool, arguments=record.arguments)
        call, door = self._call_of(record), Door(self._settings.secrets())
        run = TaskRun(record.id, request, call, asks=record.asks, door=door, begun_at=record.created_s)
        run.handed_out = True
        self._runs.begin(run, records)

    def _call_of(self, record: TaskRecord) -> Call:
        """A call in the name of the program that a task belongs to."""
        keys = self._settings.secrets()
        return Call(key=SecretStr(keys[0]) if keys else None, host=record.host, lasts=True)

    async def _while_waited_for(self, run: TaskRun) -> None:
        """Wait for the answer as long as a caller should; after that the task goes on without them."""
        async with anyio.create_task_group() as group:

            async def ring() -> None:
                await self._clock.sleep(AT_ONCE_S)
                run.handed_out = run.performed is None and not run.fault
                group.cancel_scope.cancel()

            group.start_soon(ring)
            await run.over.wait()
            group.cancel_scope.cancel()


def _id_of(handle: str) -> str:
    """What stands for a handle in the file: whoever reads the file cannot use it as one."""
    return hashlib.sha256(handle.encode("utf-8", "surrogatepass")).hexdigest()
