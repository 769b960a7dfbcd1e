"""What is checked before any request is made, and how a refusal reads."""

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import Clock
from documented import EXCHANGES, arguments_of, received, refusal_of, structured, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.errors import ArgumentsRefusedError
from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.toolkit.tool import Result, Tool
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

REQUIRED = [
    (tool.tool, name)
    for tool in TOOLS
    if tool.tool in EXCHANGES
    for name, field in tool.model_fields.items()
    if field.is_required()
]
BY_NAME = {tool.tool: tool for tool in TOOLS}
URL = "https://cars.example/a.jpg"


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(replay=True)


async def refusal(host: McpClient, world: World, tool: str, arguments: Mapping[str, JsonValue]) -> list[str]:
    """The problems that a call is refused for, once it is sure that it was, and that it was cheap."""
    result = await host.call_tool(tool, dict(arguments))
    text = text_of(result)
    assert result.is_error
    assert not world.requests
    first, *more, verdict, advice = text.splitlines()
    problem = re.fullmatch(rf"{tool}: (.+?)\.? No request was made\.", first)
    assert problem
    assert verdict == "Credits spent: no. Safe to repeat: no."
    assert advice == "Next: Correct the named arguments and retry."
    assert "pydantic" not in text
    assert max(map(len, text.splitlines())) < 300
    return [problem[1], *more]


REPORT: dict[str, JsonValue] = {"picIDs": [1], "reportReason": ["Logo"]}
PLATE: dict[str, JsonValue] = {"images": ["car.jpg"], "numberPlate": "V", "processType": "ai"}
LINKS: dict[str, JsonValue] = {"clientS3Uris": [URL], "numberPlate": "V", "processType": "ai"}
REASONS = "'Bad clipping', 'Alignment of Road', 'Number plate', 'Window see-through', 'Logo' or 'Other'"
PIC_ID = "a whole number, the picID that getImageStatus tells; a batchID or a file name is none"
ONE_RANGE = "arguments: give exactly one of reportOption or startDate with endDate"


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("replaceNumPlate", PLATE | {"numPlateProcessor": 1, "images": ["c" * 4097]}, "images.0: a path of 1 to 4096 characters; pictures are named by path, not sent as data"),
        ("reportImages", REPORT | {"reportReason": ["Ugly"]}, f"reportReason.0: one of {REASONS}"),
        ("reportImages", REPORT | {"reportReason": []}, "reportReason: a list of at least 1"),
        ("reportImages", REPORT | {"picIDs": []}, "picIDs: a list of at least 1"),
        ("reportImages", REPORT | {"picIDs": list(range(11))}, "picIDs: at most 10 items, got 11"),
        ("reportImages", REPORT | {"picIDs": [-1]}, "picIDs.0: at least 0"),
        ("reportImages", REPORT | {"picIDs": [True]}, "picIDs.0: a whole number"),
        ("reportImages", REPORT | {"picIDs": None}, "picIDs: required"),
        ("reportImages", REPORT | {"picIDs": list(range(500))}, "picIDs: at most 10 items, got 500"),
        ("reportImages", REPORT | {"picIDs": list(range(60_000))}, "arguments: at most 20,000 values"),
        ("reportImages", REPORT | {"picIDs": "5" * 1_000_001}, "arguments: at most 1,000,000 characters"),
        ("reportImages", REPORT | {"picIDs": [10**400]}, "arguments: a number that is too large"),
        ("reportImages", REPORT | {"picIDs": [[[[[[[[1]]]]]]]]}, "arguments: at most 8 levels"),
        ("reportImages", REPORT | {"picIDs": "[" * 5_000}, f"picIDs.0: {PIC_ID}"),
        ("reportImages", REPORT | {"picIDs": ["batch-1206"]}, f"picIDs.0: {PIC_ID}"),
        ("getImagesRaw", {"picID": "LeftSide-baleno.jpg"}, f"picID: {PIC_ID}"),
        ("getImagesRaw", {"picID": [5, 6]}, "picID: a whole number"),
        ("reportImages", REPORT | {"picIDs": [1.5]}, "picIDs.0: a whole number"),
        ("sendImagesForQA", {"picIDs": list(range(501))}, "picIDs: at most 500 items, got 501"),
        ("downloadProcessedImages", {"picIDs": list(range(501))}, "picIDs: at most 500 items, got 501"),
        ("replaceNumPlate", PLATE | {"images": ["a.jpg"] * 501, "numPlateProcessor": 1}, "images: at most 500 items, got 501"),
        ("reportImages", REPORT | {"picID": 5}, "picID: no such argument; it takes picIDs, reportReason, reportComment"),
        ("getUserCreditDetails", {"page": 2}, "page: no such argument; it takes none"),
        ("getImageStatus", {"batchID": "1", "verbose": True}, "verbose: no such argument; it takes batchID, all"),
        ("getImageStatus", {"batchID": "  "}, "batchID: an id of 1 to 64 letters, digits, dots and dashes"),
        ("getImageStatus", {"batchID": "1\n2"}, "batchID: an id of 1 to 64 letters, digits, dots and dashes"),
        ("getImageStatus", {"batchID": "1" * 65}, "batchID: an id of 1 to 64 letters, digits, dots and dashes"),
        ("replaceNumPlate", PLATE | {"numPlateProcessor": 2}, "arguments: numPlateProcessor 2 needs numPlateImage"),
        ("replaceNumPlate", PLATE | {"numPlateProcessor": 0}, "numPlateProcessor: at least 1"),
        ("replaceNumPlateS3", LINKS | {"numPlateProcessor": 2}, "arguments: numPlateProcessor 2 needs numberPlateS3String"),
        ("uploadS3UrlsWithoutTemplate", LINKS | {"processType": "human"}, "processType: one of 'ai' or 'collab'"),
        (
            "uploadS3UrlsWithoutTemplate",
            LINKS | {"clientS3Uris": ["file:///etc/passwd"]},
            "clientS3Uris.0: a link that begins with https://, http:// or s3://, at most 2000 characters; files of this machine go to the tools without S3 in their name",
        ),
        ("uploadS3UrlsWithoutTemplate", LINKS | {"clientS3Uris": []}, "clientS3Uris: a list of at least 1"),
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
            "startDate: not a day of the calendar in the form dd-mm-yyyy or yyyy-mm-dd",
        ),
        (
            "getUserUsage",
            {"reportOption": "this year"},
            "reportOption: one of 'Today', 'Yesterday', 'This week', 'Last week', 'Last 7 days', 'Last 30 days', 'This month' or 'Last Month'",
        ),
    ],
)  # fmt: skip
async def test_a_wrong_argument_is_refused_in_one_line_that_names_it(
    tool: str, arguments: dict[str, JsonValue], problem: str, host: McpClient, world: World
) -> None:
    assert await refusal(host, world, tool, arguments) == [problem]


@pytest.mark.parametrize("day", ["2025-6-1", "1-6-2025", "01/06/2025", "06/01/2025", "01-06-25", "20250601"])
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


async def test_many_problems_are_cut_to_twenty_after_the_first_and_a_count(
    host: McpClient, world: World
) -> None:
    problems = await refusal(host, world, "reportImages", REPORT | {f"wrong{n}": n for n in range(24)})
    assert len(problems) == 22
    assert problems[-1] == "and 3 more"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (REPORT | {"picIDs": "[1, 2]"}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": ["1", "2"]}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": "7"}, {"picIDs": [7]}),
        (REPORT | {"picIDs": "512251,512252"}, {"picIDs": [512251, 512252]}),
        (REPORT | {"picIDs": " 1, 2;3\n4 "}, {"picIDs": [1, 2, 3, 4]}),
        (REPORT | {"reportReason": "Bad clipping, Logo"}, {"reportReason": ["Bad clipping", "Logo"]}),
        (REPORT | {"picIDs": 7}, {"picIDs": [7]}),
        (REPORT | {"reportReason": '["Logo", "Other"]'}, {"reportReason": ["Logo", "Other"]}),
        (REPORT | {"reportReason": "Bad clipping"}, {"reportReason": ["Bad clipping"]}),
        (REPORT | {"picIDs": " [1,\n2] "}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": "1\r\n2\n"}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": "1;2 ; 3"}, {"picIDs": [1, 2, 3]}),
        (REPORT | {"picIDs": '["1", 2.0]'}, {"picIDs": [1, 2]}),
        (REPORT | {"picIDs": [5, "5", 5.0]}, {"picIDs": [5]}),
        (REPORT | {"reportReason": ["Logo", "logo", "Other"]}, {"reportReason": ["Logo", "Other"]}),
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
        ("reportImages", {"picIDs": "[1]", "reportReason": "Logo\nOther", "reportComment": 5}, b'"reportComment": "5"'),
        ("getImageStatus", {"batchID": 1004.0}, b'{"batchID": "1004"}'),
        ("replaceNumPlateS3", LINKS | {"numPlateProcessor": 1, "clientS3Uris": f"{URL}, {URL}?2"}, b'["https://cars.example/a.jpg", "https://cars.example/a.jpg?2"]'),
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
    assert sent in received(world, tool)[-1].body


async def test_a_path_with_a_comma_is_one_path(host: McpClient, world: World, photos: Path) -> None:
    Image.new("RGB", (32, 24)).save(photos / "red, fast.jpg")
    arguments = PLATE | {"images": "red, fast.jpg", "numPlateProcessor": "1", "allowDuplicate": "false"}
    structured(await host.call_tool("replaceNumPlate", arguments))
    assert len(received(world, "replaceNumPlate")) == 1


async def test_a_tool_name_of_any_length_is_answered_at_once(host: McpClient) -> None:
    began_s = time.process_time()
    assert "There is no tool" in await refusal_of(host, "uploadImages" * 100_000)
    assert time.process_time() - began_s < 5


async def test_a_number_goes_into_the_query_as_digits(host: McpClient, world: World) -> None:
    await host.call_tool("getImagesRaw", {"picID": "5096"})
    assert world.requests[-1].query == "picID=5096"


NOTHING: list[JsonValue] = [None, "", "  ", [], {}]
OPTIONAL = [
    (tool.tool, name, absent)
    for tool in TOOLS
    for name, field in tool.model_fields.items()
    if not field.is_required()
    for absent in NOTHING
]
WORKFLOW: dict[str, dict[str, JsonValue]] = {
    "processVehicles": {"folder": "cars"},
    "stopJob": {"job": "j-1"},
    "waitForBatch": {"batchID": "1"},
    "reviewBatch": {"batchID": "1"},
    "reportManyImages": {"reports": [{"picID": 1, "reportReason": "Logo"}]},
}
BESIDE: dict[str, dict[str, JsonValue]] = {
    "reportOption": {"startDate": "01-06-2025", "endDate": "02-06-2025"},
    "numPlateImage": {"numPlateProcessor": 1},
    "numberPlateS3String": {"numPlateProcessor": 1},
    "picIDs": {"batchID": "1206"},
    "folder": {"manifest": "cars.csv"},
    "side": {"frontRear": None},
    "frontRear": {"side": None},
}
"""What a call needs where an optional argument is left out."""


def example(tool: str, photos: Path) -> dict[str, JsonValue]:
    return arguments_of(tool, photos) if tool in EXCHANGES else WORKFLOW.get(tool, {})


@pytest.mark.parametrize(("tool", "name", "absent"), OPTIONAL)
async def test_nothing_in_place_of_an_optional_argument_is_as_if_it_were_left_out(
    tool: str, name: str, absent: JsonValue, photos: Path
) -> None:
    given = {key: value for key, value in example(tool, photos).items() if key != name} | BESIDE.get(name, {})
    assert BY_NAME[tool].from_arguments(given | {name: absent}) == BY_NAME[tool].from_arguments(given)


@pytest.mark.parametrize("absent", [None, "", " "])
async def test_every_tool_works_with_nothing_in_place_of_all_that_is_optional(
    absent: str | None, host: McpClient, photos: Path
) -> None:
    for tool in sorted(EXCHANGES):
        optional = [name for name, field in BY_NAME[tool].model_fields.items() if not field.is_required()]
        given = arguments_of(tool, photos)
        result = await host.call_tool(tool, dict.fromkeys(optional, absent) | given)
        assert not result.is_error, text_of(result)


@pytest.mark.parametrize("absent", [None, "", []])
async def test_nothing_in_place_of_an_optional_part_of_an_item_is_as_if_it_were_left_out(
    absent: JsonValue, host: McpClient, world: World
) -> None:
    report = {"picID": 1, "reportReason": ["Logo"], "reportComment": absent}
    structured(await host.call_tool("reportManyImages", {"reports": [report]}))
    assert world.requests[-1].body == b'{"picIDs": [1], "reportReason": ["Logo"]}'


LISTED_TYPES = [
    (tool.tool, name, str(about["type"]))
    for tool in TOOLS
    for name, about in tool.input_schema().get("properties", {}).items()
]


@pytest.mark.parametrize(
    ("tool", "name"), [(tool, name) for tool, name, kind in LISTED_TYPES if kind in ("integer", "number")]
)
@pytest.mark.parametrize("value", [True, False, "true", "1.5x"])
async def test_a_boolean_or_a_word_is_no_number(
    tool: str, name: str, value: JsonValue, host: McpClient, world: World, photos: Path
) -> None:
    given = example(tool, photos)
    problems = await refusal(host, world, tool, given | {name: value})
    assert [problem.partition(": ")[0] for problem in problems] == [name]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("bad-clipping", "Bad clipping"),
        ("BAD_CLIPPING", "Bad clipping"),
        ("badClipping", "Bad clipping"),
        ("alignment of road.", "Alignment of Road"),
        ("number_plate", "Number plate"),
        ("“Window see through”", "Window see-through"),
        ("window-see-through", "Window see-through"),
        (" Window see\u2011through", "Window see-through"),
        ("ＬＯＧＯ", "Logo"),  # noqa: RUF001  # as some keyboards write it
        ("other!", "Other"),
    ],
)
async def test_a_reason_in_another_spelling_is_the_one_of_the_six(
    said: str, meant: str, host: McpClient, world: World
) -> None:
    for reasons in (said, [said], json.dumps([said])):
        structured(await host.call_tool("reportImages", REPORT | {"reportReason": reasons}))
        assert json.loads(world.requests[-1].body)["reportReason"] == [meant]
    nested: dict[str, JsonValue] = {"reports": [{"picID": 2, "reportReason": said}]}
    structured(await host.call_tool("reportManyImages", nested))
    assert json.loads(world.requests[-1].body)["reportReason"] == [meant]


@pytest.mark.parametrize("said", ["AI", "Ai", " ai ", "a.i.", ["ai"]])
async def test_a_process_type_in_another_spelling_is_sent_as_the_documents_write_it(
    said: JsonValue, host: McpClient, world: World
) -> None:
    structured(await host.call_tool("uploadS3UrlsWithoutTemplate", LINKS | {"processType": said}))
    assert json.loads(received(world, "uploadS3UrlsWithoutTemplate")[-1].body)["processType"] == "ai"


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"reportOption": "last 7 days"}, ("Last 7 days", "", "")),
        ({"reportOption": "LAST_30_DAYS"}, ("Last 30 days", "", "")),
        ({"reportOption": "this-month"}, ("This month", "", "")),
        ({"reportOption": "last month"}, ("Last Month", "", "")),
        ({"startDate": "2026-11-01", "endDate": "2026-11-23"}, ("", "01-11-2026", "23-11-2026")),
        ({"startDate": "2026-11-01T00:00:00Z", "endDate": " 23-11-2026 "}, ("", "01-11-2026", "23-11-2026")),
        ({"reportOption": "", "startDate": "2026-11-01", "endDate": "2026-11-01"}, ("", "01-11-2026", "01-11-2026")),
    ],
)  # fmt: skip
async def test_a_range_in_another_spelling_is_sent_as_the_documents_write_it(
    arguments: dict[str, JsonValue], sent: tuple[str, str, str], host: McpClient, world: World
) -> None:
    structured(await host.call_tool("getUserUsage", arguments))
    body = json.loads(world.requests[-1].body)
    assert (body["reportOption"], body["startDate"], body["endDate"]) == sent


@pytest.mark.parametrize(("name", "days_back"), [("this week", (0, None)), ("Last week", (7, 1))])
async def test_a_week_is_asked_for_by_its_days(
    name: str, days_back: tuple[int, int | None], host: McpClient, world: World, clock: Clock
) -> None:
    structured(await host.call_tool("getUserUsage", {"reportOption": name}))
    today = datetime.fromtimestamp(clock.wall_s()).astimezone().date()
    monday = today - timedelta(days=today.weekday())
    first, last = (today if back is None else monday - timedelta(days=back) for back in days_back)
    body = json.loads(world.requests[-1].body)
    assert body == {"reportOption": "", "startDate": f"{first:%d-%m-%Y}", "endDate": f"{last:%d-%m-%Y}"}


@pytest.mark.parametrize("left_out", [{}, {"reportComment": None}, {"reportComment": ""}])
async def test_an_optional_argument_that_is_left_out_is_not_sent(
    left_out: dict[str, JsonValue], host: McpClient, world: World
) -> None:
    await host.call_tool("reportImages", REPORT | left_out)
    assert world.requests[-1].body == b'{"picIDs": [1], "reportReason": ["Logo"]}'


@pytest.mark.parametrize("left_out", [{}, {"limit": None, "since": ""}, {"limit": "", "find": None}])
async def test_a_default_holds_for_null_and_an_empty_text_too(
    left_out: dict[str, JsonValue], host: McpClient
) -> None:
    assert structured(await host.call_tool("listBatches", left_out))["batches"] == []


async def test_a_report_as_json_text_is_understood(host: McpClient, world: World) -> None:
    report = json.dumps(REPORT | {"picIDs": None, "picID": 5}).replace('"picIDs": null, ', "")
    structured(await host.call_tool("reportManyImages", {"reports": [report]}))
    assert json.loads(world.requests[-1].body)["picIDs"] == [5]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def judged_at_once(tool: type[Tool[Result]], arguments: dict[str, JsonValue]) -> bool:
    """Whether arguments are taken or refused, and nothing else, within a second of work."""
    began_s = time.thread_time()
    with suppress(ArgumentsRefusedError):
        tool.from_arguments(arguments)
    return time.thread_time() - began_s < 1


@settings(deadline=None, max_examples=60)
@given(tool=st.sampled_from(TOOLS), data=st.data())
def test_any_json_is_taken_or_refused_at_once(tool: type[Tool[Result]], data: st.DataObject) -> None:
    names = st.sampled_from([*tool.model_fields, "other"])
    assert judged_at_once(tool, data.draw(st.dictionaries(names, ANY_JSON)))


LARGE: list[JsonValue] = [
    "x" * 1_000_000,
    "[1," * 300_000,
    "1," * 400_000,
    "https://a.example/" + "," * 900_000,
    "[" + "1," * 9_999 + "1]",
    list(range(19_000)),
    ["x" * 50] * 19_000,
    [{"picID": 1, "reportReason": ["Logo"] * 9}] * 1_500,
    {str(number): number for number in range(100_000)},
    [[0] * 20_000] * 20_000,
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.tool)
def test_large_arguments_are_taken_or_refused_at_once(tool: type[Tool[Result]]) -> None:
    assert all(judged_at_once(tool, {name: value}) for name in tool.model_fields for value in LARGE)


async def test_a_refused_call_leaves_the_allowance_alone(host: McpClient, world: World) -> None:
    for _ in range(12):
        await refusal(host, world, "reportImages", {})
    meta = (await host.call_tool("reportImages", REPORT)).meta or {}
    assert meta["autobg/callsLeft"] == {"reportImages": 9}
