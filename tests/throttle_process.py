"""A process that shares a throttle: makes calls to a counting server on loopback, each through a slot.

Usage: throttle_process.py ADDRESS STATE_DIR PORT LIMIT CALLS NAME [REACH_S]

A process whose name begins with job makes calls that nobody waits for.
"""

import asyncio
import sys
from pathlib import Path

from autobg_mcp.clock import SYSTEM
from autobg_mcp.throttle import Limit, Throttle, open_throttle, parse_rate_limits


async def call(throttle: Throttle, limit: Limit, port: int, name: str) -> None:
    """Waits for a slot, then sends one line, `name` and the moment of asking, and waits for the answer."""
    asked_s = SYSTEM.monotonic_s()
    async with throttle.slot(
        "account:reportImages", limit, max_wait_s=100, background=name.startswith("job")
    ) as slot:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        slot.sent()
        writer.write(f"{name} {asked_s}\n".encode())
        await reader.readline()
        await slot.answered()
        writer.close()


async def calls(
    address: str, state_dir: str, port: str, rate: str, number: str, name: str, reach_s: str = "2"
) -> None:
    throttle = open_throttle(address, state_dir=Path(state_dir), reach_s=float(reach_s))
    limit = parse_rate_limits(f"*={rate}")["*"]
    await asyncio.gather(
        *(call(throttle, limit, int(port), f"{name}-{index}") for index in range(int(number)))
    )
    await throttle.aclose()


if __name__ == "__main__":
    asyncio.run(calls(*sys.argv[1:]))
