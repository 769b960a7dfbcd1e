"""Every credit is spent once: repeats, restarts, duplicates, unknown outcomes and the daily limit."""

import json
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import anyio
import pytest
from conftest import Clock, Connect
from documented import ALL_TOOLSETS, arguments_of, structured, text_of
from ledger_cases import by_hand
from mcp import Client as McpClient
from mcp.types import ElicitRequestParams, ElicitResult
from PIL import Image
from pydantic import JsonValue
from uploading import TOOL, photo_arguments, sent, spent, upload

from autobg_mcp.sandbox import FailureKind, World
from autobg_mcp.tools import ENDPOINTS

pytestmark = pytest.mark.anyio

SPENDING = [endpoint.tool for endpoint in ENDPOINTS if endpoint.effect == "spends"]
HOUR_S = 3600.0


async def yes(context: object, params: ElicitRequestParams) -> ElicitResult:
    """A person who approves whatever is asked."""
    return ElicitResult(action="accept", content={"approve": True})


# Repeats


async def template(host: McpClient, photos: Path, name: str = "A") -> str:
    new = {"name": name, "background": str(photos / "background.jpg"), "numPlate": False}
    return str(structured(await host.call_tool("createTemplate", new))["templateID"])


@pytest.mark.parametrize("tool", SPENDING)
async def test_a_repeat_of_any_call_that_costs_credits_is_answered_without_a_request(
    tool: str, connect: Connect, world: World, photos: Path
) -> None:
    arguments = arguments_of(tool, photos)
    async with connect(toolsets=ALL_TOOLSETS) as client:
        if "templateCC" in arguments:
            arguments["templateCC"] = "1" if "Library" in tool else await template(client, photos)
        first = structured(await client.call_tool(tool, arguments))
        requests, credits_spent = len(world.requests), spent(world)
        again = structured(await client.call_tool(tool, arguments))
    assert again["batchID"] == first["batchID"]
    assert "not sent again: submitted at 20" in str(again["note"])
    assert (len(world.requests), spent(world)) == (requests, credits_spent)


async def test_a_repeat_costs_no_credit(client: McpClient, world: World, car: Path) -> None:
    for _ in range(3):
        await upload(client, car)
    assert spent(world) == 1


async def test_a_repeat_after_a_restart_is_answered_from_the_ledger(
    connect: Connect, world: World, car: Path
) -> None:
    batches = []
    for mode in ("auto", "legacy", "auto"):
        async with connect(mode) as client:
            batches.append(structured(await upload(client, car))["batchID"])
    assert len(set(batches)) == 1
    assert spent(world) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"numberPlate": "V-2"},
        {"processType": "collab"},
        {"numPlateProcessor": 0},
    ],
    ids=str,
)
async def test_other_arguments_are_another_submission(
    changes: dict[str, JsonValue], client: McpClient, world: World, car: Path
) -> None:
    await upload(client, car)
    again = await client.call_tool(TOOL, photo_arguments(car, **changes))
    assert "note" not in structured(again)
    assert spent(world) == 2


async def test_another_template_is_another_submission(client: McpClient, world: World, photos: Path) -> None:
    templates = [await template(client, photos, name) for name in "ab"]
    arguments = {"images": str(photos / "cars" / "car-1.jpg"), "numberPlate": "V", "processType": "ai"}
    for chosen in (*templates, *templates):
        structured(await client.call_tool("uploadImagesWithTemplate", arguments | {"templateCC": chosen}))
    assert spent(world) == 2


async def test_an_edited_picture_is_another_submission(client: McpClient, world: World, car: Path) -> None:
    await upload(client, car)
    Image.new("RGB", (320, 200), "pink").save(car)
    await upload(client, car)
    assert spent(world) == 2


async def test_a_renamed_picture_is_the_same_submission(client: McpClient, world: World, car: Path) -> None:
    await upload(client, car)
    shutil.move(car, car.with_name("other.jpg"))
    result = structured(await upload(client, car.with_name("other.jpg")))
    assert "not sent again" in str(result["note"])
    assert spent(world) == 1


async def test_the_same_bytes_under_two_names_are_paid_once(
    client: McpClient, world: World, car: Path
) -> None:
    shutil.copy(car, car.with_name("copy.jpg"))
    result = structured(await upload(client, car.parent))
    assert str(result["note"]).startswith("1 of 4 not sent again")
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


@pytest.mark.parametrize(("hours", "cost"), [(23.9, 1), (24.1, 2)])
async def test_a_repeat_is_paid_again_once_the_window_is_over(
    hours: float, cost: int, clock: Clock, client: McpClient, world: World, car: Path
) -> None:
    await upload(client, car)
    clock.now_s += hours * HOUR_S
    await upload(client, car)
    assert spent(world) == cost


async def test_the_operator_sets_the_window(clock: Clock, connect: Connect, world: World, car: Path) -> None:
    async with connect(duplicate_window_h=1) as client:
        await upload(client, car)
        clock.now_s += 1.1 * HOUR_S
        await upload(client, car)
    assert spent(world) == 2


async def test_two_servers_at_once_pay_once_and_both_name_the_batch(
    connect: Connect, world: World, car: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.1)
    batches: list[JsonValue] = []
    async with (
        connect(max_wait_s=3600) as one,
        connect(max_wait_s=3600) as other,
        anyio.create_task_group() as group,
    ):

        async def submit(host: McpClient) -> None:
            batches.append(structured(await upload(host, car))["batchID"])

        for host in (one, other, one, other):
            group.start_soon(submit, host)
    assert len(batches) == 4
    assert len(set(batches)) == spent(world) == 1


async def test_an_upload_that_takes_long_is_waited_for_and_never_called_unknown(
    connect: Connect, clock: Clock, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=100)
    async with connect() as one, connect() as other, anyio.create_task_group() as group:
        group.start_soon(upload, one, car)
        await clock.sleep(70)
        result = structured(await upload(other, car))
    assert "not sent again" in str(result["note"])
    assert spent(world) == 1


@pytest.fixture
def full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """While the next upload is carried out the disk fills up; calling this frees it."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def fill(_: float) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))

    monkeypatch.setattr(world, "sleep", fill)
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=1)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, most)
    resource.setrlimit(resource.RLIMIT_FSIZE, most)


async def test_a_batch_that_the_ledger_could_not_take_is_answered_told_and_written_later(
    client: McpClient, world: World, car: Path, full_disk: Callable[[], None]
) -> None:
    first = structured(await upload(client, car))
    full_disk()
    again = structured(await upload(client, car))
    assert "was accepted and paid for, but could not be written down: The ledger" in str(first["note"])
    assert (again["batchID"], spent(world)) == (first["batchID"], 1)


async def test_a_batch_that_the_ledger_could_not_take_is_written_when_the_server_ends(
    connect: Connect, world: World, car: Path, full_disk: Callable[[], None]
) -> None:
    async with connect() as client:
        first = structured(await upload(client, car))
        full_disk()
    async with connect() as client:
        again = structured(await upload(client, car))
    assert (again["batchID"], spent(world)) == (first["batchID"], 1)


async def test_a_refusal_that_the_ledger_could_not_take_says_so_and_is_written_later(
    connect: Connect, world: World, car: Path, full_disk: Callable[[], None]
) -> None:
    world.fail_next("/uploadWithTemplateCC", "slow", delay_s=1)
    arguments = {"images": str(car), "numberPlate": "V", "processType": "ai", "templateCC": "999"}
    async with connect(check_templates=False) as client:
        first = text_of(await client.call_tool("uploadImagesWithTemplate", arguments))
        full_disk()
        second = text_of(await client.call_tool("uploadImagesWithTemplate", arguments))
    assert "The ledger lacks this outcome: The ledger" in first
    assert "“Template not found”" in second


async def test_a_batch_whose_ledger_was_replaced_meanwhile_is_taken_for_no_other_photos(
    connect: Connect, world: World, photos: Path, tmp_path: Path
) -> None:
    red, green = photos / "cars" / "car-1.jpg", photos / "cars" / "car-2.jpg"

    async def replace(_: float) -> None:
        for file in (tmp_path / "state").glob("ledger*"):
            file.unlink()
        world.fail_next("/uploadWithoutTemplateCC", "soft")
        await upload(other, green)

    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=1)
    async with connect() as one, connect() as other:
        world.sleep = replace
        first = structured(await upload(one, red))
        second = structured(await upload(other, green))
    assert "the file was replaced meanwhile. A repeat is sent and paid again." in str(first["note"])
    assert ("note" in second, spent(world)) == (False, 2)


async def test_a_planted_trigger_does_not_switch_the_daily_limit_off(
    connect: Connect, world: World, car: Path, tmp_path: Path
) -> None:
    async with connect(daily_credit_limit=1) as client:
        await upload(client, car)
    by_hand(
        tmp_path / "state",
        "CREATE TRIGGER free AFTER INSERT ON entries BEGIN UPDATE entries SET pictures = 0; END",
    )
    async with connect(daily_credit_limit=1) as client:
        result = await upload(client, car.with_name("car-2.jpg"))
    assert "it holds the trigger 'free', which autobg-mcp did not make" in text_of(result)
    assert spent(world) == 1


async def test_where_two_servers_race_and_the_first_is_refused_the_second_says_nothing_was_spent(
    connect: Connect, world: World, car: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "soft")
    texts: list[str] = []
    async with connect() as one, connect() as other, anyio.create_task_group() as group:

        async def submit(host: McpClient) -> None:
            texts.append(text_of(await upload(host, car)))

        group.start_soon(submit, one)
        group.start_soon(submit, other)
    assert sorted("Credits spent: no." in text for text in texts) in ([True, True], [False, True])
    assert spent(world) == sum("batchID" in text for text in texts)


# Resuming


@pytest.mark.parametrize("restart", [False, True], ids=["same server", "after a restart"])
async def test_a_folder_that_was_partly_sent_is_finished_by_the_same_call(
    restart: bool, connect: Connect, clock: Clock, world: World, car: Path
) -> None:
    for number in range(4, 13):
        Image.new("RGB", (32, 24), (20 * number, 0, 0)).save(car.with_name(f"car-{number}.jpg"))
    async with connect() as client:
        await upload(client, car.parent)
        if not restart:
            clock.now_s += 61
            result = structured(await upload(client, car.parent))
    if restart:
        clock.now_s += 61
        async with connect() as client:
            result = structured(await upload(client, car.parent))
    assert (result["paidBefore"], result["accepted"]) == (10, 2)
    assert str(result["note"]).startswith("10 of 12 not sent again")
    assert sent(world) == [f"car-{number}.jpg" for number in range(1, 13)]


async def test_photos_added_to_the_folder_are_all_that_a_repeat_sends(
    client: McpClient, world: World, car: Path
) -> None:
    await upload(client, car.parent)
    Image.new("RGB", (32, 24), "black").save(car.with_name("car-4.jpg"))
    await upload(client, car.parent)
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg", "car-4.jpg"]


# Refused and unknown

UNKNOWN: tuple[FailureKind, ...] = (
    "500", "503", "html", "truncated", "empty", "not_json", "wrong_shape", "hang", "drop_before", "drop_after",
)  # fmt: skip
ACTED = ("truncated", "empty", "not_json", "wrong_shape", "hang", "drop_after")
REFUSED: tuple[FailureKind, ...] = ("soft", "401", "429")


@pytest.mark.parametrize("kind", REFUSED)
async def test_what_the_api_refused_is_sent_again(
    kind: FailureKind, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind, delay_s=600)
    assert "Credits spent: no." in text_of(await upload(client, car))
    again = await upload(client, car)
    if kind != "429":  # whose gate stays closed for ten minutes
        assert structured(again)["accepted"] == 1
    assert spent(world) == (kind != "429")


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_after_an_unknown_outcome_a_repeat_sends_nothing_and_says_why(
    kind: FailureKind, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    assert "Credits spent: unknown. Safe to repeat: no." in text_of(await upload(client, car))
    again = text_of(await upload(client, car))
    assert "nobody knows what came of it" in again
    assert "it was not sent again" in again
    assert "listBatches" in again
    assert len(sent(world)) == 1


async def test_a_timeout_is_an_unknown_outcome(
    connect: Connect, world: World, car: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "hang", delay_s=9)
    async with connect(timeout_s=0.1) as client:
        assert "no answer within 0.1 s; whether the API acted is unknown" in text_of(
            await upload(client, car)
        )
        assert "it was not sent again" in text_of(await upload(client, car))
    assert spent(world) == 1


@pytest.mark.parametrize("kind", ACTED)
@pytest.mark.parametrize("look", ["getImageStatus", "waitForBatch", "reviewBatch"])
async def test_a_look_at_the_vehicles_batch_settles_what_the_api_did_after_all(
    kind: FailureKind, look: str, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    await upload(client, car)
    batch = structured(await upload(client, car.with_name("car-2.jpg")))["batchID"]
    await client.call_tool(look, {"batchID": str(batch)})
    again = structured(await upload(client, car))
    assert again["batchID"] == batch
    assert "not sent again" in str(again["note"])
    assert len(sent(world)) == 2


@pytest.mark.parametrize("kind", [kind for kind in UNKNOWN if kind not in ACTED])
async def test_a_look_that_proves_nothing_leaves_the_outcome_unknown(
    kind: FailureKind, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    await upload(client, car)
    batch = structured(await upload(client, car.with_name("car-2.jpg")))["batchID"]
    await client.call_tool("getImageStatus", {"batchID": str(batch)})
    assert "nobody knows what came of it" in text_of(await upload(client, car))
    assert sent(world) == ["car-1.jpg", "car-2.jpg"]


async def test_a_namesake_with_other_bytes_settles_nothing(
    client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_before")
    await upload(client, car)
    kept = shutil.copy(car, car.parents[2])
    Image.new("RGB", (32, 24), "pink").save(car)
    batch = structured(await upload(client, car))["batchID"]
    await client.call_tool("getImageStatus", {"batchID": str(batch)})
    shutil.copy(kept, car)
    assert "nobody knows what came of it" in text_of(await upload(client, car))


@pytest.mark.parametrize("kind", UNKNOWN)
async def test_a_person_who_decides_to_pay_again_can(
    kind: FailureKind, connect: Connect, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    async with connect(person=yes) as client:
        await upload(client, car)
        result = structured(await upload(client, car, allowDuplicate=True))
        assert structured(await upload(client, car))["batchID"] == result["batchID"]
    assert len(sent(world)) == 2


async def test_an_unknown_photo_keeps_no_other_from_being_sent_and_is_found_in_their_batch(
    client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_after")
    await upload(client, car)
    result = structured(await upload(client, car.parent))
    assert (result["accepted"], result["paidBefore"], result["outcomeUnknown"]) == (2, 1, [])
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


LINKED = "uploadS3UrlsWithoutTemplate"


def linked(*uris: str) -> dict[str, JsonValue]:
    """The arguments for linked photos; the sandbox cannot read one that ends in a slash."""
    return {"clientS3Uris": list(uris), "numberPlate": "V", "processType": "ai"}


async def links(host: McpClient, *uris: str) -> Mapping[str, JsonValue]:
    return structured(await host.call_tool(LINKED, linked(*uris)))


def link_requests(world: World) -> list[list[str]]:
    """The links of every request that reached the API."""
    bodies = [json.loads(request.body) for request in world.requests if b"clientS3Uris" in request.body]
    return [body["clientS3Uris"] for body in bodies]


async def test_photos_of_which_the_api_took_none_are_sent_again(client: McpClient, world: World) -> None:
    for _ in "12":
        result = await client.call_tool(LINKED, linked("https://cars.example/?id=1"))
        assert text_of(result).startswith("not accepted: “The file cannot be read”")
    assert len(link_requests(world)) == 2


async def test_a_repeat_sends_only_the_links_that_the_api_did_not_take(
    client: McpClient, world: World
) -> None:
    await links(client, "https://cars.example/?id=1", "https://cars.example/1.jpg")
    again = await links(client, "https://cars.example/?id=1", "https://cars.example/1.jpg")
    assert str(again["note"]).startswith("1 of 2 not sent again")
    assert link_requests(world)[1:] == [["https://cars.example/?id=1"]]


async def test_lists_of_links_that_overlap_pay_for_each_link_once(client: McpClient, world: World) -> None:
    await links(client, "https://cars.example/1.jpg", "https://cars.example/2.jpg")
    more = await links(client, *(f"https://cars.example/{number}.jpg" for number in (1, 2, 3)))
    [account] = world.accounts.values()
    assert account.credits_left == 97
    assert str(more["note"]).startswith("2 of 3 not sent again")


# Cancellation


async def test_a_call_cancelled_in_flight_is_listed_with_its_batch(
    client: McpClient, world: World, car: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.3)
    async with anyio.create_task_group() as group:
        group.start_soon(upload, client, car.parent)
        while not sent(world):  # noqa: ASYNC110  # the sandbox has no event for it
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    listed = '"batches": []'
    with anyio.fail_after(10):
        while '"batches": []' in listed:  # it is written down once the answer has come
            listed = text_of(await client.call_tool("listBatches", {}))
    [account] = world.accounts.values()
    [batch_id] = account.batches
    assert (f'"batchID": "{batch_id}"' in listed, sent(world)) == (True, ["car-1.jpg"])


async def test_a_call_cancelled_while_it_waits_for_a_slot_sends_nothing_and_frees_its_place(
    connect: Connect, clock: Clock, monkeypatch: pytest.MonkeyPatch, world: World, car: Path
) -> None:
    monkeypatch.setattr(clock, "sleep", anyio.sleep)
    async with connect(rate_limits=f"{TOOL}=1/30s") as client:
        await upload(client, car)
        with anyio.move_on_after(0.1):
            await upload(client, car.with_name("car-2.jpg"))
        clock.now_s += 60
        later = await upload(client, car.with_name("car-3.jpg"))
    assert (later.meta or {})["autobg/waitedS"] == 0
    assert sent(world) == ["car-1.jpg", "car-3.jpg"]


# The daily limit


async def test_the_daily_limit_holds_within_one_call(connect: Connect, world: World, car: Path) -> None:
    async with connect(daily_credit_limit=2) as client:
        result = structured(await upload(client, car.parent))
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today" in str(result["notSubmitted"])
    assert sent(world) == ["car-1.jpg", "car-2.jpg"]


async def test_the_daily_limit_holds_across_restarts(connect: Connect, world: World, car: Path) -> None:
    for number in (1, 2, 3):
        async with connect(daily_credit_limit=2) as client:
            result = await upload(client, car.with_name(f"car-{number}.jpg"))
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today, this needs 1. Nothing was sent." in text_of(
        result
    )
    assert "Credits spent: no." in text_of(result)
    assert spent(world) == 2


async def test_at_the_last_credit_of_the_day_one_of_two_servers_submits(
    connect: Connect, world: World, car: Path
) -> None:
    async with (
        connect(daily_credit_limit=1) as one,
        connect(daily_credit_limit=1) as other,
        anyio.create_task_group() as group,
    ):
        group.start_soon(upload, one, car)
        group.start_soon(upload, other, car.with_name("car-2.jpg"))
    assert spent(world) == 1


@pytest.mark.parametrize(("kind", "left"), [("drop_before", 0), ("drop_after", 0), ("soft", 1), ("401", 1)])
async def test_what_may_have_been_spent_counts_against_the_daily_limit(
    kind: FailureKind, left: int, connect: Connect, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    async with connect(daily_credit_limit=1) as client:
        await upload(client, car)
        result = await upload(client, car.with_name("car-2.jpg"))
    assert result.is_error == (not left)


@pytest.mark.parametrize(("links", "sent"), [(3, [3]), (4, [2, 1])])
async def test_of_a_list_of_links_as_many_are_submitted_as_the_daily_limit_leaves(
    links: int, sent: list[int], connect: Connect, world: World
) -> None:
    uris: list[JsonValue] = [f"https://cars.example/{number}.jpg" for number in range(links)]
    async with connect(daily_credit_limit=3) as client:
        await client.call_tool(
            "uploadS3UrlsWithoutTemplate", {"clientS3Uris": uris, "numberPlate": "V", "processType": "ai"}
        )
    assert [len(request) for request in link_requests(world)] == sent


async def test_a_repeat_needs_nothing_of_the_daily_limit(connect: Connect, world: World, car: Path) -> None:
    async with connect(daily_credit_limit=1) as client:
        await upload(client, car)
        assert "not sent again" in str(structured(await upload(client, car))["note"])


async def test_paying_again_is_no_way_around_the_daily_limit(
    connect: Connect, world: World, car: Path
) -> None:
    async with connect(daily_credit_limit=1, approve="nothing") as client:
        await upload(client, car)
        assert "AUTOBG_DAILY_CREDIT_LIMIT" in text_of(await upload(client, car, allowDuplicate=True))
    assert spent(world) == 1


async def test_a_limit_of_no_credits_lets_nothing_through(connect: Connect, world: World, car: Path) -> None:
    async with connect(daily_credit_limit=0) as client:
        assert (await upload(client, car)).is_error
    assert not sent(world)
