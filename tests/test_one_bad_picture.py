"""One unready or unknown picture costs itself: the others of the call are served, by few calls, and what is left is told."""

import json
from collections.abc import Mapping

import pytest
from conftest import Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World

pytestmark = pytest.mark.anyio

IMAGES = "/public/api/v1/images"
PATHS = {
    "reportImages": f"{IMAGES}/reportImages",
    "reportManyImages": f"{IMAGES}/reportImages",
    "sendImagesForQA": f"{IMAGES}/sendForQA-v2",
    "downloadProcessedImages": f"{IMAGES}/downloadImages-v2",
}
UNKNOWN = 7
SILENT = SandboxOptions(turnaround_s=2.0, refusals_name_pictures=False)

every_tool = pytest.mark.parametrize("tool", PATHS)
named_or_not = pytest.mark.parametrize("sandbox_options", [SandboxOptions(), SILENT], ids=["named", "silent"])


async def submitted(host: McpClient, number: int = 10, vehicle: str = "V") -> str:
    """The batch of so many pictures."""
    links: list[JsonValue] = [f"https://cars.example/{vehicle}/{index}.jpg" for index in range(number)]
    arguments: dict[str, JsonValue] = {"clientS3Uris": links, "numberPlate": vehicle, "processType": "ai"}
    return str(structured(await host.call_tool("uploadS3UrlsWithoutTemplate", arguments))["batchID"])


async def looked_at(host: McpClient, batch_id: str) -> list[int]:
    images = structured(await host.call_tool("getImageStatus", {"batchID": batch_id, "all": True}))["images"]
    assert isinstance(images, list)
    return [int(str(image["picID"])) for image in images if isinstance(image, dict)]


@pytest.fixture
async def done(host: McpClient, world: World) -> list[int]:
    """Ten processed pictures that a status was asked of."""
    batch_id = await submitted(host)
    world.advance(2)
    return await looked_at(host, batch_id)


def arguments_of(tool: str, pic_ids: list[int]) -> dict[str, JsonValue]:
    """A call about pictures."""
    if tool == "reportManyImages":
        return {"reports": [{"picID": one, "reportReason": ["Logo"]} for one in pic_ids]}
    reason: dict[str, JsonValue] = {"reportReason": ["Logo"]} if tool == "reportImages" else {}
    return {"picIDs": [*pic_ids], **reason}


async def call(host: McpClient, tool: str, *pic_ids: int) -> CallToolResult:
    return await host.call_tool(tool, arguments_of(tool, list(pic_ids)))


def left(result: Mapping[str, JsonValue]) -> list[tuple[list[int], str]]:
    """The pictures that were left out, and why."""
    entries = result.get("notReported", result.get("notSent", result.get("notSaved")))
    assert isinstance(entries, list)
    return [
        ([int(str(pic_id)) for pic_id in one.get("picIDs") or [one["name"]]], str(one["reason"]))  # type: ignore[union-attr]
        for one in entries
        if isinstance(one, dict)
    ]


def served(result: Mapping[str, JsonValue]) -> int:
    """How many pictures were served."""
    entries = result.get("reported", result.get("images", result.get("files")))
    assert isinstance(entries, list)
    return len(entries)


def body(world: World) -> object:
    """What the last request carried."""
    return json.loads(world.requests[-1].body)


@named_or_not
@every_tool
async def test_beside_an_unknown_picture_the_others_are_served(
    tool: str, host: McpClient, world: World, done: list[int]
) -> None:
    result = structured(await call(host, tool, *done[:5], UNKNOWN, *done[5:9]))
    [(pic_ids, reason)] = left(result)
    assert (pic_ids, served(result)) == ([UNKNOWN], 9)
    assert "the API does not have it, or not any more" in reason
    assert world.requests_by_path[PATHS[tool]] <= 3


@every_tool
async def test_an_unknown_picture_is_to_be_checked_and_not_asked_for_again(
    tool: str, host: McpClient, done: list[int]
) -> None:
    step = str(structured(await call(host, tool, done[0], UNKNOWN))["next"])
    assert "Check the id" in step
    assert "call again" not in step


@every_tool
async def test_beside_a_picture_in_work_the_others_are_served_by_one_call(
    tool: str, host: McpClient, world: World, done: list[int]
) -> None:
    await host.call_tool("reportImages", {"picIDs": done[:1], "reportReason": ["Other"]})
    await looked_at(host, "1206")
    before = world.requests_by_path[PATHS[tool]]
    result = structured(await call(host, tool, *done[:6]))
    [(pic_ids, reason)] = left(result)
    assert (pic_ids, served(result)) == (done[:1], 5)
    assert "in work, as batch 1206 was seen right now" in reason
    assert "after waitForBatch batchID=1206" in str(result["next"])
    assert world.requests_by_path[PATHS[tool]] == before + 1


@every_tool
async def test_pictures_that_were_in_work_at_the_last_look_are_served_once_they_are_done(
    tool: str, host: McpClient, world: World
) -> None:
    pic_ids = await looked_at(host, await submitted(host))
    world.advance(2)
    assert served(structured(await call(host, tool, *pic_ids))) == 10


@named_or_not
@every_tool
async def test_a_picture_that_went_into_work_unseen_is_found_by_the_text_or_by_a_free_look(
    tool: str, host: McpClient, world: World, done: list[int]
) -> None:
    world.redo(world.accounts[next(iter(world.accounts))].pictures[one] for one in done[3:5])
    result = structured(await call(host, tool, *done))
    assert served(result) == 8
    assert sorted(pic_id for pic_ids, _ in left(result) for pic_id in pic_ids) == done[3:5]
    assert world.requests_by_path[PATHS[tool]] <= 3


@every_tool
async def test_one_picture_in_work_is_told_to_wait_for_without_a_call(
    tool: str, host: McpClient, world: World
) -> None:
    pic_ids = await looked_at(host, await submitted(host))
    result = await call(host, tool, pic_ids[0])
    assert result.is_error
    assert "Safe to repeat: yes" in text_of(result)
    assert "Next: waitForBatch batchID=1206" in text_of(result)
    assert not world.requests_by_path[PATHS[tool]]


class TestRefusedWithoutAName:
    """The text names no picture, and no look tells which it is about: the ledger knows none of them."""

    @pytest.fixture
    def sandbox_options(self) -> SandboxOptions:
        return SandboxOptions(turnaround_s=0, refusals_name_pictures=False)

    @pytest.mark.parametrize("tool", ["reportImages", "reportManyImages", "sendImagesForQA"])
    async def test_at_most_half_of_the_minutes_calls_go_into_the_search(
        self, tool: str, host: McpClient, world: World
    ) -> None:
        await call(host, tool, *range(1, 11))
        assert world.requests_by_path[PATHS[tool]] <= 6

    async def test_the_same_reports_again_end_the_search(self, host: McpClient, world: World) -> None:
        await submitted(host)
        pic_ids = [512251 + number for number in range(9)]
        for _ in range(3):
            result = structured(await call(host, "reportManyImages", *pic_ids, UNKNOWN))
        assert [ids for ids, _ in left(result)] == [[UNKNOWN]]
        assert len(result["alreadyReported"]) == 9  # type: ignore[arg-type]
        assert world.requests_by_path[PATHS["reportImages"]] <= 10

    async def test_what_is_not_found_out_yet_is_told_with_the_call_that_goes_on(
        self, host: McpClient
    ) -> None:
        await submitted(host)
        result = structured(await call(host, "reportImages", *range(512251, 512258), 1, 2, 3))
        unsure = [ids for ids, reason in left(result) if "not yet known for which picture" in reason]
        assert unsure
        assert f"call again with picIDs={unsure[0]} to find out which one is refused" in str(result["next"])

    async def test_every_other_group_goes_out_before_a_refused_one_is_divided(self, connect: Connect) -> None:
        async with connect(max_wait_s=0) as host:
            await submitted(host, 80)
            pic_ids = [512251 + number for number in range(80)]
            result = structured(await call(host, "reportManyImages", *range(1, 11), *pic_ids))
        assert set(map(str, pic_ids)) <= set(result["reported"])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["401", "500", "drop_before", "html"])
@every_tool
async def test_a_failure_that_would_meet_the_rest_ends_the_call_with_its_reason(
    kind: FailureKind, tool: str, host: McpClient, world: World, done: list[int]
) -> None:
    world.fail_next(PATHS[tool].rpartition("/")[2], kind, times=9)
    result = await call(host, tool, *done)
    assert result.is_error
    assert "not one of the pictures" not in text_of(result)
    assert world.requests_by_path[PATHS[tool]] <= 2


@every_tool
async def test_where_every_picture_is_refused_the_error_names_each(
    tool: str, host: McpClient, world: World, done: list[int]
) -> None:
    result = await call(host, tool, 7, 8)
    assert result.is_error
    assert "picIDs [7]: " in text_of(result)
    assert "picIDs [8]: " in text_of(result)


async def test_a_picture_that_qa_does_not_take_is_told_by_its_id(host: McpClient, done: list[int]) -> None:
    result = structured(await call(host, "sendImagesForQA", done[0], UNKNOWN))
    assert [ids for ids, _ in left(result)] == [[UNKNOWN]]


class TestAWholeBatch:
    """sendImagesForQA and downloadProcessedImages by batchID."""

    @pytest.mark.parametrize("arguments", [{}, {"picIDs": [1], "batchID": "1206"}])
    @pytest.mark.parametrize("tool", ["sendImagesForQA", "downloadProcessedImages"])
    async def test_exactly_one_of_picids_and_batchid_is_taken(
        self, arguments: dict[str, JsonValue], tool: str, host: McpClient, world: World
    ) -> None:
        assert "give exactly one of picIDs or batchID" in text_of(await host.call_tool(tool, arguments))
        assert not world.requests

    async def test_qa_gets_the_processed_pictures_of_a_batch(
        self, host: McpClient, world: World, done: list[int]
    ) -> None:
        await host.call_tool("reportImages", {"picIDs": done[:2], "reportReason": ["Logo"]})
        result = structured(await host.call_tool("sendImagesForQA", {"batchID": "1206"}))
        assert left(result) == [(done[:2], "still in work")]
        assert body(world) == {"picIDs": [str(pic_id) for pic_id in done[2:]]}

    @pytest.mark.parametrize("tool", ["sendImagesForQA", "downloadProcessedImages"])
    async def test_a_batch_without_a_processed_picture_is_to_be_waited_for(
        self, tool: str, host: McpClient
    ) -> None:
        batch_id = await submitted(host)
        result = await host.call_tool(tool, {"batchID": batch_id})
        assert "has no processed picture (10 pending, 0 failed)" in text_of(result)
        assert f"Next: waitForBatch batchID={batch_id}" in text_of(result)

    @pytest.mark.usefixtures("done")
    async def test_a_whole_batch_is_downloaded_by_its_number(self, host: McpClient, world: World) -> None:
        result = structured(await host.call_tool("downloadProcessedImages", {"batchID": "1206"}))
        assert len(result["files"]) == 10  # type: ignore[arg-type]
        assert body(world) == {"batchID": "1206"}

    @pytest.mark.parametrize("kind", ["soft", "wrong_shape", "empty"])
    async def test_where_a_batch_is_not_given_as_such_its_pictures_are_asked_for(
        self, kind: FailureKind, host: McpClient, world: World, done: list[int]
    ) -> None:
        world.fail_next("/downloadImages-v2", kind)
        result = structured(await host.call_tool("downloadProcessedImages", {"batchID": "1206"}))
        assert len(result["files"]) == 10  # type: ignore[arg-type]
        assert body(world) == {"picIDs": [str(pic_id) for pic_id in done]}
