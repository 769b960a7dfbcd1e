"""What photos cost that are found, and sent a second time."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

import anyio
from bench_peers import KEY, UNLIMITED
from interleaved import Row, timed, timed_calls
from PIL import Image, ImageFilter

from autobg_mcp import Client, Settings, UploadImagesWithoutTemplate
from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.sandbox.app import endpoints

FILES, FOLDERS = 20_000, 200
REPEATED = 100


def rows(quick: bool) -> Iterator[Row]:
    """The table's lines."""
    rounds = 3 if quick else 10
    with tempfile.TemporaryDirectory() as name:
        found_s = search(Path(name), rounds)
    yield Row(f"`**/*.jpg` over {FILES:,} files", f"{found_s:.2f} s", "0.3 s")
    with tempfile.TemporaryDirectory() as name:
        first_s, again_s = anyio.run(repeat, Path(name), rounds)
    yield Row(f"a repeat of {REPEATED} photos paid before", f"{again_s:.2f} s", "0.3 s")
    yield Row("… their first upload", f"{first_s:.2f} s")


def search(folder: Path, rounds: int) -> float:
    """Seconds to find every photo in a tree, which are more than one call takes."""
    for number in range(FILES):
        (folder / str(number % FOLDERS)).mkdir(exist_ok=True)
        (folder / str(number % FOLDERS) / f"{number}.jpg").touch()
    fence = Fence([folder])

    def find() -> None:
        with suppress(FileRefusedError):
            fence.find(["**/*.jpg"])

    return median(timed({"find": find}, rounds)["find"])


async def repeat(folder: Path, rounds: int) -> tuple[float, float]:
    """Seconds of an upload, and of the same call again, which pays nothing."""
    photos = folder / "photos"
    photos.mkdir()
    scene = drawn((1600 + REPEATED, 1200))
    for number in range(REPEATED):
        scene.crop((number, 0, number + 1600, 1200)).save(photos / f"{number}.jpg", quality=92)
    settings = Settings.load(
        api_key=KEY,
        image_dirs=(photos,),
        output_dir=folder / "results",
        state_dir=folder / "state",
        rate_limits=f"*={UNLIMITED}/3600s",
    )
    limits = {endpoint.path: UNLIMITED for endpoint in endpoints()}
    upload = UploadImagesWithoutTemplate(
        images=[str(photos)], numberPlate="V", numPlateProcessor=1, processType="ai"
    )
    api = build_sandbox(SandboxOptions(limits=limits, credits=REPEATED, turnaround_s=0))
    async with Client(settings, app=api) as client:
        calls = {"upload": partial(client.call, upload)}
        first = await timed_calls(calls, rounds=1, warm_up=0)
        again = await timed_calls(calls, rounds, warm_up=1)
        assert (await client.call(upload)).paidBefore == REPEATED
    (account,) = api.state.world.accounts.values()
    assert account.spent.total() == REPEATED
    return first["upload"][0], median(again["upload"])


def drawn(size_px: tuple[int, int]) -> Image.Image:
    """A scene as smooth as photos are."""
    return Image.effect_noise(size_px, 90).filter(ImageFilter.GaussianBlur(3)).convert("RGB")
