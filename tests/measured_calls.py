"""Calls tools through an MCP client in a process of its own and prints, call by call, what each took.

Usage: python measured_calls.py FOLDER < [["name", "address", "tool", {arguments}, how many at once (1)], …]
"""

import json
import resource
import sys
import time
from pathlib import Path

import anyio
from mcp import Client as McpClient

from autobg_mcp.client import Client
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings

BEAT_S = 0.01
STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most memory that this process has had at once; on Linux since `forget_peak`, and without its parent's."""
    if STATUS.exists():
        [line] = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> None:
    """Begin to measure anew where the system can (proc(5))."""
    if STATUS.exists():
        STATUS.with_name("clear_refs").write_text("5")


class Heart:
    """Beats as long as the event loop turns, and keeps the longest pause."""

    def __init__(self) -> None:
        self.longest_gap_s = 0.0

    async def beat(self) -> None:
        while True:
            before_s = time.monotonic()
            await anyio.sleep(BEAT_S)
            self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - before_s - BEAT_S)


async def measured(
    folder: Path, address: str, tool: str, arguments: dict[str, object], at_once: int = 1
) -> dict[str, object]:
    """Call one tool and answer its text, and seconds and memory it took."""
    settings = Settings.load(
        api_key="test-key-0123456789",
        base_url=address,
        image_dirs=(folder,),
        output_dir=folder / "results",
        state_dir=folder / "state",
        throttle="memory:",
        toolsets="enterprise,custom,workflow,beta",
    )
    async with McpClient(build_server(settings, lambda: Client(settings))) as host:
        await host.list_tools()
        forget_peak()
        heart, before_bytes, started_s = Heart(), peak_bytes(), time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(heart.beat)
            async with anyio.create_task_group() as others:
                for _ in range(at_once - 1):
                    others.start_soon(host.call_tool, tool, arguments)
                result = await host.call_tool(tool, arguments)
            tasks.cancel_scope.cancel()
    return {
        "text": "\n".join(getattr(content, "text", "") for content in result.content),
        "is_error": result.is_error,
        "data": result.structured_content,
        "took_s": time.monotonic() - started_s,
        "longest_gap_s": heart.longest_gap_s,
        "grown_bytes": peak_bytes() - before_bytes,
    }


async def main(folder: Path) -> None:
    calls = json.load(sys.stdin)
    results = {name: await measured(folder, *call) for name, *call in calls}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
