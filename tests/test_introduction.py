"""What a host learns of the server beside its tools: words for a model, a picture, a website, and what it may not call."""

import base64
import io
import warnings
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from conftest import KEY, Connect
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import LoggingMessageNotificationParams
from PIL import Image
from tokens import tokens
from uploading import upload

from autobg_mcp.serving.host_hints import NEEDS_A_PERSON
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]
SPENDING = {tool.tool for tool in TOOLS if tool.effect == "spends"}
MOST_INSTRUCTION_BYTES = 2000
"""Hosts cut at 2 KB."""


@pytest.mark.parametrize("era", ERAS)
async def test_the_server_has_a_title_a_website_and_a_small_picture(era: str, connect: Connect) -> None:
    async with connect(era) as host:
        info = host.server_info
    assert info is not None
    assert info.title == "Autobg car photos"
    assert str(info.website_url).startswith("https://")
    [icon] = info.icons or []
    assert len(icon.src) < 400
    with Image.open(io.BytesIO(base64.b64decode(icon.src.removeprefix("data:image/png;base64,")))) as picture:
        assert ([f"{picture.width}x{picture.height}"], picture.format) == (icon.sizes, "PNG")


@pytest.mark.parametrize("era", ERAS)
async def test_the_instructions_teach_order_prices_limits_and_jobs_and_are_not_cut(
    era: str, connect: Connect
) -> None:
    async with connect(era) as host:
        text = str(host.instructions)
    assert len(text.encode()) < MOST_INSTRUCTION_BYTES
    taught = ("Order: listTemplates", "Prices: ", "Limits: ", "Jobs: ", "allowDuplicate", "never send base64")
    assert [words for words in taught if words not in text] == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("list_templates", "did you mean listTemplates?"),
        ("uploadImagesWithLibraryTemplate", "is switched off by AUTOBG_TOOLSETS"),
        ("nothing", "There is no tool “nothing”"),
        (f"x {KEY}", "There is no tool “x [API key]”"),
        ("", "There is no tool"),
    ],
)
async def test_a_tool_that_is_not_listed_is_a_protocol_error_with_the_way_back(
    era: str, tool: str, said: str, connect: Connect
) -> None:
    async with connect(era) as host:
        with pytest.raises(MCPError) as refused:
            await host.call_tool(tool, {})
    assert refused.value.code == -32602
    assert said in refused.value.message


async def flagged(host: McpClient) -> Iterable[str]:
    tools = (await host.list_tools()).tools
    return {tool.name for tool in tools if (tool.meta or {}).get(NEEDS_A_PERSON)}


@pytest.mark.parametrize("era", ERAS)
async def test_tools_that_pay_need_a_person_where_the_operator_wants_one(era: str, connect: Connect) -> None:
    async with connect(era, approve="paid", toolsets="enterprise,custom,workflow,beta") as host:
        assert await flagged(host) == SPENDING


@pytest.mark.parametrize("approve", ["repeats", "nothing"])
async def test_otherwise_no_tool_costs_a_person_a_question(approve: str, connect: Connect) -> None:
    async with connect(approve=approve) as host:
        assert await flagged(host) == set()


async def test_prompts_and_resources_cost_a_host_few_tokens(connect: Connect) -> None:
    async with connect() as host:
        listings = [
            await host.list_prompts(),
            await host.list_resources(),
            await host.list_resource_templates(),
        ]
    told = "".join(one.model_dump_json(by_alias=True, exclude_none=True) for one in listings)
    assert tokens(told) < 1_500


async def set_level(host: McpClient, level: str) -> None:
    with warnings.catch_warnings():  # the older era's, which the SDK calls deprecated
        warnings.simplefilter("ignore")
        await host.set_logging_level(level)  # type: ignore[arg-type]


@asynccontextmanager
async def listening(
    connect: Connect, tmp_path: Path
) -> AsyncGenerator[tuple[McpClient, list[LoggingMessageNotificationParams]]]:
    """A host whose server cannot write its audit log, and what that host hears."""
    told: list[LoggingMessageNotificationParams] = []

    async def hear(params: LoggingMessageNotificationParams) -> None:
        told.append(params)

    (tmp_path / "state" / "audit.jsonl").mkdir(parents=True)
    (tmp_path / "state").chmod(0o700)
    async with connect("legacy", hear=hear) as host:
        yield host, told


@pytest.mark.parametrize(("level", "heard"), [("debug", 1), ("warning", 1), ("error", 0)])
async def test_a_host_that_asks_for_it_hears_what_the_server_warns_of(
    level: str, heard: int, connect: Connect, car: Path, tmp_path: Path
) -> None:
    async with listening(connect, tmp_path) as (host, told):
        await set_level(host, level)
        await upload(host, car)
        await host.list_tools()
    assert [(one.level, "audit log" in str(one.data)) for one in told] == [("warning", True)] * heard


async def test_a_host_that_asks_for_nothing_hears_nothing(
    connect: Connect, car: Path, tmp_path: Path
) -> None:
    async with listening(connect, tmp_path) as (host, told):
        await upload(host, car)
        await host.list_tools()
    assert told == []


async def test_results_name_the_server_in_short(client: McpClient) -> None:
    listed = (await client.list_tools()).model_dump(by_alias=True)
    info = listed["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert info.keys() == {"name", "title", "version"}


@pytest.mark.parametrize(("era", "declared"), [("auto", False), ("legacy", True)])
async def test_setting_a_level_of_logging_is_declared_where_it_exists(
    era: str, declared: bool, connect: Connect
) -> None:
    async with connect(era) as host:
        assert (host.server_capabilities.logging is not None) is declared
