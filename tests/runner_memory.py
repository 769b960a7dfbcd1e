"""Carries out a job of photos of 20 MB, against an API that answers late, and prints what memory that took above idle.

Usage: python runner_memory.py FOLDER
"""

import json
import os
import sys
import time
from pathlib import Path

import anyio
from jobs_begun import FILES, begin, draw
from measured_calls import forget_peak, peak_bytes
from PIL import Image
from pydantic import JsonValue
from scripted_api import ScriptedApi
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from autobg_mcp.api.call import Account
from autobg_mcp.client import Client
from autobg_mcp.jobs.desk import Jobs
from autobg_mcp.jobs.plan import PlannedPhoto, PlannedVehicle
from autobg_mcp.jobs.storage import Storage
from autobg_mcp.sandbox.listening import listen, serve_http
from autobg_mcp.settings import Settings

SIDE_PX = 2600
"""Noise of this size makes a PNG of about 20 MB."""

CARS, PHOTOS = 3, 3
LATE_S = 3.0


class LateApi(ScriptedApi):
    """Answers once `LATE_S` have passed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def later(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                await anyio.sleep(LATE_S)
            await send(message)

        await super().__call__(scope, receive, later)  # type: ignore[arg-type]


def large(folder: Path) -> list[PlannedVehicle]:
    """Vehicles with large photos, each unlike the others."""
    content = Image.frombytes("RGB", (SIDE_PX, SIDE_PX), os.urandom(3 * SIDE_PX * SIDE_PX))
    cars = []
    for car in range(CARS):
        paths = [folder / f"large-{car}-{photo}.png" for photo in range(PHOTOS)]
        for number, path in enumerate(paths):
            content.putpixel((0, 0), (car, number, 0))
            content.save(path, compress_level=0)
        cars.append(_vehicle(f"LARGE-{car}", paths))
    return cars


def _vehicle(name: str, paths: list[Path]) -> PlannedVehicle:
    arguments: dict[str, JsonValue] = {"numberPlate": name, "numPlateProcessor": 0, "processType": "ai"}
    return PlannedVehicle(name, FILES.tool, arguments, [PlannedPhoto(str(path), None) for path in paths])


async def measured(folder: Path, address: str) -> dict[str, int]:
    """Bytes of one photo, and the most that the job took at once above what a small one had taken."""
    settings = Settings.load(
        api_key="memory-key-0123456789",
        base_url=address,
        image_dirs=(folder,),
        state_dir=folder / "state",
        rate_limits="*=1000/60s",
    )
    account, storage = Account.of(settings.key(), address).id, Storage(settings.jobs_file())
    jobs, vehicles = Jobs.on(storage), large(folder)
    async with Client(settings) as client:
        small = _vehicle("SMALL", [draw(folder / "small.png", 1)])
        await _carried_out(client, jobs, account, [small])
        forget_peak()
        idle_bytes = peak_bytes()
        await _carried_out(client, jobs, account, vehicles)
    await storage.aclose()
    photo_bytes = (folder / "large-0-0.png").stat().st_size
    return {"photo": photo_bytes, "grown": peak_bytes() - idle_bytes}


async def _carried_out(client: Client, jobs: Jobs, account: str, vehicles: list[PlannedVehicle]) -> None:
    """Begin a job and work until all of its photos are taken."""
    job = await begin(jobs, account, time.time(), vehicles, {FILES.tool: 1})
    async with anyio.create_task_group() as group:
        group.start_soon(client.work)
        while True:
            standing = await jobs.book.standing(account, job)
            assert standing
            if standing.photos.keys() == {"accepted"}:
                break
            await anyio.sleep(0.2)
        group.cancel_scope.cancel()


async def main(folder: Path) -> None:
    """Serve the API, measure and print."""
    api, listening = LateApi(), listen("127.0.0.1", 0)
    api.data({"batchID": 1, "images": [{"fileName": "x.png", "error": False, "errorMsg": ""}]})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_http, Starlette(routes=[Mount("/", api)]), listening)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/public/api/v1"
        sys.stdout.write(json.dumps(await measured(folder, address) | {"requests": api.requests}))
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
