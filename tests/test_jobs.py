"""What does not fit into a call goes on by itself, in whichever process is there."""

from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import structured
from mcp import Client as McpClient
from paid_calls import drawn
from uploading import sent, spent, upload

from autobg_mcp.sandbox import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def twelve(photos: Path) -> Path:
    return drawn(photos / "twelve", 12)


async def ended(host: McpClient, clock: Clock, job: object, *, within_s: float = 600) -> dict[str, object]:
    """The job's report once it is open no more."""
    for _ in range(int(within_s / 5)):
        [report] = structured(await host.call_tool("getJobs", {"job": str(job)}))["jobs"]  # type: ignore[misc, str-unpack]
        if not str(report["state"]).startswith("open"):  # type: ignore[index, call-overload]
            return dict(report)  # type: ignore[arg-type]
        await clock.sleep(5)
    raise AssertionError(f"not done within {within_s} s: {report}")


async def test_what_does_not_fit_into_a_call_is_sent_after_it(
    connect: Connect, world: World, twelve: Path, clock: Clock
) -> None:
    async with connect(background=True) as host:
        result = structured(await upload(host, twelve))
        assert (result["accepted"], result["queued"]) == (10, 2)
        assert result["next"] == "waitForBatch batchID=1206"
        report = await ended(host, clock, result["job"])
    assert report["photos"] == "2 taken"
    assert spent(world) == 12
    assert sorted(sent(world)) == sorted(f"{number:02}.png" for number in range(1, 13))
