"""A process that shares a throttle with others: makes calls to a sandbox, one after another, then ends.

Usage: sharing_process.py BASE_URL STATE_DIR LIMIT CALLS
"""

import sys
from functools import partial
from pathlib import Path

import anyio

from autobg_mcp.client import Client
from autobg_mcp.errors import RequestRefusedError
from autobg_mcp.settings import Settings
from autobg_mcp.tools.quality import ReportImages


def settings(base_url: str, state_dir: Path, limit: str) -> Settings:
    return Settings.load(
        api_key="sharing-key-0123456789",
        base_url=base_url,
        state_dir=state_dir,
        rate_limits=f"reportImages={limit}",
        max_wait_s=90,
    )


async def report(client: Client, calls: int) -> None:
    """Reports pictures that are none: each is refused with 4xx, and counts."""
    for _ in range(calls):
        try:
            await client.call(ReportImages(picIDs=[1], reportReason=["Other"]))
        except RequestRefusedError:
            continue


async def main(base_url: str, state_dir: str, limit: str, calls: str) -> None:
    async with Client(settings(base_url, Path(state_dir), limit)) as client:
        await report(client, int(calls))


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))
