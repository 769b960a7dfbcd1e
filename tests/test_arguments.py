"""What is checked before any request is made, and how a refusal reads."""

import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from conftest import Connect
from documented import ALL_TOOLSETS, EXCHANGES, arguments_of, structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue

from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

REQUIRED = [
    (tool.tool, name)
    for tool in TOOLS
    if tool.tool in EXCHANGES
    for name, field in tool.model_fields.items()
    if field.is_required()
]
URL = "https://cars.example/a.jpg"


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(replay=True)


@pytest.fixture
async def host(connect: Connect) -> AsyncGenerator[McpClient]:
    async with connect(toolsets=ALL_TOOLSETS) as connected:
        yield connected


async def refusal(host: McpClient, world: World, tool: str, arguments: Mapping[str, JsonValue]) -> list[str]:
    """The problems that a call is refused for, once it is sure that it was, and that it was cheap."""
    result = await host.call_tool(tool, dict(arguments))
    text = text_of(result)
    assert result.is_error
    assert not world.requests
    first, *problems, verdict, advice = text.splitlines()
    assert first == f"{tool}: no request was made."
    assert verdict == "Credits spent: no. Safe to repeat: no."
    assert advice == "Next: Correct the named arguments and call again."
    assert "pydantic" not in text
    assert max(map(len, text.splitlines())) < 250
    return problems


REPORT: dict[str, JsonValue] = {"picIDs": [1], "reportReason": ["Logo"]}
PLATE: dict[str, JsonValue] = {"images": ["car.jpg"], "numberPlate": "V", "processType": "ai"}
LINKS: dict[str, JsonValue] = {"clientS3Uris": [URL], "numberPlate": "V", "processType": "ai"}
REASONS = "'Bad clipping', 'Alignment of Road', 'Number plate', 'Window see-through', 'Logo' or 'Other'"
ONE_RANGE = "arguments: give exactly one of reportOption or startDate with endDate"


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("reportImages", REPORT | {"reportReason": ["Ugly"]}, f"reportReason.0: one of {REASONS}"),
        ("reportImages", REPORT | {"reportReason": ["logo"]}, f"reportReason.0: one of {REASONS}"),
        ("reportImages", REPORT | {"reportReason": []}, "reportReason: at least 1"),
        ("reportImages", REPORT | {"reportReason": ["Logo"] * 2}, "reportReason: each item may stand only once"),
        ("reportImages", REPORT | {"picIDs": []}, "picIDs: at least 1"),
        ("reportImages", REPORT | {"picIDs": list(range(11))}, "picIDs: at most 10 items, got 11"),
        ("reportImages", REPORT | {"picIDs": [5, "5"]}, "picIDs: each item may stand only once"),
        ("reportImages", REPORT | {"picIDs": [-1]}, "picIDs.0: a number from 0 up"),
        ("reportImages", REPORT | {"picID": 5}, "picID: no such argument; did you mean picIDs?"),
        ("listTemplates", {"page": 2}, "page: no such argument; it takes none"),
        ("getImageStatus", {"batchID": "1", "verbose": True}, "verbose: no such argument; it takes batchID"),
        ("getImageStatus", {"batchID": "  "}, "batchID: one line of 1 to 1000 visible characters"),
        ("getImageStatus", {"batchID": "1\n2"}, "batchID: one line of 1 to 1000 visible characters"),
        ("getImageStatus", {"batchID": "1" * 1001}, "batchID: one line of 1 to 1000 visible characters"),
        ("replaceNumPlate", PLATE | {"numPlateProcessor": 2}, "arguments: numPlateProcessor 2 needs numPlateImage"),
        ("replaceNumPlate", PLATE | {"numPlateProcessor": 0}, "numPlateProcessor: one of 1 or 2"),
        ("replaceNumPlateS3", LINKS | {"numPlateProcessor": 2}, "arguments: numPlateProcessor 2 needs numberPlateS3String"),
        ("uploadS3UrlsWithoutTemplate", LINKS | {"processType": "AI"}, "processType: one of 'ai' or 'collab'"),
        ("uploadS3UrlsWithoutTemplate", LINKS | {"clientS3Uris": [URL, URL]}, "clientS3Uris: each item may stand only once"),
        (
            "uploadS3UrlsWithoutTemplate",
            LINKS | {"clientS3Uris": ["file:///etc/passwd"]},
            "clientS3Uris.0: a link that begins with https://, http:// or s3://",
        ),
        ("uploadS3UrlsWithoutTemplate", LINKS | {"clientS3Uris": []}, "clientS3Uris: at least 1"),
        ("getUserUsage", {}, ONE_RANGE),
        ("getUserUsage", {"reportOption": "Today", "startDate": "01-06-2025", "endDate": "02-06-2025"}, ONE_RANGE),
        ("getUserUsage", {"startDate": "01-06-2025"}, "arguments: startDate and endDate go together"),
        ("getUserUsage", {"endDate": "01-06-2025"}, "arguments: startDate and endDate go together"),
        (
            "getUserUsage",
            {"startDate": "02-06-2025", "endDate": "01-06-2025"},
            "arguments: startDate lies after endDate",
        ),
        (
            "getUserUsage",
            {"startDate": "31-06-2025", "endDate": "01-07-2025"},
            "startDate: not a day of the calendar in the form dd-mm-yyyy",
        ),
        (
            "getUserUsage",
            {"reportOption": "last month"},
            "reportOption: one of 'Today', 'Yesterday', 'Last 7 days', 'Last 30 days', 'This month' or 'Last Month'",
        ),
    ],
)  # fmt: skip
async def test_a_wrong_argument_is_refused_in_one_line_that_names_it(
    tool: str, arguments: dict[str, JsonValue], problem: str, host: McpClient, world: World
) -> None:
    assert await refusal(host, world, tool, arguments) == [problem]


@pytest.mark.parametrize("day", ["2025-06-01", "1-6-2025", "01/06/2025", "01-06-25", "yesterday"])
async def test_a_day_in_another_form_is_refused(day: str, host: McpClient, world: World) -> None:
    [problem] = await refusal(host, world, "getUserUsage", {"startDate": day, "endDate": "30-06-2025"})
    assert problem.startswith("startDate: ")


@pytest.mark.parametrize(("tool", "name"), REQUIRED)
async def test_a_missing_argument_is_named(
    tool: str, name: str, host: McpClient, world: World, photos: Path
) -> None:
    arguments = arguments_of(tool, photos)
    del arguments[name]
    assert await refusal(host, world, tool, arguments) == [f"{name}: required"]


@pytest.mark.parametrize("tool", sorted(EXCHANGES))
async def test_an_unknown_argument_is_refused_by_every_tool(
    tool: str, host: McpClient, world: World, photos: Path
) -> None:
    [problem] = await refusal(host, world, tool, arguments_of(tool, photos) | {"zzz": 1})
    assert problem.startswith("zzz: no such argument; it takes ")


@pytest.mark.parametrize(
    "arguments",
    [
        {"picIDs": [1], "reportReason": ["secret " * 1000]},
        {"picIDs": [1], "reportReason": ["Logo"], "reportComment": "secret " * 1000},
        {"picIDs": "secret " * 1000, "reportReason": ["Logo"]},
        {"picIDs": [1], "reportReason": ["Logo"], "secret" * 1000: 1},
    ],
)
async def test_long_input_is_not_echoed(
    arguments: dict[str, JsonValue], host: McpClient, world: World
) -> None:
    assert len("\n".join(await refusal(host, world, "reportImages", arguments))) < 200


async def test_many_problems_are_cut_to_twenty_lines_and_a_count(host: McpClient, world: World) -> None:
    problems = await refusal(host, world, "reportImages", REPORT | {f"wrong{n}": n for n in range(24)})
    assert len(problems) == 21
    assert problems[-1] == "and 4 more"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (REPORT | {"picIDs": "[1, 2]"}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": ["1", "2"]}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": "7"}, {"picIDs": [7]}),
        (REPORT | {"picIDs": 7}, {"picIDs": [7]}),
        (REPORT | {"reportReason": '["Logo", "Other"]'}, {"reportReason": ["Logo", "Other"]}),
        (REPORT | {"reportReason": "Bad clipping"}, {"reportReason": ["Bad clipping"]}),
    ],
)
async def test_lists_as_text_and_lone_values_are_understood(
    arguments: dict[str, JsonValue], body: dict[str, JsonValue], host: McpClient, world: World
) -> None:
    structured(await host.call_tool("reportImages", arguments))
    assert body.items() <= json.loads(world.requests[-1].body).items()


@pytest.mark.parametrize(
    ("tool", "arguments", "sent"),
    [
        ("getImageStatus", {"batchID": 1004}, b'{"batchID": "1004"}'),
        ("getImageStatus", {"batchID": " 1004 "}, b'{"batchID": "1004"}'),
        ("sendImagesForQA", {"picIDs": [5960, "5961"]}, b'{"picIDs": ["5960", "5961"]}'),
        ("getUserUsage", {"startDate": "29-02-2024", "endDate": "29-02-2024"}, b'{"reportOption": "", "startDate": "29-02-2024", "endDate": "29-02-2024"}'),
        ("replaceNumPlateS3", LINKS | {"numPlateProcessor": "1"}, b'"numPlateProcessor": 1,'),
        ("replaceNumPlateS3", LINKS | {"numPlateProcessor": 1.0}, b'"numPlateProcessor": 1,'),
        ("uploadS3UrlsWithTemplate", LINKS | {"templateCC": 136}, b'"templateCC": "136"'),
        ("reportImages", REPORT | {"reportComment": "Škoda „schief“"}, "Škoda „schief“".encode()),
    ],
)  # fmt: skip
async def test_a_value_of_a_kindred_type_goes_out_as_the_documents_show_it(
    tool: str, arguments: dict[str, JsonValue], sent: bytes, host: McpClient, world: World
) -> None:
    structured(await host.call_tool(tool, arguments))
    assert sent in world.requests[-1].body


async def test_a_number_goes_into_the_query_as_digits(host: McpClient, world: World) -> None:
    await host.call_tool("getImagesRaw", {"picID": "5096"})
    assert world.requests[-1].query == "picID=5096"


async def test_an_optional_argument_that_is_left_out_is_not_sent(host: McpClient, world: World) -> None:
    await host.call_tool("reportImages", REPORT)
    assert world.requests[-1].body == b'{"picIDs": [1], "reportReason": ["Logo"]}'


async def test_a_refused_call_leaves_the_allowance_alone(host: McpClient, world: World) -> None:
    for _ in range(12):
        await refusal(host, world, "reportImages", {})
    meta = (await host.call_tool("reportImages", REPORT)).meta or {}
    assert meta["autobg/callsLeft"] == {"reportImages": 9}
