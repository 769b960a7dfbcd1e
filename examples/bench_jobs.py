"""What questions about jobs take: python examples/bench_jobs.py [--photos 1000 10000 20000].

A job of so many photos is written down; then getJobs is asked again and again, with half of the photos taken. Ratios compare
with the smallest job.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import anyio

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.jobs.job import PhotoNote
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.settings import Settings
from autobg_mcp.tools.begun import new_job
from autobg_mcp.tools.jobs import GetJobs

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from tokens import tokens

TOOL, OF_ONE_VEHICLE, ROUNDS = "uploadImagesWithoutTemplate", 25, 50


async def measured(photos: int, folder: Path) -> tuple[float, float, int]:
    """Seconds to begin such a job, median milliseconds of getJobs, and its tokens."""
    settings = Settings.load(
        api_key="bench-key-0123456789", base_url="http://localhost/public/api/v1", state_dir=folder
    )
    async with Client(settings, app=build_sandbox(SandboxOptions())) as client:
        context = client.context(Call())
        job, book = replace(new_job("processVehicles", context), follows=True), context.jobs.book
        planned = [
            PlannedVehicle(
                f"V-{car}",
                TOOL,
                {},
                [PlannedPhoto(f"/p/{car}/{one}.jpg", None) for one in range(OF_ONE_VEHICLE)],
            )
            for car in range(photos // OF_ONE_VEHICLE)
        ]
        began_s = time.perf_counter()
        turns = await book.begin(job, planned, {TOOL: 1})
        begun_s = time.perf_counter() - began_s
        for turn in turns[::2]:
            await book.note(
                turn.vehicle, {one: PhotoNote("accepted", str(turn.vehicle)) for one in range(OF_ONE_VEHICLE)}
            )
        took_ms = []
        for _ in range(ROUNDS):
            asked_s = time.perf_counter()
            answer = await client.call(GetJobs(job=job.id))
            took_ms.append((time.perf_counter() - asked_s) * 1000)
        return begun_s, statistics.median(took_ms), tokens(str(answer.structured()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 10_000, 20_000])
    print(f"{'photos':>7}  {'begun in':>9}  {'getJobs':>9}  {'ratio':>6}  tokens")
    first_ms = 0.0
    for photos in parser.parse_args().photos:
        with tempfile.TemporaryDirectory() as folder:
            begun_s, answered_ms, words = anyio.run(measured, photos, Path(folder))
        first_ms = first_ms or answered_ms
        print(
            f"{photos:>7,}  {begun_s:>7.2f} s  {answered_ms:>6.1f} ms  {answered_ms / first_ms:>5.1f}x  {words}"
        )


if __name__ == "__main__":
    main()
