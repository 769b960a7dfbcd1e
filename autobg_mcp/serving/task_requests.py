"""The tasks extension of MCP (SEP-2663) on the wire: who may use it, what is asked, and how a task is told."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import mcp_types as types
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ConfigDict, Field, JsonValue

from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.tasks import Tasks
from autobg_mcp.serving.tickets import TTL_S, TaskRecord, Ticket

T = TypeVar("T")
ParamsT = TypeVar("ParamsT", bound="TaskParams")

EXTENSION: Final = "io.modelcontextprotocol/tasks"
_POLL_INTERVAL_MS: Final = 2000
_DONE: Final[dict[str, Any]] = {"resultType": "complete"}


class TaskParams(types.RequestParams):
    """Which task is meant."""

    model_config = ConfigDict(populate_by_name=True)

    task_id: str = Field(alias="taskId", max_length=200)


class TaskAnswerParams(TaskParams):
    """What a person answered in a task."""

    input_responses: dict[str, JsonValue] = Field(alias="inputResponses")


def may_answer_with_task(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether a host knows what a task is: it speaks the newer era and declared the extension with this request."""
    capabilities = context.session.client_capabilities
    declared = (capabilities.extensions if capabilities else None) or {}
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS and EXTENSION in declared


def told(ticket: Ticket) -> dict[str, Any]:
    """A call's answer that says that it goes on as a task."""
    return {"resultType": "task"} | _told(*ticket)


def offer_tasks(
    server: Server[Any], tasks: Callable[[ServerRequestContext[Any, Any]], Tasks], door: Callable[[], Door]
) -> None:
    """Let a server declare the extension and answer its methods.

    Args:
        server: Answers hosts.
        tasks: The tasks of the server that a request came to.
        door: Lets the words of an error out.
    """

    async def get(context: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        record = await _known(tasks(context).get(params.task_id), door)
        return _DONE | _told(params.task_id, record)

    async def update(context: ServerRequestContext[Any, Any], params: TaskAnswerParams) -> dict[str, Any]:
        await _known(tasks(context).answer(params.task_id, params.input_responses), door)
        return _DONE

    async def cancel(context: ServerRequestContext[Any, Any], params: TaskParams) -> dict[str, Any]:
        await _known(tasks(context).cancel(params.task_id), door)
        return _DONE

    server.add_request_handler("tasks/get", TaskParams, _guarded(get))
    server.add_request_handler("tasks/update", TaskAnswerParams, _guarded(update))
    server.add_request_handler("tasks/cancel", TaskParams, _guarded(cancel))
    server.extensions[EXTENSION] = {}


def _guarded(
    method: Callable[[ServerRequestContext[Any, Any], ParamsT], Awaitable[dict[str, Any]]],
) -> Callable[[ServerRequestContext[Any, Any], ParamsT], Awaitable[dict[str, Any]]]:
    """The method for hosts that declared the extension, and whose request names one task in its header and its body."""

    async def guarded(context: ServerRequestContext[Any, Any], params: ParamsT) -> dict[str, Any]:
        if context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            raise MCPError(METHOD_NOT_FOUND, "Method not found", context.method)
        if not may_answer_with_task(context):
            needed = types.MissingRequiredClientCapabilityErrorData(
                required_capabilities=types.ClientCapabilities(extensions={EXTENSION: {}})
            )
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                f"This request does not declare the extension {EXTENSION}.",
                needed.model_dump(by_alias=True, mode="json", exclude_none=True),
            )
        named = None if context.request is None else context.request.headers.get(MCP_NAME_HEADER)
        if named is not None and decode_header_value(named) != params.task_id:
            raise MCPError(
                HEADER_MISMATCH, f"The {MCP_NAME_HEADER} header does not name the task of the request."
            )
        return await method(context, params)

    return guarded


async def _known(asked: Awaitable[T | None], door: Callable[[], Door]) -> T:
    """What is known of a task.

    Raises:
        MCPError: The account has no such task, or it cannot be told.
    """
    try:
        found = await asked
    except AutobgError as error:
        raise MCPError(INTERNAL_ERROR, door().text(error.explanation())) from None
    if not found:
        raise MCPError(INVALID_PARAMS, "There is no such task, or no more: a task is known for a day.")
    return found


def _told(handle: str, record: TaskRecord) -> dict[str, Any]:
    """A task as every answer about it tells it."""
    told: dict[str, Any] = {
        "taskId": handle,
        "status": record.status,
        "createdAt": _moment(record.created_s),
        "lastUpdatedAt": _moment(record.updated_s),
        "ttlMs": int(TTL_S * 1000),
        "pollIntervalMs": _POLL_INTERVAL_MS,
    }
    if record.message:
        told["statusMessage"] = record.message
    if record.status == "input_required":
        told["inputRequests"] = record.questions
    if record.status in ("completed", "failed"):
        told["result" if record.status == "completed" else "error"] = record.outcome
    return told


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
