"""Many reports in few calls: joined, merged, never sent twice, and told picture by picture."""

from collections.abc import Iterable, Mapping

import pytest
from conftest import Clock, Connect
from documented import numbers, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World

pytestmark = pytest.mark.anyio

REPORT = "/public/api/v1/images/reportImages"
REASONS = ("Bad clipping", "Alignment of Road", "Number plate", "Window see-through", "Logo", "Other")


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=0, credits=600)


@pytest.fixture
async def pictures(request: pytest.FixtureRequest, connect: Connect) -> list[int]:
    """Processed pictures, 30 unless told."""
    number = getattr(request, "param", 30)
    async with connect(links_per_call=500) as client:
        return await processed(client, number)


async def processed(client: McpClient, number: int) -> list[int]:
    links: list[JsonValue] = [f"https://cars.example/{index}.jpg" for index in range(number)]
    arguments: dict[str, JsonValue] = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    result = structured(await client.call_tool("uploadS3UrlsWithoutTemplate", arguments))
    status = structured(
        await client.call_tool("getImageStatus", {"batchID": str(result["batchID"]), "all": True})
    )
    images = status["images"]
    assert isinstance(images, list)
    return [int(str(image["picID"])) for image in images if isinstance(image, dict)]


def bad(pic_id: int, *reasons: str, comment: str = "") -> dict[str, JsonValue]:
    return {"picID": pic_id, "reportReason": list(reasons or REASONS[:1]), "reportComment": comment}


async def report(client: McpClient, reports: Iterable[Mapping[str, JsonValue]]) -> CallToolResult:
    listed: list[JsonValue] = [dict(one) for one in reports]
    return await client.call_tool("reportManyImages", {"reports": listed})


def told(world: World) -> list[tuple[list[int], list[str], str]]:
    """What the API wrote down."""
    return [
        (one.picture_ids, one.reasons, one.comment)
        for account in world.accounts.values()
        for one in account.reports
    ]


def left(result: Mapping[str, JsonValue]) -> list[tuple[list[int], str, int | None]]:
    """Pictures that are not reported, why, and the second to come back at."""
    entries = result["notReported"]
    assert isinstance(entries, list)
    return [
        (numbers(entry["picIDs"]), str(entry["reason"]), entry.get("retryAfterS"))  # type: ignore[misc]
        for entry in entries
        if isinstance(entry, dict)
    ]


@pytest.mark.parametrize("pictures", [200], indirect=True)
async def test_two_hundred_pictures_over_six_reasons_need_at_most_25_calls(
    connect: Connect, world: World, pictures: list[int]
) -> None:
    reports = [bad(pic_id, REASONS[pic_id % 6], comment="Look.") for pic_id in pictures[:200]]
    async with connect(max_wait_s=3600) as client:
        result = structured(await report(client, reports))
    assert sorted(numbers(result["reported"])) == pictures[:200]
    assert world.requests_by_path[REPORT] <= 25
    assert world.refused_429 == 0


async def test_every_picture_is_reported_for_its_own_reasons_with_its_own_comment(
    client: McpClient, world: World, pictures: list[int]
) -> None:
    first, second, third, fourth = pictures[:4]
    await report(
        client,
        [
            bad(first, "Logo", "Other", comment="a"),
            bad(second, "Other", "Logo", comment="a"),
            bad(third, "Logo", "Other", comment="b"),
            bad(fourth, "Logo"),
        ],
    )
    assert told(world) == [
        ([first, second], ["Logo", "Other"], "a"),
        ([third], ["Logo", "Other"], "b"),
        ([fourth], ["Logo"], ""),
    ]


async def test_what_is_said_of_one_picture_in_several_entries_is_put_together(
    client: McpClient, world: World, pictures: list[int]
) -> None:
    pic_id = pictures[0]
    again = [bad(pic_id, "Logo", comment="a"), bad(pic_id, "Other", "Logo", comment="b"), bad(pic_id, "Logo")]
    assert numbers(structured(await report(client, again))["reported"]) == [pic_id]
    assert told(world) == [([pic_id], ["Logo", "Other"], "a; b")]


async def test_long_comments_on_one_picture_stay_within_what_a_report_takes(
    client: McpClient, world: World, pictures: list[int]
) -> None:
    await report(client, [bad(pictures[0], comment="a" * 900), bad(pictures[0], comment="b" * 900)])
    assert [len(comment) for _, _, comment in told(world)] == [1000]


async def test_a_picture_reported_before_is_left_out(
    client: McpClient, world: World, pictures: list[int]
) -> None:
    await report(client, [bad(pictures[0], "Logo", "Other"), bad(pictures[1])])
    result = structured(
        await report(client, [bad(pictures[0], "Other", "Logo"), bad(pictures[1], "Logo"), bad(pictures[2])])
    )
    assert (numbers(result["alreadyReported"]), numbers(result["reported"])) == ([pictures[0]], pictures[1:3])
    assert world.requests_by_path[REPORT] == 4


async def test_a_report_by_the_plain_tool_counts_too(client: McpClient, pictures: list[int]) -> None:
    single: dict[str, JsonValue] = {"picIDs": [pictures[0]], "reportReason": ["Logo"]}
    await client.call_tool("reportImages", single)
    assert numbers(structured(await report(client, [bad(pictures[0], "Logo")]))["alreadyReported"]) == [
        pictures[0]
    ]


async def test_after_a_restart_a_repeat_makes_no_call(
    connect: Connect, world: World, pictures: list[int]
) -> None:
    for _ in range(3):
        async with connect() as client:
            result = structured(await report(client, [bad(pic_id) for pic_id in pictures[:20]]))
    assert numbers(result["alreadyReported"]) == pictures[:20]
    assert world.requests_by_path[REPORT] == 2


async def test_once_the_window_is_over_a_picture_can_be_reported_again(
    connect: Connect, clock: Clock, world: World, pictures: list[int]
) -> None:
    async with connect() as client:
        await report(client, [bad(pictures[0])])
        clock.now_s += 24.1 * 3600
        assert numbers(structured(await report(client, [bad(pictures[0])]))["reported"]) == [pictures[0]]


async def test_a_refused_report_stops_no_other(client: McpClient, world: World, pictures: list[int]) -> None:
    reports = [bad(pictures[0], "Logo"), bad(1, "Other"), bad(pictures[1], "Other"), bad(pictures[2])]
    result = structured(await report(client, reports))
    assert numbers(result["reported"]) == [pictures[0], pictures[1], pictures[2]]
    [(pic_ids, reason, retry_after_s)] = left(result)
    assert (pic_ids, retry_after_s) == ([1], None)
    assert "Image" in reason


@pytest.mark.parametrize("unknown", [[], [7]])
async def test_progress_ends_with_all_whether_reported_or_refused(
    unknown: list[int], client: McpClient, pictures: list[int]
) -> None:
    heard: list[tuple[float, float | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total))

    reports: list[JsonValue] = [bad(pic_id) for pic_id in (*pictures[:12], *unknown)]
    await client.call_tool("reportManyImages", {"reports": reports}, progress_callback=hear)
    done, total = heard[-1]
    assert done == total == len(reports)


async def test_where_every_report_is_refused_the_call_fails_with_the_apis_reason(
    client: McpClient, pictures: list[int]
) -> None:
    result = await report(client, [bad(1), bad(2, "Logo")])
    assert result.is_error
    assert "the API does not have it, or not any more" in text_of(result)


@pytest.mark.parametrize("pictures", [150], indirect=True)
async def test_beyond_the_limit_a_later_call_finishes(
    client: McpClient, world: World, clock: Clock, pictures: list[int]
) -> None:
    reports = [bad(pic_id) for pic_id in pictures[:150]]
    first = structured(await report(client, reports))
    [_, (waiting, _, retry_after_s)] = left(first)
    assert (numbers(first["reported"]), len(waiting)) == (pictures[:100], 40)
    again = f"call again with the same reports in {retry_after_s} s"
    assert str(first["next"]).startswith(f"{again}; waitForBatch batchID=1206, then ")
    clock.now_s += retry_after_s or 0
    second = structured(await report(client, reports))
    assert (numbers(second["alreadyReported"]), numbers(second["reported"])) == (
        pictures[:100],
        pictures[100:150],
    )
    assert world.refused_429 == 0


@pytest.mark.parametrize("pictures", [150], indirect=True)
async def test_what_was_never_reported_goes_before_what_came_back(
    client: McpClient, clock: Clock, pictures: list[int]
) -> None:
    reports = [bad(pic_id) for pic_id in pictures]
    await report(client, reports)
    await client.call_tool("getImageStatus", {"batchID": "1206"})
    clock.now_s += 61
    second = structured(await report(client, reports))
    assert set(pictures[100:]) <= set(numbers(second["reported"]))


async def test_a_report_whose_answer_is_lost_is_told_apart_from_those_not_sent(
    client: McpClient, world: World, pictures: list[int]
) -> None:
    await report(client, [bad(pictures[0])])
    world.fail_next("/reportImages", "drop_after")
    result = structured(await report(client, [bad(pic_id) for pic_id in pictures[:25]]))
    lost, unsent = left(result)
    assert lost[0] == pictures[1:11]
    assert "whether the API acted is unknown" in lost[1]
    assert unsent[:2] == (pictures[11:25], "not sent after that failure")


@pytest.mark.parametrize("kind", ["500", "401", "html", "drop_before"])
async def test_a_call_that_fails_at_its_first_report_is_an_error(
    kind: FailureKind, client: McpClient, world: World, pictures: list[int]
) -> None:
    world.fail_next("/reportImages", kind)
    assert (await report(client, [bad(pic_id) for pic_id in pictures[:25]])).is_error
    assert world.requests_by_path[REPORT] == 1


@pytest.mark.long
@pytest.mark.parametrize("pictures", [500], indirect=True)
async def test_five_hundred_pictures_are_the_most(
    connect: Connect, world: World, pictures: list[int]
) -> None:
    async with connect(max_wait_s=3600) as client:
        result = structured(await report(client, [bad(pic_id) for pic_id in pictures]))
        more = await report(client, [*(bad(pic_id) for pic_id in pictures), bad(1)])
    assert numbers(result["reported"]) == pictures
    assert "at most 500 items, got 501" in text_of(more)
    assert world.requests_by_path[REPORT] == 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"picID": -1, "reportReason": ["Logo"]},
        {"picID": "x", "reportReason": ["Logo"]},
        {"picID": 1, "reportReason": []},
        {"picID": 1, "reportReason": ["Ugly"]},
        {"picID": 1, "reportReason": ["Logo"], "reportComment": "x" * 1001},
        {"picID": 1, "reportReason": ["Logo"], "comment": "x"},
        {"reportReason": ["Logo"]},
    ],
    ids=str,
)
async def test_a_wrong_entry_is_refused_and_named_without_a_call(
    wrong: dict[str, JsonValue], client: McpClient, world: World, pictures: list[int]
) -> None:
    result = await report(client, [bad(pictures[0]), wrong])
    assert "reports.1." in text_of(result)
    assert not world.requests_by_path[REPORT]
