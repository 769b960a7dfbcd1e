"""What uploading and reviewing large pictures takes of memory: python examples/bench_pictures.py [folder for 3 GB].

A server over stdio, as hosts start it, works against the sandbox in another process. Both photos and results have about
20 MB and 24 million pixels of noise, every fourth is progressive. Linux only: peaks are read from /proc.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.streams.text import TextReceiveStream
from mcp import Client, StdioServerParameters
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.sandbox.listening import listen, serve_http

PICTURES = 100
SIZE_PX = (6000, 4000)
UPLOAD = "/images/uploadWithoutTemplateCC"
GOAL_MB = 250
SERVE = "import os, sys; print(os.getpid(), file=open(sys.argv[1], 'w')); from autobg_mcp.commands import main; main(['serve'])"


def draw(folder: Path) -> None:
    """Two pictures of which all others are copies with another comment."""
    noise = Image.effect_noise(SIZE_PX, 45).convert("RGB")
    for name, progressive in (("plain", False), ("progressive", True)):
        noise.save(folder / f"{name}.jpg", quality=95, progressive=progressive)


def copy(folder: Path, number: int) -> bytes:
    """Picture `number`: unlike every other one by a comment segment."""
    content = (folder / ("progressive.jpg" if number % 4 == 0 else "plain.jpg")).read_bytes()
    return content[:2] + b"\xff\xfe\0\x06" + number.to_bytes(4, "big") + content[2:]


def api(folder: Path) -> Starlette:
    """The sandbox, whose results have full size: its own are never larger than 1600 px."""
    sandbox = build_sandbox(SandboxOptions(turnaround_s=0, credits=PICTURES, limits={UPLOAD: 10 * PICTURES}))

    def raw(request: Request) -> Response:
        return Response(copy(folder, int(request.query_params["picID"])), media_type="image/jpeg")

    return Starlette(
        routes=[Route("/public/api/v1/images/getImagesRaw", raw), Mount("/", sandbox)], lifespan=None
    )


async def serve_api(folder: Path) -> None:
    listening = listen("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)
    await serve_http(api(folder), listening)


@asynccontextmanager
async def api_process(folder: Path) -> AsyncGenerator[str]:
    """The address of an API in a process of its own, which ends with the block."""
    command = [sys.executable, __file__, "api", str(folder)]
    async with await anyio.open_process(command, stdin=None, stderr=None) as process:
        assert process.stdout
        port = await TextReceiveStream(process.stdout).receive()
        yield f"http://127.0.0.1:{port.strip()}/public/api/v1"
        process.terminate()


class Memory:
    """The memory of another process, above what it had at first."""

    def __init__(self, pid: int) -> None:
        self._proc = Path("/proc", str(pid))
        self.idle_mb = self._mb("VmRSS")
        self._start()

    def report(self, what: str) -> None:
        above_mb, took_s = self._mb("VmHWM") - self.idle_mb, time.monotonic() - self._started_at
        verdict = "" if above_mb < GOAL_MB else f"   more than {GOAL_MB} MB"
        print(f"{what:44} {above_mb:8.0f} MB {took_s:6.0f} s{verdict}", flush=True)
        self._start()

    def _start(self) -> None:
        (self._proc / "clear_refs").write_text("5")  # forgets the peak (proc(5))
        self._started_at = time.monotonic()

    def _mb(self, name: str) -> float:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


async def measure(server: Client, memory: Memory, photos: Path, results: Path) -> None:
    """Upload all photos in one call, then review them sheet by sheet."""
    arguments = {"images": [str(photos)], "numberPlate": "V", "numPlateProcessor": 1, "processType": "ai"}
    uploaded = (await server.call_tool("uploadImagesWithoutTemplate", arguments)).structured_content or {}
    assert len(uploaded["images"]) == PICTURES, uploaded
    memory.report(f"upload {PICTURES} pictures")
    for page in range(1, 2 + PICTURES // 12):
        reviewed = await server.call_tool("reviewBatch", {"batchID": uploaded["batchID"], "page": page})
        assert str(reviewed).count(": done, ") == min(12, PICTURES - 12 * (page - 1)), reviewed.content[0]
        shutil.rmtree(results)  # keeps the disk free; the next sheet makes it again
    memory.report(f"review {PICTURES} pictures on {page} sheets")


async def main(folder: Path) -> None:
    photos, results, pid_file = folder / "photos", folder / "results", folder / "pid"
    photos.mkdir()
    draw(folder)
    for number in range(PICTURES):
        (photos / f"{number}.jpg").write_bytes(copy(folder, number))
    mb, pixels = (folder / "plain.jpg").stat().st_size / 1e6, SIZE_PX[0] * SIZE_PX[1] / 1e6
    print(
        f"{PICTURES} pictures of {mb:.0f} MB, {pixels:.0f} million pixels".ljust(44),
        "   peak above idle",
        flush=True,
    )
    async with api_process(folder) as base_url:
        environment = os.environ | {
            "AUTOBG_BASE_URL": base_url,
            "AUTOBG_API_KEY": "sandbox-key",
            "AUTOBG_IMAGE_DIRS": str(photos),
            "AUTOBG_OUTPUT_DIR": str(results),
            "AUTOBG_STATE_DIR": str(folder / "state"),
            "AUTOBG_RATE_LIMITS": "*=1000/60s",
        }
        command = StdioServerParameters(
            command=sys.executable, args=["-c", SERVE, str(pid_file)], env=environment
        )
        async with Client(command) as server:
            await server.list_tools()
            await measure(server, Memory(int(pid_file.read_text())), photos, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["api"]:
        anyio.run(serve_api, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
            anyio.run(main, Path(name))
