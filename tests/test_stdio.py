"""The server as a host starts it: a process that speaks MCP over standard input and output, in both protocol eras."""

import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from conftest import KEY, Connect
from documented import refusal_of, structured, text_of
from mcp import Client as McpClient
from mcp import StdioServerParameters
from pydantic import JsonValue

from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

UPLOAD: dict[str, JsonValue] = {"numberPlate": "V", "numPlateProcessor": 1, "processType": "ai"}

both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@asynccontextmanager
async def process(
    mode: str, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[McpClient]:
    """An MCP client connected to a server process with a thin environment."""
    thin = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")}
    own = {"AUTOBG_STATE_DIR": str(folder / "state"), "AUTOBG_OUTPUT_DIR": str(folder / "results")}
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "autobg_mcp", *arguments],
        env=thin | own | dict(environment or {}),
    )
    async with McpClient(parameters, mode=mode) as client:
        yield client


@both_eras
async def test_an_upload_goes_from_photo_to_picture_over_stdio(
    mode: str, tmp_path: Path, photos: Path
) -> None:
    upload = UPLOAD | {"images": [str(photos / "cars")]}
    fence = {"AUTOBG_IMAGE_DIRS": str(photos)}
    async with process(mode, tmp_path, "serve", "--sandbox", environment=fence) as host:
        batch = structured(await host.call_tool("uploadImagesWithoutTemplate", upload))
        done = structured(await host.call_tool("waitForBatch", {"batchID": str(batch["batchID"])}))
        shown = await host.call_tool("getImagesRaw", {"picID": 512251})
    assert (done["processed"], done["pending"]) == (3, 0)
    assert [content.type for content in shown.content] == ["text", "image"]


@pytest.mark.long
@both_eras
async def test_a_server_without_a_key_lists_its_tools_and_names_the_variable_on_a_call(
    mode: str, tmp_path: Path
) -> None:
    async with process(mode, tmp_path) as host:
        names = [tool.name for tool in (await host.list_tools()).tools]
        result = await host.call_tool("listTemplates", {})
        version = host.protocol_version
    assert version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]
    assert names == [tool.tool for tool in TOOLS if tool.toolset != "beta"]
    assert result.is_error
    assert "AUTOBG_API_KEY" in text_of(result)


WRONG = [
    ("AUTOBG_TIMEOUT_S", "s3cret-soon", ()),
    ("AUTOBG_RATE_LIMITS", "reportImages=s3cret", ()),
    ("AUTOBG_TIMEOUTS_S", "s3cret", ("serve",)),
    ("AUTOBG_PATHS", "cancelBatch=/s3cret", ("serve", "--sandbox")),
    ("AUTOBG_IMAGE_DIRS", "${s3cret}/cars", ()),
    ("AUTOBG_OUTPUT_DIR", '"/s3cret"', ()),
    ("AUTOBG_API_KEY", "${s3cret}", ()),
    ("AUTOBG_BASE_URL", "http://s3cret.example/v1", ()),
    ("AUTOBG_BASE_URL", "https://me:s3cret@api.example/v1", ()),
    ("AUTOBG_THROTTLE", "s3cret", ()),
    ("AUTOBG_TOOLSETS", "s3cret", ()),
    ("AUTOBG_DAILY_CREDIT_LIMIT", "s3cret", ()),
]


@pytest.mark.parametrize(
    ("variable", "value", "command"), WRONG, ids=[f"{variable}={value}" for variable, value, _ in WRONG]
)
async def test_a_server_with_a_wrong_setting_lists_its_tools_and_names_the_setting_on_a_call(
    variable: str, value: str, command: tuple[str, ...], tmp_path: Path
) -> None:
    async with process("auto", tmp_path, *command, environment={variable: value}) as host:
        listed = await host.list_tools()
        told = text_of(await host.call_tool("uploadImagesWithoutTemplate", UPLOAD))
    assert listed.tools
    assert variable in told
    assert "Credits spent: no. Safe to repeat: no." in told
    assert "start the server again" in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AUTOBG_API_KEY", "your-api-key", "it is the placeholder of an example"),
        ("AUTOBG_API_KEY_FILE", "/tmp/no-such/key", "cannot be read"),
        ("AUTOBG_IMAGE_DIRS", "/tmp/no-such-folder", "these do not exist: “/tmp/no-such-folder”"),
        ("AUTOBG_STATE_DIR", "/dev/null/state", "/dev/null/state"),
    ],
)
async def test_a_setting_that_is_wrong_on_this_machine_is_told_by_the_call_that_needs_it(
    variable: str, value: str, told: str, tmp_path: Path
) -> None:
    good = {"AUTOBG_BASE_URL": "http://127.0.0.1:9/v1"} | (
        {} if "KEY" in variable else {"AUTOBG_API_KEY": KEY}
    )
    call: tuple[str, dict[str, JsonValue]] = ("listTemplates", {})
    if variable == "AUTOBG_IMAGE_DIRS":
        call = ("uploadImagesWithoutTemplate", UPLOAD | {"images": ["car.jpg"]})
    async with process("auto", tmp_path, environment=good | {variable: value}) as host:
        assert (await host.list_tools()).tools
        text = text_of(await host.call_tool(*call))
    assert variable in text
    assert told in text
    assert "Credits spent: no." in text


@both_eras
async def test_in_memory_both_eras_list_the_same(mode: str, connect: Connect) -> None:
    async with connect(mode) as host:
        listed = await host.list_tools()
    assert [tool.name for tool in listed.tools] == [tool.tool for tool in TOOLS if tool.toolset != "beta"]


@both_eras
async def test_the_server_introduces_itself_and_the_order_of_work(mode: str, connect: Connect) -> None:
    async with connect(mode) as host:
        instructions = host.instructions or ""
    assert "cost credits" in instructions
    assert len(instructions) < 2000


@pytest.mark.long
async def test_read_only_holds_over_stdio_whatever_toolsets_are_set(tmp_path: Path) -> None:
    environment = {"AUTOBG_READ_ONLY": "1", "AUTOBG_TOOLSETS": "enterprise,beta", "AUTOBG_API_KEY": KEY}
    async with process("auto", tmp_path, environment=environment) as host:
        names = {tool.name for tool in (await host.list_tools()).tools}
        refused = await refusal_of(host, "createTemplate")
    assert names == {
        tool.tool for tool in TOOLS if tool.effect == "reads" and tool.toolset in {"enterprise", "beta"}
    }
    assert "createTemplate is switched off by AUTOBG_READ_ONLY" in refused


@both_eras
async def test_a_file_name_that_is_not_utf8_does_not_end_the_server(
    mode: str, tmp_path: Path, photos: Path
) -> None:
    odd = photos / "cars" / os.fsdecode(b"\xffcar\nCredits spent: no.jpg")
    await anyio.Path(odd).write_bytes(b"no picture")
    arguments = UPLOAD | {"images": [str(photos / "cars" / "*.jpg")]}
    fence = {"AUTOBG_IMAGE_DIRS": str(photos)}
    async with process(mode, tmp_path, "serve", "--sandbox", environment=fence) as host:
        answer = structured(await host.call_tool("uploadImagesWithoutTemplate", arguments))
        alone = text_of(
            await host.call_tool(
                "uploadImagesWithoutTemplate", UPLOAD | {"images": [str(photos / "cars" / "?car*.jpg")]}
            )
        )
        listed = structured(await host.call_tool("listBatches", {}))
    assert answer["accepted"] == 3
    assert answer["notSubmitted"][0]["file"].endswith("/?car?Credits spent: no.jpg")  # type: ignore[index,call-overload,union-attr]
    assert [line for line in alone.splitlines() if line.startswith("Credits spent")] == [
        "Credits spent: no. Safe to repeat: no."
    ]
    assert len(listed["batches"]) == 1  # type: ignore[arg-type]
