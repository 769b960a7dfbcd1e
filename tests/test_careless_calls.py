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
from mcp.types import CallToolResult
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.sandbox import SandboxOptions, World

pytestmark = pytest.mark.anyio

TABLE = Path(__file__).with_name("careless_calls.txt")
FEWEST_ROWS = 150
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
    plan = told.get("plan")
    chosen = told.get("receipt") or (plan[0] if isinstance(plan, list) else told.get("note")) or told.get("next")
    return str(chosen or text_of(result).partition("\n")[0])


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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"line {row.line}")
async def test_a_careless_call_is_answered_with_its_first_line(
    row: Row, connect: Connect, photos: Path, clock: Clock, world: World
) -> None:
    async with connect() as host:
        await prepare(host, clock)
    [account] = world.accounts.values()
    if credit := row.changed.get("credits"):
        account.credits = account.spent.total() + int(credit)
    settings = {name: value for name, value in row.changed.items() if name != "credits"}
    async with connect(**settings) as host:
        answers = [await host.call_tool(*read(call, photos)) for call in row.calls]
    told = first_line(answers[-1]).replace(str(photos), "{photos}")
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "{time}", told) == row.answer
