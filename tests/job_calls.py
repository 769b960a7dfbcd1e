"""Jobs as a host sees them."""

from typing import Any

from conftest import Clock
from documented import structured
from mcp import Client as McpClient
from uploading import upload


async def queued(host: McpClient, *images: object, **changes: Any) -> dict[str, Any]:
    """What an upload answers that does not fit into its call."""
    result: dict[str, Any] = dict(structured(await upload(host, *images, **changes)))
    assert result["queued"]
    return result


async def queued_job(host: McpClient, *images: object) -> str:
    """The job that carries on what does not fit."""
    return str((await queued(host, *images))["job"])


async def report_of(host: McpClient, job: object) -> dict[str, Any]:
    """What getJobs says of a job."""
    answer: dict[str, Any] = dict(structured(await host.call_tool("getJobs", {"job": str(job)})))
    [report] = answer["jobs"]
    return dict(report) | {"waits": answer["waits"]}


async def in_doubt(host: McpClient, clock: Clock, job: object) -> None:
    """Wait until nobody knows what came of a photo of a job."""
    while "unknown" not in (await report_of(host, job))["photos"]:
        await clock.sleep(1)


async def ended(host: McpClient, clock: Clock, job: object, *, within_s: float = 900) -> dict[str, Any]:
    """The job's report once it is open no more."""
    for _ in range(int(within_s / 5)):
        report = await report_of(host, job)
        if not report["state"].startswith("open"):
            return report
        await clock.sleep(5)
    raise AssertionError(f"not done within {within_s} s: {report}")
