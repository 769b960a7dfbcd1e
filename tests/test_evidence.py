"""What is free to know about a submission of unknown outcome: balances, the status of batches, and the verdict on them.

Usage names no batch here; test_evidence_of_usage.py has the API whose usage does.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest
from conftest import Clock, Connect, opened
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from starlette.applications import Starlette
from uploading import sent, upload

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.sandbox import FailureKind, World
from autobg_mcp.sandbox.app import PREFIX
from autobg_mcp.sandbox.studio import StudioJob
from autobg_mcp.tools.doubts import MOST_BATCHES, settle_doubts

pytestmark = pytest.mark.anyio

ALONE = "with nothing else sent from here"
CREDITS, STATUS = f"{PREFIX}/user/getUserCreditDetails", f"{PREFIX}/images/imagesStatus"


async def ask_credits(client: McpClient) -> None:
    structured(await client.call_tool("getUserCreditDetails", {}))


async def lose(client: McpClient, world: World, *photos: Path, kind: FailureKind = "drop_after") -> None:
    """Send photos whose answers are lost; where the kind is drop_before, the API never acts."""
    with no_looks(world):
        world.fail_next("/uploadWithoutTemplateCC", kind, times=len(photos))
        for photo in photos:
            assert "Credits spent: unknown" in text_of(await upload(client, photo))
    world.requests_by_path.clear()  # from here on looks are counted


@contextmanager
def no_looks(world: World) -> Iterator[None]:
    """A while in which the API answers no free look, so that a call is left with what it knows."""
    for path in ("/getUserCreditDetails", "/imagesStatus"):
        world.fail_next(path, "soft", times=99)
    yield
    world.failures.clear()


async def doubts(client: McpClient) -> list[str]:
    """What listBatches says of submissions of unknown outcome."""
    listed = structured(await client.call_tool("listBatches", {}))["outcomeUnknown"]
    assert isinstance(listed, list)
    return [str(line) for line in listed]


def spend_elsewhere(world: World) -> None:
    """Another program with the same key spends a credit."""
    [only] = world.accounts.values()
    only.spent[world.today()] += 1


def appear(world: World, name: str, vehicle: str = "V-1") -> int:
    """The batch of a vehicle in which a picture appears that no answer told of."""
    [only] = world.accounts.values()
    return world.add_pictures(only, vehicle, [(name, StudioJob(b""))]).batch_id


@pytest.fixture
def cars(photos: Path) -> list[Path]:
    return sorted((photos / "cars").iterdir())


# The verdict that credits give


async def test_a_charge_with_nothing_else_sent_is_told_as_charged(
    client: McpClient, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    await ask_credits(client)
    [line] = await doubts(client)
    assert line.endswith(f"; credits went 100 → 99 {ALONE}: charged, almost surely")


async def test_an_unmoved_balance_is_told_as_not_charged_a_minute_later(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car, kind="drop_before")
    clock.now_s += 60
    await ask_credits(client)
    [line] = await doubts(client)
    assert f"; credits stayed 100 {ALONE}: not charged, almost surely; allowDuplicate: true would" in line


async def test_a_balance_asked_at_once_does_not_say_that_nothing_will_be_charged(
    client: McpClient, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car, kind="drop_before")
    await ask_credits(client)
    [line] = await doubts(client)
    assert f"credits stayed 100 {ALONE}: not charged by 20" in line
    assert "may still have been at work on it; getUserCreditDetails (free) tells more a minute later" in line
    assert "allowDuplicate" not in line


async def test_a_charge_that_comes_late_is_told_as_charged(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car, kind="drop_before")
    await ask_credits(client)
    spend_elsewhere(world)
    clock.now_s += 30
    await ask_credits(client)
    [line] = await doubts(client)
    assert line.endswith(f"credits went 100 → 99 {ALONE}: charged, almost surely")


async def test_what_another_program_spends_after_the_first_balance_does_not_blur_the_verdict(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    await ask_credits(client)
    spend_elsewhere(world)
    clock.now_s += 30
    await ask_credits(client)
    assert (await doubts(client))[0].endswith(f"credits went 100 → 99 {ALONE}: charged, almost surely")


async def test_the_refusal_of_a_repeat_says_the_verdict_with_its_ground(
    client: McpClient, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    await ask_credits(client)
    again = text_of(await upload(client, car))
    assert f"it was not sent again. Credits went 100 → 99 {ALONE}: charged, almost surely." in again
    assert "Credits spent: unknown. Safe to repeat: no." in again


async def test_what_was_accepted_or_refused_beside_it_is_accounted_for(
    client: McpClient, world: World, clock: Clock, cars: list[Path]
) -> None:
    await ask_credits(client)
    await lose(client, world, cars[0], kind="drop_before")
    with no_looks(world):
        await upload(client, cars[1])
        world.fail_next("/uploadWithoutTemplateCC", "soft")
        await upload(client, cars[2])
    clock.now_s += 60
    await ask_credits(client)
    [line] = await doubts(client)
    assert "credits went 100 → 99 with 1 accepted and 1 refused sent from here beside it: not charged" in line


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        (["drop_after", "drop_after"], "credits went 100 → 98 with 1 of unknown outcome sent from here beside it: all 2 charged, almost surely"),
        (["drop_after", "drop_before"], ": 1 of 2 charged, almost surely, and nobody knows which"),
        (["drop_before", "drop_before"], ": none charged, almost surely; allowDuplicate: true would send it again"),
    ],
    ids=["all", "one", "none"],
)  # fmt: skip
async def test_of_several_without_a_balance_between_them_the_number_is_told(
    kinds: list[FailureKind], told: str, client: McpClient, world: World, clock: Clock, cars: list[Path]
) -> None:
    await ask_credits(client)
    for car, kind in zip(cars, kinds, strict=False):
        await lose(client, world, car, kind=kind)
    clock.now_s += 60
    await ask_credits(client)
    lines = await doubts(client)
    assert [told in line for line in lines] == [True, True]


@pytest.mark.parametrize("others", [1, 5])
async def test_a_difference_that_nothing_from_here_explains_gives_no_verdict(
    others: int, client: McpClient, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    for _ in range(others):
        spend_elsewhere(world)
    await ask_credits(client)
    [line] = await doubts(client)
    assert f"credits went 100 → {99 - others} {ALONE}: no verdict, since that does not explain it" in line
    assert "(another program with the same key, credits that were added, or a charge that came late)" in line


async def test_credits_that_were_added_give_no_verdict(client: McpClient, world: World, car: Path) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    [only] = world.accounts.values()
    only.credits += 500
    await ask_credits(client)
    assert "credits went 100 → 599" in (await doubts(client))[0]
    assert "no verdict" in (await doubts(client))[0]


async def test_without_a_balance_since_the_free_call_that_would_tell_is_named(
    client: McpClient, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    [line] = await doubts(client)
    assert "credits were 100 before it and nobody asked since: getUserCreditDetails (free) tells" in line


async def test_without_a_balance_from_before_it_credits_are_not_made_to_speak(
    client: McpClient, world: World, car: Path
) -> None:
    await lose(client, world, car)
    await ask_credits(client)
    [line] = await doubts(client)
    assert line.endswith(
        "no balance from before it is known, so credits tell nothing; getImageStatus of its batch (free) may"
    )


@pytest.mark.parametrize("look", ["getUserCreditDetails", "getCreditSummary"])
async def test_a_balance_is_kept_at_every_free_look(
    look: str, client: McpClient, world: World, car: Path
) -> None:
    await client.call_tool(look, {})
    await lose(client, world, car)
    await client.call_tool(look, {})
    assert "credits went 100 → 99" in (await doubts(client))[0]


async def test_a_balance_that_was_on_its_way_during_an_upload_says_nothing_about_it(
    client: McpClient, world: World, clock: Clock, car: Path, connect: Connect
) -> None:
    await ask_credits(client)
    world.fail_next("/getUserCreditDetails", "slow", delay_s=5)
    async with connect() as other, anyio.create_task_group() as group:
        group.start_soon(ask_credits, other)
        await clock.sleep(1)
        await lose(client, world, car)
    assert "nobody asked since" in (await doubts(client))[0]


async def test_a_verdict_alone_never_settles_a_submission(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car, kind="drop_before")
    clock.now_s += 3600
    await ask_credits(client)
    assert "not charged, almost surely" in text_of(await upload(client, car))
    assert len(sent(world)) == 1


# A status that names the file


async def look(client: McpClient, batch_id: JsonValue) -> None:
    structured(await client.call_tool("getImageStatus", {"batchID": str(batch_id)}))


async def lost_first(client: McpClient, world: World, *photos: Path) -> str:
    """The number of the batch that photos of unknown outcome have opened."""
    await lose(client, world, *photos)
    [only] = world.accounts.values()
    return str(max(only.batches))


async def test_the_first_photo_of_a_vehicle_is_settled_by_a_status_that_names_it(
    client: McpClient, world: World, car: Path
) -> None:
    batch = await lost_first(client, world, car)
    await look(client, batch)
    again = structured(await upload(client, car))
    assert (again["batchID"], len(sent(world))) == (batch, 1)
    assert "not sent again" in str(again["note"])
    assert await doubts(client) == []


async def test_the_first_photos_of_a_vehicle_are_settled_together(
    client: McpClient, world: World, cars: list[Path]
) -> None:
    await look(client, await lost_first(client, world, *cars))
    structured(await upload(client, *cars))
    assert len(sent(world)) == 3


async def test_the_first_link_of_a_vehicle_is_settled_by_a_status_that_names_it(
    host: McpClient, world: World
) -> None:
    link: dict[str, JsonValue] = {
        "clientS3Uris": ["https://cars.example/AB/front.jpg"],
        "numberPlate": "AB-1",
        "processType": "ai",
    }
    world.fail_next("/uploadWithoutTemplateCC-v2", "drop_after")
    await host.call_tool("uploadS3UrlsWithoutTemplate", link)
    [only] = world.accounts.values()
    await look(host, max(only.batches))
    again = structured(await host.call_tool("uploadS3UrlsWithoutTemplate", link))
    assert again["batchID"] == str(max(only.batches))
    assert "not sent again" in str(again["note"])


async def test_a_name_that_two_vehicles_wait_for_settles_neither(
    client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_before")
    await upload(client, car, numberPlate="V-2")
    await look(client, await lost_first(client, world, car))
    assert len(await doubts(client)) == 2


async def test_a_status_does_not_outweigh_a_balance_that_never_moved(
    client: McpClient, world: World, clock: Clock, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car, kind="drop_before")
    clock.now_s += 60
    await ask_credits(client)
    await look(client, appear(world, car.name))
    assert "not charged, almost surely" in (await doubts(client))[0]


# The free looks after a doubtful outcome


@pytest.fixture
async def python(sandbox: Starlette, clock: Clock, tmp_path: Path) -> AsyncGenerator[Client]:
    """The same account from Python."""
    async with opened(sandbox, clock, tmp_path) as client:
        yield client


async def settle(python: Client, max_wait_s: float | None = None) -> None:
    await settle_doubts(python.context(Call(max_wait_s=max_wait_s)), "V-1")


async def test_the_looks_find_a_lost_photo_in_a_batch_of_its_vehicle(
    client: McpClient, python: Client, world: World, cars: list[Path]
) -> None:
    await upload(client, cars[0])
    await lose(client, world, cars[1])
    await settle(python)
    assert await doubts(client) == []
    assert (world.requests_by_path[CREDITS], world.requests_by_path[STATUS]) == (1, 1)


async def test_the_looks_find_it_in_a_batch_that_was_seen_since(
    client: McpClient, python: Client, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_before")
    await upload(client, car)
    [only] = world.accounts.values()
    batch = world.open_batch(only, "V-1")
    await look(client, batch.batch_id)
    appear(world, car.name)
    await settle(python)
    assert await doubts(client) == []


async def test_the_looks_ask_the_balance_so_that_there_is_a_verdict(
    client: McpClient, python: Client, world: World, car: Path
) -> None:
    await ask_credits(client)
    await lose(client, world, car)
    await settle(python)
    assert "charged, almost surely" in text_of(await upload(client, car))


async def test_without_a_doubt_nothing_is_asked(
    client: McpClient, python: Client, world: World, car: Path
) -> None:
    await upload(client, car)
    await lose(client, world, car.with_name("car-2.jpg"))
    requests = len(world.requests)
    await settle_doubts(python.context(Call()), "V-2")
    assert len(world.requests) == requests


async def test_the_looks_end_as_soon_as_there_is_no_doubt(
    client: McpClient, python: Client, world: World, clock: Clock, cars: list[Path]
) -> None:
    await upload(client, cars[0])
    clock.now_s += 2 * 86_400
    await upload(client, cars[1])
    await lose(client, world, cars[2])
    await settle(python)
    assert (world.requests_by_path[STATUS], await doubts(client)) == (1, [])


async def test_the_looks_are_few(
    client: McpClient, python: Client, world: World, clock: Clock, cars: list[Path]
) -> None:
    for _ in range(MOST_BATCHES + 2):
        await upload(client, cars[0])
        clock.now_s += 2 * 86_400
    await lose(client, world, cars[1], kind="drop_before")
    await settle(python)
    assert (world.requests_by_path[CREDITS], world.requests_by_path[STATUS]) == (1, MOST_BATCHES)


@pytest.mark.parametrize("kind", ["401", "soft", "500", "429", "html", "empty", "drop_before", "hang"])
@pytest.mark.parametrize("path", ["/getUserCreditDetails", "/imagesStatus"])
async def test_a_look_that_cannot_be_made_fails_nothing(
    kind: FailureKind, path: str, client: McpClient, python: Client, world: World, cars: list[Path]
) -> None:
    await upload(client, cars[0])
    await lose(client, world, cars[1])
    world.fail_next(path, kind, times=99)
    await settle(python)
    settled = path == "/getUserCreditDetails"
    assert (await doubts(client) == []) == settled


async def test_a_ledger_that_fails_keeps_the_looks_from_failing_a_call(
    python: Client, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "ledger.sqlite3").write_bytes(b"not a database" * 1_000)
    await settle(python)


async def test_the_looks_wait_for_no_slot(
    client: McpClient, python: Client, world: World, clock: Clock, cars: list[Path]
) -> None:
    await upload(client, cars[0])
    await lose(client, world, cars[1])
    world.fail_next("/imagesStatus", "429", delay_s=30)
    began_s = clock.now_s
    await settle(python)
    await settle(python)
    assert clock.now_s - began_s < 1
    assert len(await doubts(client)) == 1


async def test_a_call_whose_time_is_over_makes_no_look(
    client: McpClient, python: Client, world: World, car: Path
) -> None:
    await lose(client, world, car)
    requests = len(world.requests)
    await settle(python, max_wait_s=-10)
    assert len(world.requests) == requests
