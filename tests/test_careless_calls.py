"""Careless calls: every row of `careless_calls.txt` is answered with its first line."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import KEY, Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, TextContent
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.tools import MODULES, TOOLS

pytestmark = pytest.mark.anyio

TABLE = Path(__file__).with_name("careless_calls.txt")
FEWEST_ROWS = 150
TOOL_NAME = re.compile(
    r"\b(?:upload|list|get|create|replace|report|send|download|wait|review)[A-Z][A-Za-z0-9]*"
)
ARGUMENTS = {name for tool in TOOLS for name in tool.model_fields}
TURNAROUND_S = 7200.0
BALANCE_IS_OLD_S = 700.0
LINKS: list[JsonValue] = [f"https://pictures.example.com/{name}.jpg" for name in ("left", "right")]


@dataclass
class Row:
    """Calls one after another, what is changed for them, and the first line of the last answer."""

    line: int = 0
    changed: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    answer: str = ""

    def is_refused_by_its_words(self) -> bool:
        """Whether the words of a call are all that it takes to refuse it."""
        return self.answer.endswith("No request was made.") or self.answer.startswith("There is no tool")


def rows() -> Iterator[Row]:
    """The rows of the table."""
    row = Row()
    for number, line in enumerate(TABLE.read_text("utf-8").splitlines(), 1):
        if line.startswith("  "):
            row.line, row.answer = number, line.strip()
            yield row
            row = Row()
        elif line.startswith("with "):
            row.changed = dict(part.split("=", 1) for part in line.split()[1:])
        elif line and not line.startswith(("#", "right ")):
            row.calls.append(line)


RIGHT = dict(re.findall(r"^right (\w+) (.*)$", TABLE.read_text("utf-8"), re.MULTILINE))
ROWS = list(rows())


def repeated(values: dict[str, JsonValue]) -> JsonValue:
    """`{"3 of": "x"}` is three x."""
    [(name, value)] = values.items() if len(values) == 1 else [("", None)]
    count = re.fullmatch(r"(\d+) of", name)
    return [value] * int(count[1]) if count else values


def read(call: str, photos: Path) -> tuple[str, dict[str, JsonValue]]:
    """A line of the table as tool and arguments."""
    tool, _, text = call.replace("{photos}", str(photos)).partition(" ")
    given = json.loads(text.removeprefix("+"), object_hook=repeated)
    return tool, (json.loads(RIGHT[tool]) if text.startswith("+") else {}) | given


def first_line(result: CallToolResult) -> str:
    """What a reader reads first."""
    told: Mapping[str, JsonValue] = result.structured_content or {}
    chosen = [told.get("receipt"), told.get("plan"), told.get("note"), told.get("next"), told.get("notes")]
    first = next(filter(None, chosen), text_of(result).partition("\n")[0])
    return str(first[-1 if first is told.get("notes") else 0] if isinstance(first, list) else first)


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=TURNAROUND_S, api_keys=frozenset({KEY}))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    names = ("AB-123/front", "AB-123/rear", "AB-123/side", "GT-40/left", "GT-40/right")
    for number, name in enumerate(names):
        draw(folder / "cars" / f"{name}.jpg", (40 * number, 0, 0))
    for name in ("background.jpg", "logo.png", "plate.png"):
        draw(folder / name, (250, 250, 250))
    for name in ("cars/GT-40/broken.jpg", "cars/GT-40/notes.txt", "documents/contract.pdf"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("no picture")
    return folder


def draw(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(path)


async def prepare(host: McpClient, clock: Clock) -> None:
    """The template, the finished batch and the one in work."""

    async def call(tool: str, **changes: JsonValue) -> None:
        structured(await host.call_tool(tool, json.loads(RIGHT[tool]) | changes))

    await call("createTemplate", name="Showroom")
    await call("uploadImagesWithTemplate", images=["cars/AB-123/front.jpg", "cars/AB-123/rear.jpg"])
    clock.now_s += 2 * TURNAROUND_S
    await call("uploadS3UrlsWithTemplate", clientS3Uris=LINKS, numberPlate="LINKS")
    for batch in ("1206", "1207"):
        structured(await host.call_tool("getImageStatus", {"batchID": batch}))
    clock.now_s += BALANCE_IS_OLD_S


async def answered(host: McpClient, tool: str, arguments: dict[str, JsonValue]) -> CallToolResult:
    """What a model reads, which of a tool that is not listed is the protocol's own error."""
    try:
        return await host.call_tool(tool, arguments)
    except MCPError as error:
        return CallToolResult(content=[TextContent(type="text", text=error.message)], is_error=True)


async def answer(row: Row, connect: Connect, photos: Path, clock: Clock, world: World) -> CallToolResult:
    """The last answer of a row's calls; the world is prepared where more than words is looked at."""
    if not row.is_refused_by_its_words():
        async with connect() as host:
            await prepare(host, clock)
    if credit := row.changed.get("credits"):
        [account] = world.accounts.values()
        account.credits = account.spent.total() + int(credit)
    settings = {name: value for name, value in row.changed.items() if name != "credits"}
    async with connect(**settings) as host:
        return [await answered(host, *read(call, photos)) for call in row.calls][-1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"line {row.line}")
async def test_a_careless_call_is_answered_with_its_first_line_and_names_only_tools_that_exist(
    row: Row, connect: Connect, photos: Path, clock: Clock, world: World
) -> None:
    result = await answer(row, connect, photos, clock, world)
    assert first_line(result).replace(str(photos), "{photos}") == row.answer
    assert not (row.is_refused_by_its_words() and world.requests)
    asked = {call.partition(" ")[0] for call in row.calls}
    assert set(TOOL_NAME.findall(text_of(result))) - asked <= {*MODULES, *ARGUMENTS}


def test_the_table_is_as_long_as_it_is_meant_to_be() -> None:
    assert len(ROWS) >= FEWEST_ROWS
    assert all(row.calls and row.answer for row in ROWS)


@pytest.mark.parametrize("tool", [tool for tool in RIGHT if tool not in ("createTemplate", "reportImages")])
@pytest.mark.parametrize("nothing", [None, ""])
async def test_an_adapter_that_sends_nothing_for_each_optional_argument_can_upload(
    nothing: str | None, tool: str, client: McpClient, photos: Path, clock: Clock
) -> None:
    await prepare(client, clock)
    [listed] = [one for one in (await client.list_tools()).tools if one.name == tool]
    filled = dict.fromkeys(listed.input_schema["properties"], nothing)
    result = structured(await client.call_tool(tool, filled | json.loads(RIGHT[tool])))
    assert (result["accepted"], result["notSubmitted"]) == (1, [])
