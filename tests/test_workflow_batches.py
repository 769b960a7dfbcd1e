"""What was submitted, by the names people use, without asking the API."""

import os
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from PIL import Image
from pydantic import JsonValue

from autobg_mcp.sandbox import World
from autobg_mcp.tools.days import SPANS, span

pytestmark = pytest.mark.anyio

DAY_S = 86_400.0


async def upload(client: McpClient, vehicle: str, *images: Path, template: str | None = None) -> str:
    arguments: dict[str, JsonValue] = {
        "images": [str(image) for image in images],
        "numberPlate": vehicle,
        "processType": "ai",
    }
    tool = "uploadImagesWithoutTemplate" if template is None else "uploadImagesWithTemplate"
    arguments |= {"numPlateProcessor": 1} if template is None else {"templateCC": template}
    return str(structured(await client.call_tool(tool, arguments)).get("batchID"))


async def listed(client: McpClient, **filters: JsonValue) -> list[Mapping[str, JsonValue]]:
    batches = structured(await client.call_tool("listBatches", filters))["batches"]
    assert isinstance(batches, list)
    return [batch for batch in batches if isinstance(batch, dict)]


async def ids(client: McpClient, **filters: JsonValue) -> list[JsonValue]:
    return [batch["batchID"] for batch in await listed(client, **filters)]


@pytest.fixture
async def two(client: McpClient, photos: Path) -> tuple[str, str]:
    """A batch of a BMW on the template Showroom, and a newer one of an Audi without one."""
    new = {"name": "Showroom", "background": str(photos / "background.jpg"), "numPlate": False}
    template = str(structured(await client.call_tool("createTemplate", new))["templateID"])
    await client.call_tool("listTemplates", {})
    bmw = await upload(client, "BMW-1", photos / "cars", template=template)
    return bmw, await upload(client, "Audi-2", photos / "cars" / "car-1.jpg")


async def test_batches_are_listed_the_newest_first(client: McpClient, two: tuple[str, str]) -> None:
    bmw, audi = two
    assert await ids(client) == [audi, bmw]


async def test_a_batch_is_listed_with_vehicle_template_time_number_and_state(
    client: McpClient, two: tuple[str, str]
) -> None:
    batch = (await listed(client))[1]
    assert (batch["numberPlate"], batch["pictures"]) == ("BMW-1", 3)
    assert str(batch["template"]).endswith("(Showroom)")
    assert str(batch["submitted"]).startswith("20")
    assert batch["state"] == "not looked at yet"


async def test_a_batch_that_was_looked_at_has_its_last_known_state(
    client: McpClient, clock: Clock, two: tuple[str, str]
) -> None:
    clock.now_s += 60
    await client.call_tool("getImageStatus", {"batchID": two[0]})
    assert str((await listed(client))[1]["state"]).startswith("3 done, 0 failed, 0 pending at 20")


async def test_listing_makes_no_request(client: McpClient, world: World, two: tuple[str, str]) -> None:
    requests = len(world.requests)
    await listed(client)
    assert len(world.requests) == requests


async def test_batches_outlive_a_restart(connect: Connect, two: tuple[str, str]) -> None:
    async with connect() as client:
        assert await ids(client) == [two[1], two[0]]


async def test_batches_of_another_key_are_not_listed(connect: Connect, two: tuple[str, str]) -> None:
    async with connect(api_key="another-key") as client:
        assert await ids(client) == []


@pytest.mark.parametrize(
    "words",
    [
        "BMW-1",
        "bmw",
        "bmw 1",
        "\uff22\uff2d\uff37\u2013\uff11",
        "Showroom",
        "showroom",
        "car-3",
        "uploadImagesWithTemplate",
    ],
)
async def test_a_batch_is_found_by_vehicle_template_file_and_tool(
    words: str, client: McpClient, two: tuple[str, str]
) -> None:
    assert await ids(client, find=words) == [two[0]]


async def test_a_batch_is_found_by_its_number(client: McpClient, two: tuple[str, str]) -> None:
    assert await ids(client, find=int(two[1])) == [two[1]]


async def test_words_that_fit_nothing_find_nothing_and_lead_to_the_whole_list(
    client: McpClient, two: tuple[str, str]
) -> None:
    assert await ids(client, find="50%' OR 1=1 --") == []
    found = structured(await client.call_tool("listBatches", {"find": "V-99"}))
    assert "listBatches without find and since" in str(found["next"])


async def test_an_empty_list_says_of_what_it_is_empty(client: McpClient) -> None:
    told = structured(await client.call_tool("listBatches", {}))
    assert told["next"] == "nothing was submitted with this key from this machine yet"


async def test_pictures_submitted_after_the_last_look_are_told_apart(
    client: McpClient, photos: Path, two: tuple[str, str]
) -> None:
    await client.call_tool("getImageStatus", {"batchID": two[0]})
    Image.new("RGB", (320, 200), "white").save(photos / "late.jpg")
    await upload(client, "BMW-1", photos / "late.jpg")
    [batch] = [one for one in await listed(client) if one["batchID"] == two[0]]
    assert str(batch["state"]).endswith(", 1 more not looked at yet")


async def test_the_limit_keeps_the_newest(client: McpClient, two: tuple[str, str]) -> None:
    assert await ids(client, limit=1) == [two[1]]


@pytest.mark.parametrize(
    ("days_ago", "names"),
    [
        (0, {"today", "last 7 days", "last 30 days"}),
        (1, {"yesterday", "last 7 days", "last 30 days"}),
        (6, {"last 7 days", "last 30 days"}),
        (7, {"last 30 days"}),
        (29, {"last 30 days"}),
        (30, set()),
    ],
)
async def test_names_of_times_find_what_people_mean(
    days_ago: int, names: set[str], clock: Clock, client: McpClient, photos: Path
) -> None:
    batch = await upload(client, "V", photos / "cars")
    day = datetime.fromtimestamp(clock.wall_s()).astimezone()
    clock.now_s += days_ago * DAY_S
    found = {
        name
        for name in ("today", "Yesterday", "last 7 days", " last 30 days")
        if await ids(client, since=name)
    }
    assert {name.strip().lower() for name in found} == names
    assert await ids(client, since=f"{day:%d-%m-%Y}") == [batch]
    assert await ids(client, since=f"{day + timedelta(days=1):%d-%m-%Y}") == []


@pytest.mark.parametrize(
    "words", ["tomorrow", "1-1-2026", "31-02-2026", "2026-02-31", "01/02/2026", "00-00-0000", "last 0 days"]
)
async def test_other_words_for_a_time_are_refused_with_those_that_work(words: str, client: McpClient) -> None:
    text = text_of(await client.call_tool("listBatches", {"since": words}))
    assert f"since: {SPANS}" in text


@pytest.mark.parametrize("day", ["01-01-0001", "31-12-9999"])
async def test_days_far_away_are_days(day: str, client: McpClient) -> None:
    assert not (await client.call_tool("listBatches", {"since": day})).is_error


@pytest.fixture
def in_berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system has one time zone a process")
@pytest.mark.parametrize("words", ["15-01-2026", "15-07-2026"])
def test_a_day_begins_at_its_own_midnight_in_summer_and_winter(words: str, in_berlin: None) -> None:
    begin, _ = span(words, time.time())
    assert time.strftime("%d-%m-%Y %H:%M:%S", time.localtime(begin)) == f"{words} 00:00:00"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system has one time zone a process")
def test_yesterday_is_a_whole_day_when_clocks_change(in_berlin: None) -> None:
    begin, end = span("yesterday", datetime(2026, 10, 26, 12).astimezone().timestamp())
    assert end is not None
    assert end - begin == 25 * 3600


# Unknown outcomes


@pytest.fixture
async def lost(client: McpClient, world: World, photos: Path) -> str:
    """A photo of the vehicle V-7 whose answer was lost."""
    world.fail_next("/uploadWithoutTemplateCC", "drop_before")
    await client.call_tool(
        "uploadImagesWithoutTemplate",
        {
            "images": [str(photos / "cars" / "car-1.jpg")],
            "numberPlate": "V-7",
            "numPlateProcessor": 1,
            "processType": "ai",
        },
    )
    return str(photos / "cars" / "car-1.jpg")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, True),
        ({"find": "v-7"}, True),
        ({"find": "v 7"}, True),
        ({"find": "car-1"}, True),
        ({"since": "today"}, True),
        ({"find": "V-8"}, False),
        ({"since": "yesterday"}, False),
        ({"since": "31-12-9999"}, False),
    ],
    ids=str,
)
async def test_what_is_unknown_is_listed_with_file_vehicle_and_reason(
    filters: dict[str, JsonValue], found: bool, client: McpClient, lost: str
) -> None:
    unknown = structured(await client.call_tool("listBatches", filters))["outcomeUnknown"]
    assert isinstance(unknown, list)
    assert [str(line).startswith(f"{lost} of “V-7”, 20") for line in unknown] == [True] * found
    assert all("whether the API acted is unknown" in str(line) for line in unknown)


async def test_only_the_newest_unknown_ones_are_listed(client: McpClient, world: World, photos: Path) -> None:
    for number in range(1, 4):
        world.fail_next("/uploadWithoutTemplateCC", "drop_before")
        await client.call_tool(
            "uploadImagesWithoutTemplate",
            {
                "images": [str(photos / "cars" / f"car-{number}.jpg")],
                "numberPlate": "V",
                "numPlateProcessor": 1,
                "processType": "ai",
            },
        )
    unknown = structured(await client.call_tool("listBatches", {"limit": 2}))["outcomeUnknown"]
    assert isinstance(unknown, list)
    assert ["car-3" in str(unknown[0]), "car-2" in str(unknown[1]), len(unknown)] == [True, True, 2]
