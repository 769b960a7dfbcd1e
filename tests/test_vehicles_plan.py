"""What a plan tells of vehicles before anything is paid: how far each is, credits, time, and what is odd."""

import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from conftest import Clock, opened
from fleets import planned, put, told
from pydantic import JsonValue
from starlette.applications import Starlette

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, FileRefusedError
from autobg_mcp.files.found import RepeatedSearch
from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.tools.images import GetImagesRaw, GetImageStatus
from autobg_mcp.tools.templates import CreateTemplate
from autobg_mcp.tools.uploads import UploadImagesWithoutTemplate
from autobg_mcp.tools.vehicles import ProcessVehicles

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(sandbox: Starlette, clock: Clock, photos: Path, tmp_path: Path) -> AsyncGenerator[Client]:
    async with opened(sandbox, clock, tmp_path, image_dirs=(photos,)) as client:
        yield client


def links(vehicle: str, count: int) -> dict[str, JsonValue]:
    return {
        "vehicle": vehicle,
        "links": [
            f"https://cars.example/{vehicle.replace(' ', '_')}/{number}.jpg" for number in range(count)
        ],
    }


async def upload(client: Client, *images: Path, vehicle: str = "cars") -> str:
    """Pay for photos as the plan's own terms have it; answers the batch."""
    arguments: dict[str, JsonValue] = {"numberPlate": vehicle, "numPlateProcessor": 0, "processType": "ai"}
    tool = UploadImagesWithoutTemplate.from_arguments(arguments | {"images": [str(one) for one in images]})
    return str((await client.call(tool)).batchID)


async def test_a_plan_sends_nothing(client: Client, world: World) -> None:
    await planned(client, folder="cars")
    assert [request.path.rpartition("/")[2] for request in world.requests] == ["getUserCreditDetails"]


async def test_a_plan_tells_credits_needed_and_left_after(client: Client) -> None:
    summary = (await planned(client, folder="cars")).summary
    assert "up to 3 credits. 100 credits are left; then 97, at one credit a picture (inferred)." in summary


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=0)])
async def test_without_credits_there_is_a_plan_all_the_same(client: Client) -> None:
    plan = await planned(client, folder="cars")
    assert "0 credits are left, 3 too few" in told(plan)
    assert (
        plan.next
        == f"Tell the user that credits are used up; then processVehicles plan={plan.plan} sends exactly this"
    )


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=2)])
async def test_too_few_credits_are_told(client: Client) -> None:
    assert "2 credits are left, 1 too few" in told(await planned(client, folder="cars"))


async def test_what_was_paid_before_is_not_planned_again(client: Client, photos: Path) -> None:
    await upload(client, photos / "cars" / "car-1.jpg")
    tool = ProcessVehicles.from_arguments({"folder": "cars"})
    plan, _ = await tool.planned(client.context(Call()))
    assert [Path(one.picture).name for one in plan.vehicles[0].photos] == ["car-2.jpg", "car-3.jpg"]


async def test_a_plan_counts_what_it_holds(client: Client) -> None:
    given: list[JsonValue] = [links("AB-1", 3), links("ab 1", 2), {**links("B", 1), "photos": ["cars"]}]
    plan, _ = await ProcessVehicles.from_arguments({"vehicles": given}).planned(client.context(Call()))
    assert (plan.photo_count, plan.vehicle_count, len(plan.vehicles)) == (9, 3, 4)


async def test_a_plan_holds_the_arguments_of_its_tools(client: Client) -> None:
    given: list[JsonValue] = [{**links("B", 1), "photos": ["cars"]}]
    plan, _ = await ProcessVehicles.from_arguments({"vehicles": given}).planned(client.context(Call()))
    assert {one.tool: one.arguments for one in plan.vehicles} == {
        "uploadImagesWithoutTemplate": {"numberPlate": "B", "numPlateProcessor": 0, "processType": "ai"},
        "uploadS3UrlsWithoutTemplate": {"numberPlate": "B", "processType": "ai"},
    }


async def test_a_link_with_a_blank_is_planned_as_browsers_write_it(client: Client) -> None:
    given: list[JsonValue] = [{"vehicle": "B", "links": ["https://cars.example/my car.jpg"]}]
    plan, _ = await ProcessVehicles.from_arguments({"vehicles": given}).planned(client.context(Call()))
    assert [photo.picture for photo in plan.vehicles[0].photos] == ["https://cars.example/my%20car.jpg"]


async def test_a_file_is_planned_as_it_lies_there_and_a_link_is_not_looked_at(
    client: Client, photos: Path
) -> None:
    given: list[JsonValue] = [{**links("B", 1), "photos": ["cars/car-1.jpg"]}]
    plan, _ = await ProcessVehicles.from_arguments({"vehicles": given}).planned(client.context(Call()))
    [file], [link] = (one.photos for one in plan.vehicles)
    assert file.stamp
    assert (file.picture, file.stamp.size_bytes) == (
        str(photos / "cars" / "car-1.jpg"),
        (photos / "cars" / "car-1.jpg").stat().st_size,
    )
    assert link.stamp is None


async def test_a_vehicle_of_which_some_was_paid_is_partly_done(client: Client, photos: Path) -> None:
    batch = await upload(client, photos / "cars" / "car-1.jpg")
    plan = await planned(client, folder="cars")
    assert plan.vehicles == [f"“cars”: partly, 2 to send, 1 paid before, batch {batch}"]


async def test_a_vehicle_is_in_work_until_its_batch_was_seen_processed(client: Client, photos: Path) -> None:
    batch = await upload(client, photos / "cars")
    plan = await planned(client, folder="cars")
    assert (plan.summary[0], plan.next) == ("1 vehicle: 1 in work", f"waitForBatch batchID={batch}")


async def test_a_processed_vehicle_is_to_be_reviewed(client: Client, photos: Path, clock: Clock) -> None:
    batch = await upload(client, photos / "cars")
    clock.now_s += 60
    await client.call(GetImageStatus(batchID=batch))
    plan = await planned(client, folder="cars")
    assert (plan.summary[0], plan.next) == ("1 vehicle: 1 to review", f"reviewBatch batchID={batch}")


async def test_a_vehicle_is_done_once_every_picture_was_fetched(
    client: Client, photos: Path, clock: Clock
) -> None:
    batch = await upload(client, photos / "cars")
    clock.now_s += 60
    for image in (await client.call(GetImageStatus(batchID=batch, all=True))).images:
        await client.call(GetImagesRaw.from_arguments({"picID": image.picID}))
    plan = await planned(client, folder="cars")
    assert (plan.summary[0], plan.next) == ("1 vehicle: 1 done", "")


async def test_what_the_api_refused_before_is_told(client: Client, photos: Path, world: World) -> None:
    world.fail_next("/images/uploadWithoutTemplateCC", "no_car", times=1)
    with pytest.raises(AutobgError):
        await upload(client, photos / "cars" / "car-1.jpg")
    plan = await planned(client, folder="cars")
    assert plan.vehicles == ["“cars”: new, 3 to send, 1 of them refused by the API before"]


async def test_an_outcome_that_nobody_knows_is_told_and_not_sent(
    client: Client, photos: Path, world: World
) -> None:
    world.fail_next("/images/uploadWithoutTemplateCC", "drop_after", times=9)
    with pytest.raises(AutobgError):
        await upload(client, photos / "cars" / "car-1.jpg")
    plan = await planned(client, folder="cars")
    assert plan.vehicles == ["“cars”: partly, 2 to send, 1 of unknown outcome"]


async def test_several_links_may_stand_in_one_text(client: Client) -> None:
    given = {"vehicle": "A", "links": "https://cars.example/1.jpg, https://cars.example/2.jpg"}
    assert (await planned(client, vehicles=[given])).vehicles == ["“A”: new, 2 to send"]


async def test_files_and_links_go_side_by_side(client: Client) -> None:
    both: dict[str, JsonValue] = {**links("A", 60), "photos": ["cars"]}
    summary = (await planned(client, vehicles=[both])).summary
    assert summary[4:6] == [
        "3 photos by uploadImagesWithoutTemplate, one a request: 1 min at 10/60s",
        "60 links by uploadS3UrlsWithoutTemplate, 3 requests of up to 25 links: 1 min at 10/60s",
    ]


async def test_ten_thousand_links_take_forty_minutes(client: Client) -> None:
    many = [links(f"V-{number}", 25) for number in range(400)]
    assert "in about 40 min, if started now" in told(await planned(client, vehicles=many))


@pytest.fixture
async def showroom(client: Client, photos: Path) -> str:
    """A template."""
    new: dict[str, JsonValue] = {
        "name": "Showroom",
        "background": str(photos / "background.jpg"),
        "numPlate": False,
    }
    return str((await client.call(CreateTemplate.from_arguments(new))).templateID)


async def test_a_template_is_told_by_its_name(client: Client, showroom: str) -> None:
    plan = await planned(client, folder="cars", templateCC=showroom)
    assert plan.summary[2] == f"template {showroom} “Showroom”, processType ai"


async def test_an_argument_that_no_tool_takes_is_told(client: Client, showroom: str) -> None:
    plan = await planned(client, folder="cars", templateCC=showroom, numPlateProcessor=1)
    assert "numPlateProcessor left out: only files without a template take it" in plan.summary[2]


async def test_a_template_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(ArgumentsRefusedError, match=r"no template “nowhere”"):
        await planned(client, folder="cars", templateCC="nowhere")


async def test_a_template_of_a_row_that_is_not_there_is_refused(client: Client) -> None:
    with pytest.raises(ArgumentsRefusedError, match=r"no template “nowhere”"):
        await planned(client, vehicles=[{"vehicle": "A", "photos": ["cars"], "template": "nowhere"}])


async def test_the_days_limit_is_told(sandbox: Starlette, clock: Clock, photos: Path, tmp_path: Path) -> None:
    async with opened(sandbox, clock, tmp_path, image_dirs=(photos,), daily_credit_limit=2) as client:
        plan = await planned(client, folder="cars")
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 2 credits today for 3 pictures" in plan.summary


async def test_ids_that_look_like_one_car_are_told(client: Client) -> None:
    plan = await planned(client, vehicles=[links("AB-123", 1), links("AB 123", 1)])
    assert plan.odd == ["“AB-123” and “AB 123” look like one car: the same photo is paid once for both"]


async def test_a_photo_of_two_vehicles_is_told(client: Client) -> None:
    one = links("A", 2)
    plan = await planned(client, vehicles=[one, {**one, "vehicle": "B"}])
    assert plan.odd[0].startswith("2 photos also in another vehicle")


async def test_a_copy_that_was_read_before_is_known_by_its_content(client: Client, photos: Path) -> None:
    shutil.copytree(photos / "cars", photos / "lot" / "A")
    shutil.copytree(photos / "cars", photos / "lot" / "B", copy_function=_drawn_later)
    await upload(client, photos / "lot" / "A", vehicle="X")
    await upload(client, photos / "lot" / "B", vehicle="Y")
    assert "3 photos also in another vehicle" in told(await planned(client, folder="lot"))


def _drawn_later(source: str, target: str) -> None:
    shutil.copyfile(source, target)


async def test_a_vehicle_with_two_templates_is_told(client: Client, showroom: str) -> None:
    given: list[JsonValue] = [{**links("A", 1), "template": showroom}, {"vehicle": "A", "photos": ["cars"]}]
    plan = await planned(client, vehicles=given)
    assert plan.odd == [f"“A” has photos for several templates: “{showroom}” and “none”"]


async def test_a_link_that_leads_to_no_picture_costs_itself_alone(client: Client) -> None:
    given = {"vehicle": "A", "links": ["https://cars.example/1.jpg", "http://localhost/2.jpg", "nonsense"]}
    plan = await planned(client, vehicles=[given])
    assert (plan.vehicles, len(plan.notSent)) == (["“A”: new, 1 to send"], 2)


async def test_a_link_to_a_host_that_is_not_allowed_is_not_sent(
    sandbox: Starlette, clock: Clock, tmp_path: Path
) -> None:
    async with opened(sandbox, clock, tmp_path, link_hosts="ours.example") as client:
        with pytest.raises(FileRefusedError, match=r"AUTOBG_LINK_HOSTS allows ours.example"):
            await planned(client, vehicles=[links("A", 1)])


async def test_a_manifest_names_files_beside_it(client: Client, photos: Path) -> None:
    put(photos, "june/A/1.jpg", "june/A/2.jpg")
    (photos / "june" / "cars.csv").write_text("vehicle;photos\nA;A/*.jpg\nB;cars/car-1.jpg\n")
    plan = await planned(client, manifest="june/cars.csv")
    assert plan.vehicles == ["“A”: new, 2 to send", "“B”: new, 1 to send"]


async def test_a_row_that_names_a_file_outside_the_fence_costs_itself_alone(
    client: Client, photos: Path, tmp_path: Path
) -> None:
    put(tmp_path, "secret.jpg")
    rows = f"A;cars/car-1.jpg\nB;{tmp_path}/secret.jpg\nC;../secret.jpg\nD;/etc/passwd\n"
    (photos / "cars.csv").write_text(f"vehicle;photo\n{rows}")
    plan = await planned(client, manifest="cars.csv")
    assert plan.vehicles == ["“A”: new, 1 to send"]
    assert [line.partition(":")[0] for line in plan.notSent] == ["row 3", "row 4", "row 5"]


async def test_a_vehicle_whose_id_is_no_line_costs_itself_alone(client: Client, photos: Path) -> None:
    (photos / "cars.csv").write_text('vehicle,photo\n"A\nB",cars/car-1.jpg\nC/7,cars/car-2.jpg\n')
    plan = await planned(client, manifest="cars.csv")
    assert plan.vehicles == ["“C/7”: new, 1 to send"]
    assert plan.notSent[0].startswith("row 2: the vehicle must be one line")


@pytest.mark.parametrize("name", ["\ud800.jpg", "a\0.jpg", "/dev/null", "none/*.jpg", "x" * 5000])
async def test_a_name_that_no_photo_can_have_costs_itself_alone(
    name: str, client: Client, photos: Path
) -> None:
    given: list[JsonValue] = [{"vehicle": "A", "photos": ["cars/car-1.jpg", name]}]
    (photos / "cars.json").write_text(json.dumps(given))
    plan = await planned(client, manifest="cars.json")
    assert (plan.vehicles, len(plan.notSent)) == (["“A”: new, 1 to send"], 1)


async def test_patterns_beyond_what_can_be_looked_for_are_refused(
    client: Client, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RepeatedSearch, "_compared_left", 100)
    rows = "".join(f"A,cars/car-*{'*' * number}\n" for number in range(60))
    (photos / "cars.csv").write_text(f"vehicle,photo\n{rows}")
    plan = await planned(client, manifest="cars.csv")
    assert "too many patterns for so many files" in told(plan)


async def test_a_manifest_whose_names_all_lead_nowhere_is_refused(client: Client, photos: Path) -> None:
    rows = "".join(f"A,elsewhere/{number}.jpg\n" for number in range(400))
    (photos / "cars.csv").write_text(f"vehicle,photo\n{rows}")
    with pytest.raises(FileRefusedError, match=r"More than 300 names stand for nothing"):
        await planned(client, manifest="cars.csv")


async def test_rows_of_one_vehicle_are_gathered_and_repeats_told(client: Client, photos: Path) -> None:
    rows = "A,cars/car-1.jpg\nA,cars/car-2.jpg\nA,cars/car-1.jpg\n"
    (photos / "cars.csv").write_text(f"vehicle,photo,price\n{rows}")
    plan = await planned(client, manifest="cars.csv")
    assert plan.vehicles == ["“A”: new, 2 to send"]
    assert plan.odd == ["1 row without anything new, such as row 4", "1 column left alone: “price”"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"folder": "cars", "manifest": "cars.csv"},
        {"plan": "p-1", "folder": "cars"},
        {"plan": "p-1", "templateCC": "7"},
        {"vehicles": [{"photos": ["cars"]}]},
        {"vehicles": [{"vehicle": "A\nB", "photos": ["cars"]}]},
    ],
)
async def test_arguments_that_fit_nothing_are_refused(
    client: Client, arguments: dict[str, JsonValue]
) -> None:
    with pytest.raises(ArgumentsRefusedError):
        await planned(client, **arguments)


async def test_a_plan_that_is_not_known_starts_nothing(client: Client, world: World) -> None:
    with pytest.raises(ArgumentsRefusedError, match=r"there is no plan “p-1”. Nothing was sent"):
        await planned(client, plan="p-1")
    assert not world.requests


@pytest.fixture
def lot(photos: Path) -> Path:
    """Five hundred vehicles with everything odd about them that there is."""
    long = "a vehicle's id that is as long as nobody should write one, but somebody does "
    for number in range(250):
        put(
            photos / "lot",
            *(f"{name}{number}/{photo}.jpg" for name in (long, long.upper()) for photo in (1, 2)),
        )
        (photos / "lot" / f"{long}{number}" / "3.jpg").touch()
        (photos / "lot" / f"{long}{number}" / "4.jpg").hardlink_to(photos / "cars" / "car-1.jpg")
    return photos / "lot"


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # in bpe_openai
async def test_a_plan_of_five_hundred_odd_vehicles_is_short_to_read(client: Client, lot: Path) -> None:
    import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415  # it warns while it is imported

    plan = await planned(client, folder=str(lot))
    text = json.dumps(plan.structured(), ensure_ascii=False)
    assert len(told(plan).splitlines()) <= 40
    assert len(bpe_openai.get_encoding("o200k_base").encode(text)) <= 900
