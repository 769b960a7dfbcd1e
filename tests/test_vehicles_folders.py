"""Folders of cars, as people keep them."""

import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from conftest import Clock, opened
from fleets import planned, put, told
from starlette.applications import Starlette

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.errors import FileRefusedError
from autobg_mcp.tools.vehicles import ProcessVehicles

pytestmark = pytest.mark.anyio


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    folder = tmp_path / "cars"
    folder.mkdir()
    return folder


@pytest.fixture
async def client(sandbox: Starlette, clock: Clock, tmp_path: Path, cars: Path) -> AsyncGenerator[Client]:
    async with opened(sandbox, clock, tmp_path, image_dirs=(cars,)) as client:
        yield client


async def test_each_folder_with_photos_is_a_vehicle(client: Client, cars: Path) -> None:
    put(cars, "BMW-1/1.jpg", "BMW-1/2.jpg", "VW-2/1.jpg")
    plan = await planned(client, folder=str(cars))
    assert plan.vehicles == ["“BMW-1”: new, 2 to send", "“VW-2”: new, 1 to send"]


async def test_photos_are_planned_in_the_order_people_see_them(client: Client, cars: Path) -> None:
    put(cars, "V/10.jpg", "V/2.jpg", "V/1.jpg")
    tool = ProcessVehicles.from_arguments({"folder": str(cars)})
    plan, _ = await tool.planned(client.context(Call()))
    assert [Path(photo.picture).name for photo in plan.vehicles[0].photos] == ["1.jpg", "2.jpg", "10.jpg"]


async def test_a_folder_of_photos_alone_is_the_one_vehicle(client: Client, cars: Path) -> None:
    put(cars, "1.jpg", "2.jpg", "notes.txt")
    plan = await planned(client, folder=str(cars))
    assert plan.vehicles == ["“cars”: new, 2 to send"]


async def test_files_that_are_no_pictures_are_counted(client: Client, cars: Path) -> None:
    put(cars, "V/1.jpg", "V/notes.txt", "V/film.mov")
    assert "2 other files: no picture" in told(await planned(client, folder=str(cars)))


async def test_photos_beside_vehicles_are_of_none(client: Client, cars: Path) -> None:
    put(cars, "V/1.jpg", "loose.jpg")
    plan = await planned(client, folder=str(cars))
    assert (plan.vehicles, plan.odd) == (
        ["“V”: new, 1 to send"],
        ["1 photo beside the vehicles' folders: of no vehicle, not sent"],
    )


async def test_folders_below_folders_are_vehicles_too(client: Client, cars: Path) -> None:
    put(cars, "june/week 1/A/1.jpg", "june/week 2/B/1.jpg")
    assert (await planned(client, folder=str(cars))).summary[0] == "2 vehicles: 2 new"


async def test_one_name_in_two_places_is_one_vehicle_and_told(client: Client, cars: Path) -> None:
    put(cars, "june/A/1.jpg", "july/A/2.jpg")
    plan = await planned(client, folder=str(cars))
    assert plan.vehicles == ["“A”: new, 2 to send"]
    assert "“A” lies in 2 folders, taken for one vehicle" in plan.odd[0]


async def test_a_folder_in_a_vehicles_folder_is_told(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg", "A/interior/2.jpg")
    assert "inside a vehicle's folder" in told(await planned(client, folder=str(cars)))


async def test_an_empty_folder_is_told(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    (cars / "B").mkdir()
    assert (await planned(client, folder=str(cars))).odd == ["1 folder without photos: “cars/B”"]


async def test_results_are_never_photos(sandbox: Starlette, clock: Clock, tmp_path: Path, cars: Path) -> None:
    put(cars, "A/1.jpg", "results/1004/1.jpg")
    changes = {"image_dirs": (cars,), "output_dir": cars / "results"}
    async with opened(sandbox, clock, tmp_path, **changes) as client:
        plan = await planned(client, folder=str(cars))
    assert (plan.vehicles, plan.odd) == (["“A”: new, 1 to send"], [])


async def test_hidden_files_and_folders_are_left_alone(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg", "A/._1.jpg", ".trash/2.jpg")
    assert (await planned(client, folder=str(cars))).vehicles == ["“A”: new, 1 to send"]


async def test_a_folder_outside_the_fence_is_not_looked_into(client: Client, tmp_path: Path) -> None:
    put(tmp_path, "others/A/1.jpg")
    with pytest.raises(FileRefusedError, match=r"lies outside"):
        await planned(client, folder=str(tmp_path / "others"))


async def test_a_link_out_of_the_fence_is_not_followed(client: Client, cars: Path, tmp_path: Path) -> None:
    put(cars, "A/1.jpg")
    put(tmp_path, "others/B/1.jpg")
    (cars / "B").symlink_to(tmp_path / "others" / "B")
    (cars / "A" / "2.jpg").symlink_to(tmp_path / "others" / "B" / "1.jpg")
    plan = await planned(client, folder=str(cars))
    assert plan.vehicles == ["“A”: new, 1 to send"]


async def test_a_link_that_leads_in_a_circle_ends_nothing(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    (cars / "A" / "again").symlink_to(cars)
    plan = await planned(client, folder=str(cars))
    assert plan.notSent == ["“again” is a link to a folder, which is not followed."]


async def test_a_name_for_the_folder_may_be_relative(client: Client, cars: Path) -> None:
    put(cars, "june/A/1.jpg")
    assert (await planned(client, folder="june")).vehicles == ["“A”: new, 1 to send"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
async def test_a_name_that_is_no_text_costs_its_folder_alone(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    put(cars, os.fsdecode(b"caf\xe9/1.jpg"))
    plan = await planned(client, folder=str(cars))
    assert (plan.vehicles, len(plan.notSent)) == (["“A”: new, 1 to send"], 1)
    assert "its name is no vehicle id" in plan.notSent[0]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
async def test_a_photo_whose_name_is_no_text_is_sent(client: Client, cars: Path) -> None:
    put(cars, os.fsdecode(b"A/caf\xe9.jpg"))
    assert (await planned(client, folder=str(cars))).vehicles == ["“A”: new, 1 to send"]


async def test_names_that_differ_by_case_look_like_one_car(client: Client, cars: Path) -> None:
    put(cars, "ab-1/1.jpg", "AB 1/2.jpg")
    odd = (await planned(client, folder=str(cars))).odd
    assert odd == ["“AB 1” and “ab-1” look like one car: the same photo is paid once for both"]


async def test_an_empty_file_is_not_sent(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    (cars / "A" / "2.jpg").touch()
    assert (await planned(client, folder=str(cars))).notSent == ["A/2.jpg is empty"]


async def test_the_same_file_under_two_names_is_sent_once(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    (cars / "A" / "2.jpg").hardlink_to(cars / "A" / "1.jpg")
    plan = await planned(client, folder=str(cars))
    assert plan.vehicles == ["“A”: new, 1 to send, 1 the same as another"]


async def test_a_file_in_two_vehicles_is_told(client: Client, cars: Path) -> None:
    put(cars, "A/1.jpg")
    (cars / "B").mkdir()
    (cars / "B" / "9.jpg").hardlink_to(cars / "A" / "1.jpg")
    [odd] = (await planned(client, folder=str(cars))).odd
    assert odd.endswith("such as “9.jpg” in “A” and “B”")


async def test_more_photos_than_a_car_has_are_told(client: Client, cars: Path) -> None:
    put(cars, *(f"A/{number}.jpg" for number in range(501)))
    assert (await planned(client, folder=str(cars))).odd == ["“A” has 501 photos; is it one car?"]


@pytest.mark.parametrize("name", ["none", "1.jpg"])
async def test_a_name_that_is_no_folder_is_refused(client: Client, cars: Path, name: str) -> None:
    put(cars, "1.jpg")
    with pytest.raises(FileRefusedError, match=r"no such file or folder|is no folder"):
        await planned(client, folder=name)


async def test_a_folder_without_photos_is_refused(client: Client, cars: Path) -> None:
    put(cars, "A/notes.txt")
    with pytest.raises(FileRefusedError, match=r"holds no photo of a vehicle"):
        await planned(client, folder=str(cars))
