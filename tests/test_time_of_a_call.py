"""A free call ends within its time, whatever the API does, and answers what it has by then."""

import json
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock, Connect
from documented import ALL_TOOLSETS, EXCHANGES, arguments_of, numbers, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue
from slow_api import NEVER_S, SlowApi
from starlette.applications import Starlette

from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

ENDS_S = 55
"""45 s of waiting, which is the default, and 10 s; hosts cut at 60 s."""

FREE = [tool.tool for tool in TOOLS if tool.effect != "spends"]
OWN: dict[str, dict[str, JsonValue]] = {
    "waitForBatch": {"batchID": "1206", "waitSeconds": 45},
    "reviewBatch": {"batchID": "1206"},
    "reportManyImages": {"reports": [{"picID": one, "reportReason": ["Logo"]} for one in range(1, 31)]},
    "listBatches": {},
    "getCreditSummary": {},
    "getJobs": {},
    "stopJob": {"job": "j-nothing"},
}
"""Arguments of tools that the documents have no example of."""


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=0, credits=600, download_form="map")


@pytest.fixture
def api(sandbox: Starlette, clock: Clock) -> SlowApi:
    return SlowApi(sandbox, clock)


@pytest.fixture
async def host(connect: Connect, api: SlowApi) -> AsyncGenerator[McpClient]:
    async with connect(toolsets=ALL_TOOLSETS, api=api) as connected:
        yield connected


@pytest.fixture
async def pic_ids(host: McpClient) -> list[int]:
    """Processed pictures of batch 1206, whose status was not looked at yet."""
    links: list[JsonValue] = [f"https://cars.example/{number}.jpg" for number in range(80)]
    arguments: dict[str, JsonValue] = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    structured(await host.call_tool("uploadS3UrlsWithoutTemplate", arguments))
    return list(range(512251, 512331))


async def timed(
    host: McpClient, clock: Clock, tool: str, arguments: dict[str, JsonValue]
) -> tuple[float, CallToolResult]:
    """How many seconds a call took, and its result."""
    asked_s = clock.now_s
    result = await host.call_tool(tool, arguments)
    return clock.now_s - asked_s, result


async def report(host: McpClient, clock: Clock, pic_ids: list[int]) -> tuple[float, Any]:
    reports: list[JsonValue] = [{"picID": one, "reportReason": ["Logo"]} for one in pic_ids]
    took_s, result = await timed(host, clock, "reportManyImages", {"reports": reports})
    return took_s, json.loads(text_of(result).partition("\n\n")[0]) if not result.is_error else text_of(
        result
    )


def reported(world: World) -> Counter[int]:
    """How often the API was told of each picture."""
    return Counter(
        one for account in world.accounts.values() for told in account.reports for one in told.picture_ids
    )


# Whatever the tool


@pytest.mark.parametrize("tool", FREE)
@pytest.mark.parametrize(("max_wait_s", "ends_s"), [(45, 55), (0, 10), (100, 110)])
async def test_no_free_call_outlasts_its_time_where_the_api_never_answers(
    max_wait_s: int, ends_s: int, tool: str, connect: Connect, api: SlowApi, clock: Clock, photos: Path
) -> None:
    api.slow_s = {"": NEVER_S}
    arguments = OWN[tool] if tool in OWN else arguments_of(tool, photos)
    async with connect(toolsets=ALL_TOOLSETS, api=api, max_wait_s=max_wait_s) as host:
        took_s, result = await timed(host, clock, tool, arguments)
    assert took_s <= ends_s
    assert result.is_error is (tool not in ("listBatches", "getJobs"))


@pytest.mark.parametrize("tool", [tool for tool in FREE if tool in EXCHANGES])
async def test_an_answer_that_does_not_come_is_told_with_what_it_cost_and_whether_to_repeat(
    tool: str, host: McpClient, api: SlowApi, photos: Path
) -> None:
    api.slow_s = {EXCHANGES[tool].request.path: NEVER_S}
    result = await host.call_tool(tool, arguments_of(tool, photos))
    first, cost, step = text_of(result).splitlines()[:3]
    may_repeat = "no" if tool in ("createTemplate", "reportImages", "sendImagesForQA") else "yes"
    assert f"{tool}: no answer within 55 s; whether the API acted is unknown." in first
    assert cost == f"Credits spent: no. Safe to repeat: {may_repeat}."
    assert step.startswith("Next: C")


@pytest.mark.parametrize("slow_s", [8, 30, 100])
@pytest.mark.parametrize("tool", FREE)
@pytest.mark.usefixtures("pic_ids")
async def test_no_free_call_outlasts_its_time_where_the_api_is_slow(
    slow_s: int, tool: str, host: McpClient, api: SlowApi, clock: Clock, photos: Path
) -> None:
    api.slow_s = {"": slow_s}
    took_s, _ = await timed(host, clock, tool, OWN[tool] if tool in OWN else arguments_of(tool, photos))
    assert took_s <= ENDS_S


async def test_an_api_that_answers_within_the_time_is_waited_for(
    host: McpClient, api: SlowApi, clock: Clock
) -> None:
    api.slow_s = {"": 54}
    took_s, result = await timed(host, clock, "listTemplates", {})
    assert (took_s, structured(result)["total"]) == (54, 0)


async def test_a_lost_answer_is_not_asked_for_again_once_the_time_is_over(
    host: McpClient, api: SlowApi, clock: Clock
) -> None:
    api.slow_s = {"": NEVER_S}
    await timed(host, clock, "listTemplates", {})
    assert len(api.arrived) == 1


# Templates


async def test_a_template_whose_answer_was_too_late_is_not_made_twice(
    host: McpClient, api: SlowApi, clock: Clock, photos: Path, world: World
) -> None:
    api.slow_s = {"/templates/create": 100}
    new: dict[str, JsonValue] = {
        "name": "A",
        "background": str(photos / "background.jpg"),
        "numPlate": False,
    }
    first = text_of(await host.call_tool("createTemplate", new))
    again = text_of(await host.call_tool("createTemplate", new))
    assert "whether the API acted is unknown" in first
    assert "the account has template 136 “A” already" in again


async def test_a_look_before_a_template_leaves_the_time_to_make_it(
    connect: Connect, api: SlowApi, photos: Path
) -> None:
    api.slow_s = {"/templates/list": 4}
    new: dict[str, JsonValue] = {
        "name": "A",
        "background": str(photos / "background.jpg"),
        "numPlate": False,
    }
    async with connect(api=api, max_wait_s=0) as host:
        assert structured(await host.call_tool("createTemplate", new))["templateID"]


# Reports


@pytest.mark.parametrize(("slow_s", "least"), [(8, 60), (30, 10)])
async def test_reports_that_the_time_does_not_suffice_for_are_told_with_how_to_go_on(
    slow_s: int, least: int, host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": slow_s}
    took_s, told = await report(host, clock, pic_ids)
    assert took_s <= ENDS_S
    assert numbers(told["reported"]) == pic_ids[:least]
    left = [pic_id for one in told["notReported"] for pic_id in numbers(one["picIDs"])]
    assert left == pic_ids[least:]
    assert "call again with the same reports in " in told["next"].casefold()


@pytest.mark.parametrize("slow_s", [8, 30, 100])
async def test_repeats_report_every_picture_once_however_slow_the_api_is(
    slow_s: int, host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int], world: World
) -> None:
    api.slow_s = {"": slow_s}
    for _ in range(9):
        took_s, _ = await report(host, clock, pic_ids)
        assert took_s <= ENDS_S
    assert reported(world) == dict.fromkeys(pic_ids, 1)


async def test_a_report_that_is_lost_at_once_names_the_way_on(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": NEVER_S}
    _, told = await report(host, clock, pic_ids)
    assert "Next: Call again with the same reports: those of that call count as reported" in told


async def test_pictures_for_people_that_are_looked_for_one_by_one_end_with_the_time(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": 8}
    asked = [*pic_ids[:6], 1, *pic_ids[6:12], 2]
    took_s, result = await timed(host, clock, "sendImagesForQA", {"picIDs": list(asked)})
    assert took_s <= ENDS_S
    left = [one for part in structured(result)["notSent"] for one in part["picIDs"]]  # type: ignore[union-attr,index,call-overload]
    sent = structured(result)["images"]
    assert len(sent) + len(left) == len(asked)  # type: ignore[arg-type]


# Pictures


async def test_a_sheet_shows_what_came_in_time_and_names_the_rest(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": 8}
    took_s, result = await timed(host, clock, "reviewBatch", {"batchID": "1206"})
    late = ", ".join(map(str, pic_ids[10:12]))
    assert took_s <= ENDS_S
    assert text_of(result).count("not shown: getImagesRaw: the time of this call was over") == 2
    assert f"getImagesRaw for each that the time did not suffice for: {late}" in text_of(result)


async def test_links_that_the_time_does_not_suffice_for_are_named(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": 8}
    arguments: dict[str, JsonValue] = {"picIDs": list(pic_ids[:7])}
    took_s, result = await timed(host, clock, "downloadProcessedImages", arguments)
    told = structured(result)
    assert took_s <= ENDS_S
    assert len(told["files"]) == 5  # type: ignore[arg-type]
    assert [one["reason"] for one in told["notSaved"]] == [  # type: ignore[union-attr,index,call-overload]
        "not fetched: the time was over; call again with what is missing"
    ] * 2


async def test_a_link_that_never_answers_is_told_with_how_long_was_waited(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    arguments: dict[str, JsonValue] = {"picIDs": [pic_ids[0]]}
    await host.call_tool("downloadProcessedImages", arguments)
    api.slow_s = {api.arrived[-1]: NEVER_S}
    took_s, result = await timed(host, clock, "downloadProcessedImages", arguments)
    assert took_s <= ENDS_S
    assert "did not answer within 55 s" in text_of(result)


# Waiting, and credits


async def test_a_wait_answers_the_last_look_that_came(
    connect: Connect, api: SlowApi, clock: Clock, world: World, pic_ids: list[int]
) -> None:
    for picture in next(iter(world.accounts.values())).pictures.values():
        picture.ready_s = clock.now_s + 500
    api.slow_s = {"": 30}
    async with connect(api=api) as host:
        took_s, result = await timed(host, clock, "waitForBatch", {"batchID": "1206", "waitSeconds": 45})
    assert took_s <= ENDS_S
    assert structured(result)["pending"] == len(pic_ids)


async def test_a_look_without_waiting_has_the_time_of_a_call(
    host: McpClient, api: SlowApi, clock: Clock, pic_ids: list[int]
) -> None:
    api.slow_s = {"": 30}
    took_s, result = await timed(host, clock, "waitForBatch", {"batchID": "1206", "waitSeconds": 0})
    assert (took_s, structured(result)["processed"]) == (30, len(pic_ids))


async def test_a_summary_of_credits_asks_for_all_periods_at_once(
    host: McpClient, api: SlowApi, clock: Clock
) -> None:
    api.slow_s = {"": 30}
    took_s, result = await timed(host, clock, "getCreditSummary", {})
    used = structured(result)["used"]
    assert took_s == 30
    assert [one["source"] for one in used] == ["API usage"] * 4  # type: ignore[union-attr,index,call-overload]


async def test_usage_that_does_not_come_in_time_costs_no_balance(
    host: McpClient, api: SlowApi, clock: Clock
) -> None:
    api.slow_s = {"/getUsage": NEVER_S}
    took_s, result = await timed(host, clock, "getCreditSummary", {})
    assert took_s <= ENDS_S
    assert structured(result)["left"] == 600
    assert "no answer within 55 s" in str(structured(result)["used"])


# Beside what spends


async def test_a_look_after_a_payment_ends_with_the_call(
    host: McpClient, api: SlowApi, clock: Clock, car: Path
) -> None:
    api.slow_s = {"/getUserCreditDetails": NEVER_S, "/uploadWithoutTemplateCC": 42}
    arguments: dict[str, JsonValue] = {"images": [str(car)], "numberPlate": "V", "processType": "ai"}
    took_s, result = await timed(
        host, clock, "uploadImagesWithoutTemplate", arguments | {"numPlateProcessor": 1}
    )
    assert took_s <= ENDS_S
    assert structured(result)["accepted"] == 1


async def test_what_spends_is_not_broken_off_so_that_what_it_paid_for_is_known(
    host: McpClient, api: SlowApi, car: Path
) -> None:
    api.slow_s = {"/uploadWithoutTemplateCC": 100}
    arguments: dict[str, JsonValue] = {"images": [str(car)], "numberPlate": "V", "processType": "ai"}
    await host.call_tool("uploadImagesWithoutTemplate", arguments | {"numPlateProcessor": 1})
    assert structured(await host.call_tool("listBatches", {}))["outcomeUnknown"] == []
