"""The door out: whatever a tool, a file or the API says, a host gets whole, short and clean text that fits its schema."""

import io
import re
from pathlib import Path

import anyio
import jsonschema  # type: ignore[import-untyped]  # it has no types
import pytest
from conftest import KEY, Connect
from documented import structured, text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, ImageContent
from PIL import Image
from pydantic import JsonValue
from results_drawn import example, results, variants
from scripted_api import ScriptedApi

from autobg_mcp.api.call import Call
from autobg_mcp.serving.door import MOST_BYTES, Door
from autobg_mcp.serving.presenting import present
from autobg_mcp.toolkit.tool import Result, Tool
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

KINDS = list({tool.result_type(): tool for tool in TOOLS}.values())
"""One tool for each type of result."""

LISTED = [tool for tool in KINDS if tool.output_schema()]
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]")

every_kind = pytest.mark.parametrize("tool", KINDS, ids=lambda tool: tool.tool)
every_listed_kind = pytest.mark.parametrize("tool", LISTED, ids=lambda tool: tool.tool)


@pytest.fixture
def sandbox() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def api(sandbox: ScriptedApi) -> ScriptedApi:
    return sandbox


def texts(value: JsonValue) -> list[str]:
    """Every text in a value."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


async def presented(tool: type[Tool[Result]], result: Result, *secrets: str) -> CallToolResult:
    """A result as a host gets it."""
    return await present(tool, result, Call(), Door(secrets), lambda _, name: f"Saved as {name}.")


@every_kind
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_result_holds_a_host_can_be_sent_it(tool: type[Tool[Result]], data: st.DataObject) -> None:
    answer = anyio.run(presented, tool, data.draw(results(tool.result_type())))
    assert answer.model_dump_json().encode()
    assert not HIDDEN.search(text_of(answer))
    assert not [text for text in texts(answer.structured_content) if HIDDEN.search(text) or "\n" in text]


@every_listed_kind
async def test_a_result_fits_its_listed_schema_with_any_of_its_optional_fields(
    tool: type[Tool[Result]],
) -> None:
    for fields in variants(tool.result_type()):
        answer = await presented(tool, example(tool.result_type(), fields))
        jsonschema.validate(answer.structured_content, tool.output_schema() or {})


@every_listed_kind
async def test_a_result_that_is_too_long_is_cut_within_its_schema(tool: type[Tool[Result]]) -> None:
    whole = example(tool.result_type(), frozenset(tool.result_type().model_fields))
    long = {name: value * 3000 if isinstance(value, list) else value for name, value in dict(whole).items()}
    answer = await presented(tool, type(whole).model_construct(**long))
    jsonschema.validate(answer.structured_content, tool.output_schema() or {})
    assert len(text_of(answer).encode()) <= MOST_BYTES


async def test_a_status_of_3000_pictures_is_cut_and_the_whole_is_a_file(
    api: ScriptedApi, host: McpClient
) -> None:
    api.data([{"picID": number, "picName": f"car-{number}.jpg"} for number in range(3000)])
    result = await host.call_tool("getImageStatus", {"batchID": "1206", "all": True})
    answer = structured(result)
    assert len(text_of(result).encode()) <= MOST_BYTES
    assert (answer["pending"], answer["next"]) == (3000, "waitForBatch batchID=1206")
    told = re.search(
        r"images ends after (\d+) of 3,000\. The whole is in (/.+\.json)", str(answer["leftOut"])
    )
    assert told
    assert f'"picID": "{int(told[1]) - 1}"' in text_of(result)
    assert '"picID": "2999"' in await anyio.Path(told[2]).read_text()


def grown(depth: int) -> JsonValue:
    """A value of unknown shape with 30 entries on each level."""
    return {f"name{number}": grown(depth - 1) for number in range(30)} if depth else "x" * 300


@pytest.mark.parametrize("tool", ["getUserUsage", "listLibraryTemplates"])
async def test_an_answer_of_unknown_shape_is_short_however_large_it_is(
    tool: str, api: ScriptedApi, host: McpClient
) -> None:
    api.data([grown(2), grown(2)])
    arguments: dict[str, JsonValue] = {"reportOption": "Today"} if tool == "getUserUsage" else {}
    result = await host.call_tool(tool, arguments)
    assert "leftOut" in structured(result)
    assert len(text_of(result).encode()) <= MOST_BYTES


async def test_a_saved_file_without_a_known_size_is_an_answer_that_the_official_client_takes(
    api: ScriptedApi, host: McpClient
) -> None:
    file = io.BytesIO()
    Image.new("I;16", (64, 48)).save(file, "TIFF")
    api.says(file.getvalue()[:200] + bytes(200), content_type="image/tiff")
    await host.list_tools()  # the client validates against what was listed
    result = await host.call_tool("downloadProcessedImages", {"picIDs": [7]})
    assert '"mime": "image/tiff"' in text_of(result)
    assert "width_px" not in text_of(result)


ESCAPED = ["".join(f"%{ord(one):02X}" for one in KEY), "".join(f"\\u{ord(one):04x}" for one in KEY), KEY]


async def test_the_audit_knows_no_key_however_it_is_set(
    api: ScriptedApi, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f" {KEY}\n")
    api.says(b'{"status": false, "message": "no user %s or %s"}' % (KEY.encode(), ESCAPED[1].encode()))
    arguments: dict[str, JsonValue] = {"picIDs": [1], "reportReason": "Other", "reportComment": f"not {KEY}"}
    async with connect(api_key=None, api_key_file=tmp_path / "key") as host:
        await host.call_tool("reportImages", arguments)
    audit = (tmp_path / "state" / "audit.jsonl").read_text()
    assert "no user [API key] or [API key]" in audit
    assert KEY not in audit


@pytest.mark.parametrize("key", ESCAPED, ids=["percent", "json", "bare"])
async def test_a_key_in_use_leaves_in_no_spelling(
    key: str, api: ScriptedApi, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(f" {KEY}\n")
    async with connect(api_key=None, api_key_file=tmp_path / "key") as host:
        api.says(b'{"status": true, "data": [{"templateID": 1, "templateName": "%s"}]}' % key.encode())
        told = text_of(await host.call_tool("listTemplates", {}))
        api.says(b'{"status": false, "message": "no user %s"}' % key.encode())
        told += text_of(await host.call_tool("listTemplates", {}))
        api.says(b"Period,who\nMonday,%s\n" % key.encode(), content_type="text/csv")
        told += text_of(await host.call_tool("getUserUsage", {"reportOption": "Today"}))
    assert told.count("[API key]") == 3
    assert key not in told


async def test_limits_that_cannot_be_told_say_why(connect: Connect) -> None:
    async with connect(api_key=None) as host:
        with pytest.raises(MCPError, match="No API key is set"):
            await host.read_resource("autobg://limits")


async def test_json_of_any_depth_is_told_to_its_twelfth_level(api: ScriptedApi, host: McpClient) -> None:
    api.says(b'{"status": true, "data": ' + b"[" * 150 + b"]" * 150 + b"}")
    answer = structured(await host.call_tool("getUserUsage", {"reportOption": "Today"}))
    assert str(answer["data"]) == "[" * 12 + "'…'" + "]" * 12


async def test_pictures_beyond_a_megabyte_are_named_instead_of_shown(host: McpClient) -> None:
    tool = next(tool for tool in TOOLS if tool.tool == "reviewBatch")
    review = example(tool.result_type(), frozenset())
    answer = await presented(tool, review.model_copy(update={"pictures": [bytes(300_000)] * 4}))
    assert len([content for content in answer.content if isinstance(content, ImageContent)]) == 2
    assert "Picture 3 is not shown" in text_of(answer)
