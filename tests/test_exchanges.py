"""Every endpoint against the documents' own example: the request byte for byte, the answer's data as the result."""

import json
import re
from pathlib import Path

import pytest
from documented import EXCHANGES, arguments_of, structured, text_of
from mcp import Client as McpClient
from mcp.types import ImageContent
from pydantic import JsonValue

from autobg_mcp.sandbox import RecordedRequest, SandboxOptions, World
from autobg_mcp.sandbox.app import endpoints
from autobg_mcp.sandbox.exchanges import ExampleFile, ExampleRequest
from autobg_mcp.tools import ENDPOINTS

pytestmark = pytest.mark.anyio

NOUNS = {"listTemplates": "templates", "getImageStatus": "images", "listLibraryTemplates": "backdrops"}
PICTURES = {"getImagesRaw", "getImagesBase64"}
SPENDING = {endpoint.tool for endpoint in ENDPOINTS if endpoint.effect == "spends"}
every_tool = pytest.mark.parametrize("tool", sorted(EXCHANGES))


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(replay=True)


def written(request: ExampleRequest) -> tuple[object, ...]:
    """A documented request as the sandbox writes requests down."""
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    return request.method, request.path, query, (request.body or "").encode(), request.form or []


def arrived(request: RecordedRequest) -> tuple[object, ...]:
    """The same of a request that arrived; the boundary that parts a form differs from request to request."""
    form = [
        (part.name, ExampleFile(file=part.filename) if part.filename else part.text) for part in request.form
    ]
    return request.method, request.path, request.query, b"" if form else request.body, form


@every_tool
async def test_the_documented_call_sends_the_documented_request_byte_for_byte(
    tool: str, host: McpClient, world: World, photos: Path
) -> None:
    result = await host.call_tool(tool, arguments_of(tool, photos))
    assert not result.is_error, text_of(result)
    documented = EXCHANGES[tool].request
    assert [arrived(each) for each in world.requests if each.path == documented.path] == [written(documented)]


@every_tool
async def test_content_types_are_declared_as_the_bodies_are(
    tool: str, host: McpClient, world: World, photos: Path
) -> None:
    await host.call_tool(tool, arguments_of(tool, photos))
    request = next(each for each in world.requests if each.path == EXCHANGES[tool].request.path)
    kind = "multipart/form-data" if request.form else "application/json" if request.body else ""
    files = {part.filename.rpartition(".")[2]: part.content_type for part in request.form if part.filename}
    assert request.content_type.partition(";")[0] == kind
    assert files.items() <= {"jpg": "image/jpeg", "png": "image/png"}.items()


def _with_ids_as_texts(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Documented data as it is told: an id is a text everywhere."""
    text = re.sub(r'"(batchID|picID|templateID)": (\d+)', r'"\1": "\2"', json.dumps(data))
    told: dict[str, JsonValue] = json.loads(text)
    return told


@pytest.mark.parametrize("tool", sorted(EXCHANGES.keys() - PICTURES - {"reportImages", "getUserUsage"}))
async def test_the_documented_data_is_the_result(tool: str, host: McpClient, photos: Path) -> None:
    body = EXCHANGES[tool].response.body
    assert isinstance(body, dict)
    data: JsonValue = {NOUNS[tool]: body["data"]} if tool in NOUNS else body["data"]
    if tool == "downloadProcessedImages":
        data = {"came": "links"}
    assert isinstance(data, dict)
    if tool in SPENDING:  # what was accepted is counted
        data = {"batchID": data["batchID"], "notSubmitted": []}
    arguments = arguments_of(tool, photos) | ({"all": True} if tool == "getImageStatus" else {})
    if tool != "listLibraryTemplates":  # whose fields nobody knows
        data = _with_ids_as_texts(data)
    assert data.items() <= structured(await host.call_tool(tool, arguments)).items()


async def test_a_report_answers_the_pictures_that_were_reported(host: McpClient, photos: Path) -> None:
    result = await host.call_tool("reportImages", arguments_of("reportImages", photos))
    assert structured(result)["reported"] == ["512251", "512252"]


async def test_the_documented_usage_answer_has_no_envelope_and_is_passed_on(
    host: McpClient, photos: Path
) -> None:
    usage = structured(await host.call_tool("getUserUsage", arguments_of("getUserUsage", photos)))
    assert usage == {"period": "Last 7 days", "form": "json", "data": {}}


@pytest.mark.parametrize("tool", sorted(PICTURES))
async def test_the_documented_picture_call_shows_a_picture(tool: str, host: McpClient, photos: Path) -> None:
    result = await host.call_tool(tool, arguments_of(tool, photos))
    assert [type(content) for content in result.content[1:]] == [ImageContent]


@every_tool
async def test_the_text_of_a_success_is_short(tool: str, host: McpClient, photos: Path) -> None:
    text = text_of(await host.call_tool(tool, arguments_of(tool, photos)))
    assert 0 < len(text) < 800


def test_limits_are_those_that_the_sandbox_enforces() -> None:
    ours = {endpoint.tool: (endpoint.rate.calls, endpoint.rate.window_s) for endpoint in ENDPOINTS}
    assert ours == {endpoint.tool: (endpoint.limit, 60) for endpoint in endpoints()}


def test_only_limits_that_a_page_names_count_as_documented() -> None:
    ours = {endpoint.tool: endpoint.rate.documented for endpoint in ENDPOINTS}
    assert ours == {tool: exchange.mark.limit == "documented" for tool, exchange in EXCHANGES.items()}
