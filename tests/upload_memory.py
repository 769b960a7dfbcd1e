"""Uploads photos of about 10 MB in a process of its own and prints its peak memory after a few and after all.

Usage: python upload_memory.py FOLDER
"""

import json
import os
import resource
import sys
from pathlib import Path

import anyio
from PIL import Image
from scripted_api import ScriptedApi
from starlette.applications import Starlette
from starlette.routing import Mount

from autobg_mcp.client import Client
from autobg_mcp.sandbox.listening import listen, serve_http
from autobg_mcp.settings import Settings
from autobg_mcp.tools.uploads import UploadImagesWithTemplate

FEW, ALL = 4, 30
SIDE_PX = 1850
"""Noise of this size makes a PNG of about 10 MB."""


def draw(folder: Path) -> int:
    """Draw different photos and answer the size of one in bytes."""
    content = Image.frombytes("RGB", (SIDE_PX, SIDE_PX), os.urandom(3 * SIDE_PX * SIDE_PX))
    for number in range(1, ALL + 1):
        content.putpixel((0, 0), (number, 0, 0))
        content.save(folder / f"{number}.png", compress_level=0)
    return (folder / "1.png").stat().st_size


def peak_bytes() -> int:
    """The most memory that this process has had at once."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def upload(folder: Path, port: int) -> list[int]:
    """Upload a few photos, then all, and answer the peaks after both."""
    settings = Settings.load(
        api_key="test-key-0123456789",
        base_url=f"http://127.0.0.1:{port}/public/api/v1",
        image_dirs=(folder,),
        state_dir=folder / "state",
        rate_limits="*=1000/60s",
    )
    peaks = []
    async with Client(settings) as client:
        for last in (FEW, ALL):
            images = [str(folder / f"{number}.png") for number in range(1, last + 1)]
            photos = UploadImagesWithTemplate(
                images=images, numberPlate="V", templateCC="6", processType="ai"
            )
            await client.call(photos)
            peaks.append(peak_bytes())
    return peaks


async def main(folder: Path) -> None:
    size_bytes, api = draw(folder), ScriptedApi()
    api.data({"batchID": 1, "images": [{"fileName": "x.png", "error": False, "errorMsg": ""}]})
    listening = listen("127.0.0.1", 0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve_http, Starlette(routes=[Mount("/", api)]), listening)
        peaks = await upload(folder, listening.getsockname()[1])
        sys.stdout.write(json.dumps({"photo": size_bytes, "peaks": peaks, "sent": api.sent_bytes}))
        tasks.cancel_scope.cancel()


anyio.run(main, Path(sys.argv[1]))
