"""A task outlasts the process that began it, however that ends: the next one, started by any host, carries it on."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest
from conftest import KEY
from documented import structured
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.types import CallToolResult
from task_host import KnowsTasks, begun, when
from uploading import TOOL, photo_arguments

from autobg_mcp.clock import SYSTEM
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.sandbox.listening import listen, serve_http

pytestmark = [pytest.mark.anyio, pytest.mark.long]

NAMED = 'echo $$ > "$0"; exec "$1" -m autobg_mcp'


@pytest.fixture
async def address() -> AsyncGenerator[str]:
    """Where a sandbox listens that is done with a batch after 20 s."""
    with closing(listen("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        serving = asyncio.create_task(serve_http(build_sandbox(SandboxOptions(turnaround_s=20)), listening))
        yield f"http://127.0.0.1:{port}/public/api/v1"
        serving.cancel()
        await asyncio.wait([serving])


def environment(address: str, folder: Path, photos: Path) -> dict[str, str]:
    """What leads a process to the sandbox."""
    return dict(os.environ) | {
        "AUTOBG_API_KEY": KEY,
        "AUTOBG_BASE_URL": address,
        "AUTOBG_IMAGE_DIRS": str(photos),
        "AUTOBG_STATE_DIR": str(folder / "state"),
        "AUTOBG_OUTPUT_DIR": str(folder / "results"),
    }


@asynccontextmanager
async def server(address: str, folder: Path, photos: Path, **changes: str) -> AsyncGenerator[McpClient]:
    """A host that knows tasks, with a server process of its own, whose number it writes down."""
    own = environment(address, folder, photos) | changes
    arguments = ["-c", NAMED, str(folder / "number"), sys.executable]
    parameters = StdioServerParameters(command="sh", args=arguments, env=own)
    async with McpClient(parameters, extensions=[KnowsTasks()]) as client:
        yield client


async def answered(client: McpClient, handle: str) -> CallToolResult:
    """What a task ends with."""
    with anyio.fail_after(60):
        task = await when(client, handle, SYSTEM)
    return CallToolResult.model_validate(task["result"])


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
async def test_the_next_process_carries_a_task_on(
    end: signal.Signals | None, address: str, tmp_path: Path, photos: Path
) -> None:
    async with server(address, tmp_path, photos) as client:
        batch = structured(await client.call_tool(TOOL, photo_arguments(photos / "cars")))["batchID"]
        handle = await begun(client, "waitForBatch", {"batchID": str(batch)})
        if end is not None:
            os.kill(int(await anyio.Path(tmp_path / "number").read_text()), end)
    async with server(address, tmp_path, photos) as client:
        assert structured(await answered(client, handle))["processed"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_what_a_killed_process_has_left_of_an_upload_is_sent_by_a_worker_and_told_by_the_next_one(
    end: signal.Signals, address: str, tmp_path: Path, photos: Path
) -> None:
    arguments = photo_arguments(photos / "cars")
    slow = {"AUTOBG_RATE_LIMITS": f"{TOOL}=1/6s", "AUTOBG_MAX_WAIT_S": "1"}
    async with server(address, tmp_path, photos, **slow) as client:
        handle = await begun(client, TOOL, arguments)
        os.kill(int(await anyio.Path(tmp_path / "number").read_text()), end)
    command = [sys.executable, "-m", "autobg_mcp", "work", "--once"]
    with anyio.fail_after(60):
        await anyio.run_process(command, env=environment(address, tmp_path, photos))
        async with server(address, tmp_path, photos) as client:
            result = structured(await answered(client, handle))
    assert (result["accepted"], result["paidBefore"]) == (3, 0)
    assert "credits 100 → 97, explained: yes" in str(result["receipt"])
