"""One audit line for every call that changes something, whatever comes of it, and none for the rest."""

import json
import os
from pathlib import Path

import anyio
import pytest
from conftest import KEY, Clock, Connect
from documented import ALL_TOOLSETS, EXCHANGES, arguments_of
from mcp import Client as McpClient
from pydantic import JsonValue

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

REPLAY = pytest.mark.parametrize("sandbox_options", [SandboxOptions(replay=True)], ids=["replay"])
CHANGING = [tool.tool for tool in TOOLS if tool.effect in ("changes", "spends") and tool.tool in EXCHANGES]
READING = [tool.tool for tool in TOOLS if tool.effect in ("reads", "saves") and tool.tool in EXCHANGES]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


def lines(log: Path) -> list[dict[str, JsonValue]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def upload(image: Path, **changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "images": [str(image)],
        "numberPlate": "V-1",
        "numPlateProcessor": 1,
        "processType": "ai",
        **changes,
    }


@REPLAY
@pytest.mark.parametrize("tool", CHANGING)
async def test_a_changing_call_leaves_one_line(tool: str, connect: Connect, log: Path, photos: Path) -> None:
    async with connect(toolsets=ALL_TOOLSETS, check_templates=False) as client:
        await client.call_tool(tool, arguments_of(tool, photos))
    [line] = lines(log)
    assert (line["tool"], line["outcome"], line["host"]) == (tool, "done", "mcp")
    assert str(line["at"]).endswith("+00:00")


@REPLAY
@pytest.mark.parametrize("tool", READING)
async def test_a_reading_call_leaves_none(tool: str, connect: Connect, log: Path, photos: Path) -> None:
    async with connect(toolsets=ALL_TOOLSETS) as client:
        await client.call_tool(tool, arguments_of(tool, photos))
    assert lines(log) == []


@pytest.mark.parametrize("tool", ["waitForBatch", "reviewBatch", "listBatches", "getCreditSummary"])
async def test_a_workflow_that_reads_leaves_none(
    tool: str, client: McpClient, world: World, log: Path
) -> None:
    await client.call_tool(tool, {"batchID": "1"} if "Batch" in tool and tool != "listBatches" else {})
    assert lines(log) == []


@pytest.mark.parametrize(
    ("kind", "outcome", "spent"),
    [
        ("soft", "RequestRefusedError", "no"),
        ("401", "AuthenticationError", "no"),
        ("429", "RateLimitedError", "no"),
        ("500", "ServerFaultError", "unknown"),
        ("drop_after", "OutcomeUnknownError", "unknown"),
        ("html", "BlockedError", "unknown"),
    ],
)
async def test_a_failed_call_leaves_one_line_with_what_it_cost(
    kind: FailureKind, outcome: str, spent: str, client: McpClient, world: World, log: Path, photos: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind, delay_s=600)
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars" / "car-1.jpg"))
    [line] = lines(log)
    assert (line["outcome"], line["spent"], line["vehicle"]) == (outcome, spent, "V-1")


async def test_a_line_names_vehicle_and_batch(
    client: McpClient, world: World, log: Path, photos: Path
) -> None:
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    [account] = world.accounts.values()
    assert [(line["vehicle"], line["batchID"]) for line in lines(log)] == [
        ("V-1", str(next(iter(account.batches))))
    ]


async def test_many_reports_leave_one_line(client: McpClient, log: Path) -> None:
    reports: list[JsonValue] = [
        {"picID": 1, "reportReason": ["Logo"]},
        {"picID": 2, "reportReason": ["Other"]},
    ]
    await client.call_tool("reportManyImages", {"reports": reports})
    assert [(line["tool"], line["outcome"]) for line in lines(log)] == [("reportManyImages", "GoneError")]


async def test_a_cancelled_call_leaves_one_line(
    client: McpClient, world: World, log: Path, photos: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.2)
    with anyio.move_on_after(0.1):
        await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    await anyio.sleep(0.3)
    assert [line["outcome"] for line in lines(log)] == ["broken off"]


async def test_a_guard_that_says_no_leaves_one_line(connect: Connect, log: Path, photos: Path) -> None:
    async with connect(daily_credit_limit=0) as client:
        await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    assert [(line["outcome"], line["spent"]) for line in lines(log)] == [("SpendingRefusedError", "no")]


async def test_a_pipe_in_place_of_the_log_neither_stops_the_server_nor_hides_what_was_paid(
    client: McpClient, log: Path, photos: Path
) -> None:
    log.parent.mkdir(mode=0o700, parents=True)
    os.mkfifo(log)
    for number in (1, 2):
        image = photos / "cars" / f"car-{number}.jpg"
        result = await client.call_tool("uploadImagesWithoutTemplate", upload(image))
        assert not result.is_error


async def test_a_folder_that_others_may_write_to_is_refused_before_anything_is_spent(
    client: McpClient, world: World, log: Path, photos: Path
) -> None:
    log.parent.mkdir(parents=True)
    log.parent.chmod(0o777)
    result = await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    assert f"run: chmod go-w {log.parent}" in str(result.content)
    assert not world.requests


async def test_refused_arguments_are_no_call(client: McpClient, log: Path, photos: Path) -> None:
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars", processType="magic"))
    assert lines(log) == []


async def test_lines_of_several_servers_stand_one_below_the_other(
    connect: Connect, log: Path, photos: Path
) -> None:
    for number in (1, 2, 3):
        async with connect() as client:
            image = photos / "cars" / f"car-{number}.jpg"
            await client.call_tool("uploadImagesWithoutTemplate", upload(image))
    assert len(lines(log)) == 3


async def test_no_line_and_no_ledger_holds_the_key(
    client: McpClient, world: World, log: Path, photos: Path
) -> None:
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    world.fail_next("/uploadWithoutTemplateCC", "soft")
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "plate.png"))
    kept = b"".join(path.read_bytes() for path in log.parent.iterdir())
    assert b"uploadImagesWithoutTemplate" in kept
    assert KEY.encode() not in kept


async def test_neither_lines_nor_ledger_are_for_others_to_read(
    client: McpClient, log: Path, photos: Path
) -> None:
    await client.call_tool("uploadImagesWithoutTemplate", upload(photos / "cars"))
    assert {path.stat().st_mode & 0o077 for path in (log.parent, *log.parent.iterdir())} == {0}
