"""A host that knows tasks: it declares the extension, and asks for what became of a call."""

from typing import Any, ClassVar, Literal

from mcp import Client as McpClient
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.types import CallToolResult, Request, Result
from mcp_types import RequestParams
from pydantic import ConfigDict, Field, JsonValue

EXTENSION = "io.modelcontextprotocol/tasks"
POLLS_EVERY_S = 2.0


class TaskAnswer(Result):
    """What a call answers that goes on as a task."""

    model_config = ConfigDict(extra="allow")

    result_type: Literal["task"] = Field(alias="resultType")
    task_id: str = Field(alias="taskId")


async def _never(_answer: TaskAnswer, _context: ClaimContext) -> CallToolResult:
    raise AssertionError("these tests take the handle themselves")


class KnowsTasks(ClientExtension):
    """Declares the extension."""

    identifier = EXTENSION

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskAnswer, resolve=_never)]


class TaskParams(RequestParams):
    """The parameters of every method of the extension."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    task_id: str = Field(alias="taskId")


class TaskTold(Result):
    """What a method of the extension answers."""

    model_config = ConfigDict(extra="allow")


class TaskRequest(Request[TaskParams, str]):
    """A request about a task."""

    name_param: ClassVar[str | None] = "taskId"


async def call(host: McpClient, tool: str, arguments: dict[str, JsonValue]) -> Result:
    """What a call answers, whatever it is."""
    return await host.session.call_tool(tool, arguments, allow_claimed=True, allow_input_required=True)


async def begun(host: McpClient, tool: str, arguments: dict[str, JsonValue]) -> str:
    """The handle of the task that a call becomes."""
    answer = await call(host, tool, arguments)
    assert isinstance(answer, TaskAnswer), answer
    return answer.task_id


async def about(host: McpClient, method: str, handle: str, **more: JsonValue) -> dict[str, Any]:
    """What a method of the extension answers."""
    params = TaskParams.model_validate({"taskId": handle} | more)
    answer = await host.session.send_request(TaskRequest(method=method, params=params), TaskTold)
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)


async def when(host: McpClient, handle: str, clock: Any, *, no_longer: str = "working") -> dict[str, Any]:
    """The task as soon as it stands differently."""
    while (task := await about(host, "tasks/get", handle))["status"] == no_longer:
        await clock.sleep(POLLS_EVERY_S)
    return task
