"""Photos in folders as they are found in the world: odd names, deep trees, what cannot be read."""

import glob
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from conftest import KEY
from documented import structured, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from mcp.types import CallToolResult
from PIL import Image
from speed import times_as_long
from starlette.applications import Starlette
from uploading import photo_arguments, sent, upload

from autobg_mcp.client import Client
from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.sandbox import World
from autobg_mcp.settings import Settings
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate

T = TypeVar("T")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names"),
]


def photo(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 24), colour).save(path, "JPEG")
    return path


@pytest.fixture
def park(photos: Path) -> Path:
    """A folder in the fence with photos whose names no text can hold."""
    for name, colour in (
        ("M\udcfcller.jpg", "red"),
        ("caf\udce9 1.jpg", "blue"),
        ("caf\udce8 1.jpg", "green"),
    ):
        photo(photos / "park" / name, colour)
    return photos / "park"


@pytest.fixture
def tree(photos: Path) -> Iterator[Path]:
    """A photo, and beside it another that lies 1,200 folders deep."""
    yield planted(photo(photos / "tree/near.jpg").parent, "d", 1200)
    subprocess.run(["rm", "-rf", photos / "tree"], check=True)  # Python's own way is not so deep


def planted(folder: Path, name: str, levels: int) -> Path:
    """The folder, with folders of one name in each other and a photo in the last."""
    at = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=at)
        at, above = os.open(name, os.O_RDONLY, dir_fd=at), at
        os.close(above)
    photo(Path(f"/proc/self/fd/{at}/far.jpg"), "blue")
    os.close(at)
    return folder


def left_out(result: CallToolResult) -> dict[str, str]:
    """Why something was not submitted, by its file's or folder's name."""
    entries = structured(result)["notSubmitted"]
    assert isinstance(entries, list)
    return {
        Path(str(entry["file"])).name: str(entry["reason"]) for entry in entries if isinstance(entry, dict)
    }


async def test_photos_whose_names_are_not_utf8_are_sent(client: McpClient, world: World, park: Path) -> None:
    structured(await upload(client, park))
    assert len(sent(world)) == 3


@pytest.mark.parametrize("name", ["M\ufffdller.jpg", "M?ller.jpg", "park/M\ufffdller.jpg"])
async def test_a_name_that_is_not_utf8_is_found_as_it_is_shown(
    name: str, client: McpClient, world: World, park: Path
) -> None:
    structured(await upload(client, park.parent / name if "/" in name else park / name))
    assert len(sent(world)) == 1


async def test_a_shown_name_that_fits_two_files_is_refused(
    client: McpClient, world: World, park: Path
) -> None:
    assert "stands for 2 files" in text_of(await upload(client, park / "caf\ufffd 1.jpg"))
    assert not sent(world)


async def test_a_photo_1200_folders_deep_is_sent(client: McpClient, world: World, tree: Path) -> None:
    structured(await upload(client, tree / "**/*.jpg"))
    assert sorted(sent(world)) == ["far.jpg", "near.jpg"]


async def test_a_folder_whose_path_is_too_long_is_told_and_hides_no_photo(
    client: McpClient, world: World, photos: Path
) -> None:
    folder = planted(photo(photos / "tree/near.jpg").parent, "d" * 255, 17)
    [reason] = left_out(await upload(client, folder / "**/*.jpg")).values()
    assert "too long" in reason
    assert sent(world) == ["near.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
async def test_a_folder_that_may_not_be_read_is_told_and_hides_no_other(
    client: McpClient, world: World, photos: Path
) -> None:
    photo(photos / "yard/open/car.jpg")
    photo(photos / "yard/shut/car.jpg").parent.chmod(0)
    assert "Permission denied" in left_out(await upload(client, photos / "yard/*/*.jpg"))["shut"]
    assert sent(world) == ["car.jpg"]


async def test_a_name_that_cannot_be_looked_up_hides_no_other(
    client: McpClient, world: World, photos: Path
) -> None:
    long = "x" * 300
    assert "too long" in left_out(await upload(client, photo(photos / "car.jpg"), photos / long))[long]
    assert sent(world) == ["car.jpg"]


async def test_a_cancelled_call_does_not_wait_for_a_slow_disk(
    sandbox: Starlette, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(os, "scandir", lambda _: answers.wait(20))
    monkeypatch.setattr(os, "supports_fd", {*os.supports_fd, os.scandir})
    loaded = Settings.load(api_key=KEY, image_dirs=(photos,), state_dir=tmp_path / "state")
    call = UploadImagesWithoutTemplate.from_arguments(photo_arguments(photos))
    async with Client(loaded, app=sandbox) as client:
        try:
            with anyio.fail_after(10), anyio.move_on_after(0.1) as scope:
                await client.call(call)
            assert scope.cancelled_caught
        finally:
            answers.set()


def test_a_folder_that_disappears_while_it_is_searched_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        photo(tmp_path / name / "car.jpg")
    monkeypatch.setattr(os, "scandir", lambda at, scan=os.scandir: _without(tmp_path / "b", scan(at)))
    monkeypatch.setattr(os, "supports_fd", {*os.supports_fd, os.scandir})
    paths, unread, _ = Fence([tmp_path]).find(["*/*.jpg"])
    assert [path.parent.name for path in paths] == ["a", "c"]
    assert not unread


def _without(folder: Path, entries: T) -> T:
    """The entries, once a folder is gone."""
    if folder.exists():
        (folder / "car.jpg").unlink()
        folder.rmdir()
    return entries


def test_links_in_a_circle_are_not_followed(tmp_path: Path) -> None:
    photo(tmp_path / "a/b/car.jpg")
    (tmp_path / "a/b/up").symlink_to("..")
    assert len(Fence([tmp_path]).find(["**/*.jpg", "a/*/up/b/*.jpg"]).paths) == 1


def test_twenty_thousand_photos_in_two_hundred_folders_are_found_fast(tmp_path: Path) -> None:
    for number in range(20_000):
        folder = tmp_path / str(number // 100)
        folder.mkdir(exist_ok=True)
        os.close(os.open(folder / f"{number}.jpg", os.O_CREAT))
    fence = Fence([tmp_path])
    found = fence.find(["**/*.jpg"])
    assert [path.name for path in found.paths] == [f"{number}.jpg" for number in range(20_000)]
    assert times_as_long(lambda: fence.find(["**/*.jpg"]), than=lambda: fence.find(["1?/*.jpg"])) < 120


NAMES = st.sampled_from(["a.png", "b.png", "car1.jpg", "car10.jpg"])
PATTERNS = st.lists(
    st.sampled_from(["**", "*", "?.png", "car*", "*.jpg", "car1.jpg", "[ab].*"]), min_size=1, max_size=4
)


@settings(max_examples=80, deadline=None)
@given(paths=st.lists(st.lists(NAMES, min_size=1, max_size=4), max_size=12), pattern=PATTERNS)
def test_a_pattern_finds_what_pythons_own_glob_finds(paths: list[list[str]], pattern: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            with suppress(OSError):  # a file stands where a folder should
                Path(folder, *path).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, *path).touch()
        # Two stars at the end, and a folder's name, stand for pictures too.
        open_end = pattern[-1] == "**" or Path(folder, *pattern).is_dir()
        glob_ = "/".join([*pattern, "*"] if open_end else pattern)
        found = glob.glob(glob_, root_dir=folder, recursive=True)  # noqa: PTH207  # which Path has no way to say
        files = {str(Path(folder, name)) for name in found if Path(folder, name).is_file()}
        assert searched(folder, "/".join(pattern)) == sorted(files)


def searched(folder: str, name: str) -> list[str]:
    """The pictures that a name stands for, by name."""
    with suppress(FileRefusedError):
        return sorted(map(str, Fence([Path(folder)]).find([name]).paths))
    return []
