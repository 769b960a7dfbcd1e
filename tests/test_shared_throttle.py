"""Servers, clients and processes beside each other share one allowance of the sandbox's."""

import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from mcp import Client as McpClient
from sharing_process import report, settings

from autobg_mcp.client import Client
from autobg_mcp.demo.processes import Host, Sandbox, sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.long]

HOSTS, CALLS, ALLOWED = 4, 25, 10


async def reported(client: McpClient, pic_id: int, done: list[tuple[int, float, bool]]) -> None:
    arguments = {"picIDs": [pic_id], "reportReason": ["Other"]}
    result = await client.call_tool("reportImages", arguments, read_timeout_seconds=120)
    done.append((pic_id, time.monotonic(), result.is_error or False))


async def reporting(host: Host, pic_ids: list[int], done: list[tuple[int, float, bool]]) -> None:
    async with host.connected() as client, anyio.create_task_group() as group:
        for pic_id in pic_ids:
            group.start_soon(reported, client, pic_id, done)
            await anyio.sleep(0.002)  # asked one after another


async def uploaded(host: Host, count: int) -> list[int]:
    """Ids of that many processed pictures."""
    links = [f"https://photos.example/{number}.jpg" for number in range(count)]
    async with host.connected() as client:
        arguments = {"numberPlate": "V", "processType": "ai", "clientS3Uris": links}
        batch = (await client.call_tool("uploadS3UrlsWithoutTemplate", arguments)).structured_content
        assert batch is not None
        status = await client.call_tool("waitForBatch", {"batchID": str(batch["batchID"]), "all": True})
        assert status.structured_content is not None
        return [image["picID"] for image in status.structured_content["images"]]


async def played(sandbox: Sandbox, folder: Path) -> list[list[tuple[int, float, bool]]]:
    """What came of each host's calls."""
    settings = {
        "AUTOBG_RATE_LIMITS": f"reportImages={ALLOWED}/3s",
        "AUTOBG_MAX_WAIT_S": "90",
        "AUTOBG_STATE_DIR": str(folder / "state"),
    }
    hosts = [Host(sandbox, folder / "results", folder / f"host-{n}", settings) for n in range(HOSTS)]
    pic_ids = await uploaded(hosts[0], HOSTS * CALLS)
    done: list[list[tuple[int, float, bool]]] = [[] for _ in hosts]
    async with anyio.create_task_group() as group:
        for number, host in enumerate(hosts):
            group.start_soon(reporting, host, pic_ids[number * CALLS : (number + 1) * CALLS], done[number])
    return done


async def test_four_servers_with_25_calls_each_are_never_refused_lose_none_and_keep_their_order(
    tmp_path: Path,
) -> None:
    with anyio.fail_after(120):
        async with sandbox_process("--window", "3", "--turnaround", "0") as sandbox:
            done = await played(sandbox, tmp_path)
            state = await sandbox.state()
    assert state["refused_429"] == 0
    assert [len(of_host) for of_host in done] == [CALLS] * HOSTS
    assert not any(is_error for of_host in done for _, _, is_error in of_host)
    for of_host in done:
        finished = [pic_id for pic_id, _, _ in of_host]
        places = {pic_id: place for place, pic_id in enumerate(finished)}
        overtakes = [abs(places[pic_id] - asked) for asked, pic_id in enumerate(sorted(finished))]
        assert max(overtakes) < ALLOWED  # one burst is answered in any order


async def come_and_go(sandbox: Sandbox, folder: Path, calls: int) -> None:
    """Processes one after another that make some calls each."""
    script = Path(__file__).parent / "sharing_process.py"
    for _ in range(calls // 4):
        arguments = (sandbox.base_url, str(folder), f"{ALLOWED}/3s", "4")
        await anyio.run_process([sys.executable, str(script), *arguments])


async def test_two_clients_of_one_process_and_processes_beside_it_are_never_refused(tmp_path: Path) -> None:
    with anyio.fail_after(120):
        async with sandbox_process("--window", "3") as sandbox, AsyncExitStack() as stack:
            chosen = settings(sandbox.base_url, tmp_path, f"{ALLOWED}/3s")
            first, second = [await stack.enter_async_context(Client(chosen)) for _ in range(2)]
            async with anyio.create_task_group() as group:
                for client in (first, second):
                    group.start_soon(report, client, 20)
                group.start_soon(come_and_go, sandbox, tmp_path, 20)
            state = await sandbox.state()
    assert state["refused_429"] == 0
    assert sum(state["requests"].values()) == 60
