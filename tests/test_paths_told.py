"""What a caller reads of a path that stands for no picture: what is there, what may be meant, and nothing from outside."""

import os
import sys
from pathlib import Path

import pytest
from documented import text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client as McpClient
from PIL import Image
from speed import times_as_long
from uploading import sent, upload

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.fence import Fence
from autobg_mcp.sandbox import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have other paths"),
]

JPEG_IN_BASE64 = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD"


@pytest.fixture
def park(photos: Path) -> Path:
    """The fence's folder, with vehicles, other files and links that lead out of it."""
    for name, count in {"stock/AB-123": 6, "stock/AB-124": 12, "GT-40": 3, "mixed": 1}.items():
        for number in range(1, count + 1):
            pictured(photos / name / f"{number}.jpg")
    for name in (
        "raw/1.CR3",
        "raw/2.CR3",
        "raw/price.pdf",
        "stock/list.txt",
        "mixed/a.txt",
        "mixed/b.txt",
        ".cache/x.jpg",
    ):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_text("text")
    (photos / "void").mkdir()
    (photos / "deep/deeper").mkdir(parents=True)
    pictured(photos.parent / "private/treasure/1.jpg")
    (photos / "away").symlink_to(photos.parent / "private")
    (photos / "lost.jpg").symlink_to("nowhere.jpg")
    return photos


def pictured(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 9)).save(path)


SAID = [
    # what is asked, what the first line says
    ("AB-123", "“AB-123”: no such file or folder. Did you mean “stock/AB-123” (6 pictures)?"),
    ("stock/AB-132", "Did you mean “stock/AB-123” (6 pictures), “stock/AB-124” (12 pictures)?"),
    ("GT40/1.jpg", "“GT40/1.jpg”: no such file or folder. Did you mean “GT-40” (3 pictures)?"),
    ("/srv/ann/GT-40/2.jpg", "names: “{p}”. Did you mean “GT-40/2.jpg”?"),
    ("C:\\Users\\Ann\\GT-40\\2.jpg", "another system. It reads the folders that AUTOBG_IMAGE_DIRS names: “{p}”. Did"),
    ("C:\\Users\\Ann\\GT-40\\2.jpg", "“C:\\Users\\Ann\\GT-40\\2.jpg” is a path of Windows"),
    ("GT-40/nine.jpg", "“{p}/GT-40” holds 3 pictures: “1.jpg”, “2.jpg”, “3.jpg”."),
    ("GT-40/*.png", "stands for no picture (JPEG, PNG, WebP or HEIC). “{p}/GT-40” holds 3 pictures: “1.jpg”"),
    ("stock", "“stock” has no pictures itself; below it: “AB-123” (6), “AB-124” (12)."),
    ("stock/*.jpg", "“{p}/stock” has no pictures itself; below it: “AB-123” (6), “AB-124” (12)."),
    ("STOCK", "“STOCK” has no pictures itself; below it: “AB-123” (6), “AB-124” (12)."),
    ("raw", "“raw” has no picture (JPEG, PNG, WebP or HEIC): of its files the endings are “.cr3” (2), “.pdf” (1)."),
    ("void", "“void” is an empty folder, hidden files aside."),
    ("deep", "“deep” has no pictures itself, and none was found below it."),
    ("lost.jpg", "“lost.jpg” stands for no picture (JPEG, PNG, WebP or HEIC): it is a link to nothing."),
    ("raw/price.pdf", "“price.pdf” is refused. It holds text/plain, not a JPEG, PNG, WebP or HEIC picture"),
    ("https://cdn.example.com/1.jpg", "“https://cdn.example.com/1.jpg” is a link, not a path."),
    ("mixed/*.png", "“{p}/mixed” holds 1 picture among its 3 files: “1.jpg”."),
    ("'s3://stock/1.jpg'", "is a link, not a path."),
    ("data:image/png;base64,iVBORw0KGgo=", "is a picture's content; pictures are named by path."),
    (JPEG_IN_BASE64, "is a picture's content; pictures are named by path."),
    ("data:image/png;base64," + "A" * 4096, "pictures are named by path, not sent as data"),
    ("GT-40/1.jpg, GT-40/2.jpg", "“GT-40/1.jpg, GT-40/2.jpg” reads like several names in one text."),
    ("GT-40/1.jpg\nGT-40/2.jpg", "reads like several names in one text."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "said"), SAID)
async def test_a_path_that_stands_for_no_picture_is_answered_with_what_is_there(
    name: str, said: str, client: McpClient, world: World, park: Path
) -> None:
    answer = text_of(await upload(client, name))
    assert said.replace("{p}", str(park)) in answer
    assert "Credits spent: no." in answer
    assert not world.requests


async def test_a_link_given_as_a_path_names_the_tools_for_links(client: McpClient, park: Path) -> None:
    assert "uploadS3UrlsWithTemplate" in text_of(await upload(client, "https://cdn.example.com/1.jpg"))


@pytest.mark.parametrize("name", ["file://{p}/GT-40/1.jpg", '"GT-40/1.jpg"', "gt-40\\1.JPG", "GT-40/1%2Ejpg"])
async def test_a_photo_whose_path_is_written_another_way_is_sent(
    name: str, client: McpClient, world: World, park: Path
) -> None:
    await upload(client, name.replace("{p}", str(park)))
    assert sent(world) == ["1.jpg"]


@pytest.mark.parametrize(
    ("tool", "argument", "more"),
    [
        ("uploadImagesWithDynamicBranding", "brandLogo", {"templateCC": "1"}),
        ("replaceNumPlate", "numPlateImage", {"numPlateProcessor": 2}),
    ],
)
async def test_a_picture_beside_the_photos_is_told_of_the_same_way(
    tool: str, argument: str, more: dict[str, str | int], client: McpClient, park: Path
) -> None:
    arguments = {"numberPlate": "V-1", "processType": "ai", "images": ["GT-40/1.jpg"], argument: "GT40/1.jpg"}
    answer = text_of(await client.call_tool(tool, arguments | more))
    assert "“GT40/1.jpg”: no such file or folder. Did you mean “GT-40” (3 pictures)?" in answer


async def test_a_background_in_a_file_address_is_taken(client: McpClient, park: Path) -> None:
    background = (park / "GT-40/1.jpg").as_uri()
    arguments = {"background": background, "name": "Hall", "numPlate": False}
    assert not (await client.call_tool("createTemplate", arguments)).is_error


async def test_one_wrong_name_among_many_costs_the_call_and_nothing_else(
    client: McpClient, world: World, park: Path
) -> None:
    answer = text_of(await upload(client, "GT-40/1.jpg", "GT40", "AB-123"))
    assert ["Did you mean" in line for line in answer.splitlines()[:2]] == [True, True]
    assert not world.requests


async def test_where_results_are_saved_is_said_of_a_folder_that_holds_them(tmp_path: Path) -> None:
    pictured(tmp_path / "results/1.jpg")
    told = said_by(Fence([tmp_path], results=tmp_path / "results"), "results")
    assert "is where results are saved" in told


def said_by(fence: Fence, *names: str) -> str:
    """All that is told of names, or that they were found."""
    try:
        return f"found {fence.find(names).paths}"
    except FileRefusedError as error:
        return error.explanation()


PARTS = st.sampled_from(
    ["..", "park", "private", "PRIVATE", "treasure", "Treasure", "1.jpg", "2.jpg", "away", "AWAY", "awya", "*", "tr*", ""]
)  # fmt: skip
WRAPPED = st.sampled_from(["{}", "/{}", '"{}"', "file://{r}/{}", "{r}/{}", "{r}/park/{}", "@{}", "%2e%2e/{}"])


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(PARTS, min_size=1, max_size=5), wrapped=WRAPPED)
def test_nothing_outside_the_fence_changes_what_is_said(
    parts: list[str], wrapped: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.getbasetemp() / "outside"
    pictured(root / "park/car.jpg")
    pictured(root / "private/treasure/1.jpg")
    if not (root / "park/away").is_symlink():
        (root / "park/away").symlink_to(root / "private")
    name = wrapped.replace("{r}", str(root)).replace("{}", "/".join(parts))
    with_treasure = said_by(Fence([root / "park"]), name)
    (root / "private/treasure/1.jpg").unlink()
    (root / "private/treasure").rmdir()
    (root / "private").rmdir()
    assert said_by(Fence([root / "park"]), name) == with_treasure


@pytest.fixture
def forest(tmp_path: Path) -> Path:
    """A fence of 300 folders with 20 pictures each."""
    for number in range(300):
        folder = tmp_path / f"{number:03}"
        folder.mkdir()
        for picture in range(20):
            os.close(os.open(folder / f"{picture}.jpg", os.O_CREAT))
    return tmp_path


def test_five_hundred_wrong_names_are_told_briefly_and_fast(forest: Path) -> None:
    names = [f"car-{number}/front.jpg" for number in range(500)]
    told = said_by(Fence([forest]), *names)
    assert len(told) < 3000
    assert (
        times_as_long(
            lambda: said_by(Fence([forest]), *names), than=lambda: said_by(Fence([forest]), *names[:50])
        )
        < 20
    )


def test_of_many_folders_a_few_are_told(forest: Path) -> None:
    assert "below it: “000” (20), “001” (20), “002” (20), “003” (20), “004” (20) and" in said_by(
        Fence([forest]), "."
    )


def test_of_a_deep_tree_only_so_much_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "/".join(["d"] * 300)).mkdir(parents=True)
    pictured(tmp_path / "/".join(["d"] * 300) / "car.jpg")
    assert "none was found below it" in said_by(Fence([tmp_path]), "d")
