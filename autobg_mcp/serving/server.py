"""The MCP server: lists tools, runs calls, and answers in an MCP host's terms."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import INVALID_PARAMS
from pydantic import SecretStr

from autobg_mcp.api.call import AskPerson, Call
from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.serving.approval import Approvals, can_ask
from autobg_mcp.serving.background import work_beside
from autobg_mcp.serving.completing import complete
from autobg_mcp.serving.door import Door
from autobg_mcp.serving.host_hints import offered_as
from autobg_mcp.serving.host_log import HostLog
from autobg_mcp.serving.introduction import INSTRUCTIONS, WEBSITE, IntroducedServer, icons
from autobg_mcp.serving.on_demand import ClientOnDemand, OpenClient
from autobg_mcp.serving.performing import Performed, Performer
from autobg_mcp.serving.prompts import Prompts
from autobg_mcp.serving.resources import RESOURCES, TEMPLATES, read
from autobg_mcp.serving.task_requests import may_answer_with_task, offer_tasks, told
from autobg_mcp.serving.tasks import Tasks
from autobg_mcp.serving.tickets import Ticket
from autobg_mcp.settings import Settings
from autobg_mcp.text import cleaned
from autobg_mcp.tools.offer import Offer

_HOUR = CacheHint(ttl_ms=3_600_000, scope="public")
_FIXED: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "server/discover",
)
"""What a server answers alike for as long as it runs."""


@dataclass(frozen=True)
class Serving:
    """What a server has for as long as it runs.

    Attributes:
        performer: Runs tools.
        tasks: Calls that go on behind a handle.
        log: What is logged, for a host that asks for it.
    """

    performer: Performer
    tasks: Tasks
    log: HostLog


HostContext = ServerRequestContext[Serving, Any]


@asynccontextmanager
async def _serving(
    settings: Settings, offer: Offer, open_client: OpenClient, clock: Clock, _server: Server[Serving]
) -> AsyncGenerator[Serving]:
    """Everything that lives as long as a server does."""
    async with AsyncExitStack() as stack, anyio.create_task_group() as beside:
        client = ClientOnDemand(open_client, stack)
        beside.start_soon(work_beside, client, settings, clock)
        log = HostLog(lambda: Door(settings.secrets()))
        beside.start_soon(log.pass_on)
        performer = Performer(offer, client)
        async with Tasks(settings, performer, clock) as tasks:
            yield Serving(performer, tasks, log)
        beside.cancel_scope.cancel()


def build_server(settings: Settings, open_client: OpenClient, clock: Clock = SYSTEM) -> Server[Serving]:
    """The server, ready for any transport. The client is opened by the first call and closed when serving ends."""
    requests = _Requests(settings, clock)
    server = IntroducedServer(
        "autobg",
        title="Autobg car photos",
        version=version("autobg-mcp"),
        instructions=INSTRUCTIONS,
        website_url=WEBSITE,
        icons=icons(),
        lifespan=partial(_serving, settings, requests.offer, open_client, clock),
        on_list_tools=requests.list_tools,
        on_list_resources=requests.list_resources,
        on_list_resource_templates=requests.list_resource_templates,
        on_read_resource=requests.read_resource,
        on_list_prompts=requests.list_prompts,
        on_get_prompt=requests.get_prompt,
        on_completion=requests.complete,
        cache_hints=dict.fromkeys(_FIXED, _HOUR),
    )
    server.add_request_handler("server/discover", types.RequestParams, server.discovered)
    server.add_request_handler("tools/call", types.CallToolRequestParams, requests.call_tool)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, requests.set_level)
    offer_tasks(server, lambda context: context.lifespan_context.tasks, lambda: Door(settings.secrets()))
    return server


class _Requests:
    """Answers the requests of a host: what there is, and what comes of a call."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self.offer = Offer(settings)
        self._approvals = Approvals(clock)
        self._prompts = Prompts(self.offer)
        asks = settings.approve == "paid"
        tools = [offered_as(tool, asks=asks) for tool in self.offer.tools.values()]
        self._listed = types.ListToolsResult.model_validate({"tools": tools})

    async def list_tools(
        self, _context: HostContext, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return self._listed

    async def call_tool(
        self, context: HostContext, params: types.CallToolRequestParams
    ) -> Performed | dict[str, Any]:
        secrets = self._settings.secrets()  # read once: what is sent and what is redacted is one key
        door = Door(secrets)
        self._check(params.name, door)
        call = _call(context, partial(self._approvals.ask, context, params), door, secrets)
        serving = context.lifespan_context
        if not (may_answer_with_task(context) and serving.tasks.may_take(params.name)):
            return await serving.performer.perform(params, call, door)
        answer = await serving.tasks.call(params, call, asks=can_ask(context), door=door)
        return told(answer) if isinstance(answer, Ticket) else answer

    def _check(self, name: str, door: Door) -> None:
        """A tool that is not listed is refused as the protocol has it, in words that lead back to one that is.

        Raises:
            MCPError: There is no such tool, or a setting hides it.
        """
        if name in self.offer.tools:
            return
        try:
            self.offer.find(name)
        except ArgumentsRefusedError as error:
            raise MCPError(INVALID_PARAMS, door.text(error.explanation())) from None

    async def list_resources(
        self, _context: HostContext, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[*RESOURCES])

    async def read_resource(
        self, context: HostContext, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        door = Door(self._settings.secrets())
        client = context.lifespan_context.performer.client
        text = await read(str(params.uri), client, self.offer, door)
        contents = types.TextResourceContents(uri=params.uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[contents])

    async def list_resource_templates(
        self, _context: HostContext, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=[*TEMPLATES])

    async def list_prompts(
        self, _context: HostContext, _params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        commands = self._prompts.commands.values()
        return types.ListPromptsResult(prompts=[command.listed for command in commands])

    async def get_prompt(
        self, _context: HostContext, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        return self._prompts.written(params.name, params.arguments or {}, Door(self._settings.secrets()))

    async def set_level(self, context: HostContext, params: types.SetLevelRequestParams) -> types.EmptyResult:
        context.lifespan_context.log.listen(context.session, params.level)
        return types.EmptyResult()

    async def complete(
        self, context: HostContext, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        client, door = context.lifespan_context.performer.client, Door(self._settings.secrets())
        return types.CompleteResult(completion=await complete(params, self._prompts, client, door))


def _call(context: HostContext, ask: AskPerson, door: Door, secrets: list[str]) -> Call:
    """The call that a request makes: its key, its host's name, and its ways to tell and to ask."""
    host = context.session.client_params

    async def report(progress: float, total: float | None, message: str) -> None:
        await context.session.report_progress(progress, total, door.line(message))

    async def ask_in_words(question: str, subject: str) -> bool:
        return await ask(door.line(question), subject)

    return Call(
        key=SecretStr(secrets[0]) if secrets else None,
        report=report,
        ask=ask_in_words,
        lasts=True,
        host=cleaned(host.client_info.name, 60) if host else "unknown host",
    )
