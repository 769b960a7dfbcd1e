"""Photos become requests one by one, and nothing that succeeded is lost from the answer."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import anyio
import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from PIL import Image
from pydantic import JsonValue
from uploading import TOOL, sent, upload

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World

pytestmark = pytest.mark.anyio

NAMES = ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


def unsent(result: Mapping[str, JsonValue]) -> dict[str, Mapping[str, JsonValue]]:
    """What was not submitted, by file name."""
    entries = result["notSubmitted"]
    assert isinstance(entries, list)
    return {Path(str(entry["file"])).name: entry for entry in entries if isinstance(entry, dict)}


def park(photos: Path, count: int) -> Path:
    """A folder with so many different photos."""
    for number in range(4, count + 1):
        Image.new("RGB", (32, 24), (20 * number, 0, 0)).save(photos / "cars" / f"car-{number}.jpg")
    return photos / "cars"


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["cars"], NAMES),
        (["cars/*.jpg"], NAMES),
        (["**/car-*.jpg"], NAMES),
        (["cars/car-[12].jpg"], NAMES[:2]),
        (["cars/car-3.jpg", "cars/car-1.jpg"], ["car-3.jpg", "car-1.jpg"]),
        (["cars/car-2.jpg", "cars"], ["car-2.jpg", "car-1.jpg", "car-3.jpg"]),
    ],
)
async def test_folders_globs_and_files_become_one_request_a_photo_in_order(
    images: list[str], names: list[str], client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await upload(client, *(photos / image for image in images)))
    assert sent(world) == names
    assert result["accepted"] == len(names)


@pytest.fixture
def crowd(photos: Path) -> Path:
    """A folder with one photo more than a call takes."""
    folder = photos / "crowd"
    folder.mkdir()
    for number in range(501):
        (folder / f"{number}.jpg").touch()
    return folder


async def test_more_photos_than_a_call_takes_are_refused_before_one_is_sent(
    client: McpClient, world: World, crowd: Path
) -> None:
    told = text_of(await upload(client, crowd))
    assert told.startswith("The names stand for 501 pictures, more than the 500 that one call takes.")
    assert sent(world) == []


@pytest.mark.parametrize("odd", ['65".jpg', "front\nleft.jpg", "old\\path.jpg", "tab\t.jpg"])
async def test_a_name_that_no_form_carries_as_it_is_is_one_photo_that_is_found_again(
    odd: str, client: McpClient, world: World, photos: Path
) -> None:
    (photos / "cars" / "car-1.jpg").rename(photos / odd)
    batch_id = str(structured(await upload(client, photos / odd))["batchID"])
    world.advance(2)
    sheet = text_of(await client.call_tool("reviewBatch", {"batchID": batch_id}))
    listed = structured(await client.call_tool("listBatches", {}))
    assert ": done, processed" in sheet
    assert "'pictures': 1," in str(listed)


async def test_photos_are_sent_in_the_order_in_which_people_count(
    client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, park(photos, 10))
    assert sent(world) == [f"car-{number}.jpg" for number in range(1, 11)]


async def test_every_photo_carries_the_same_vehicle_and_joins_its_batch(
    client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await upload(client, photos / "cars", numberPlate="M-ÄB 123"))
    vehicles = [
        part.text for request in world.requests for part in request.form if part.name == "numberPlate"
    ]
    [account] = world.accounts.values()
    assert vehicles == ["M-ÄB 123"] * 3
    assert [(str(batch.batch_id), len(batch.pictures)) for batch in account.batches.values()] == [
        (result["batchID"], 3)
    ]


async def test_a_photo_costs_one_credit(client: McpClient, world: World, photos: Path) -> None:
    await upload(client, photos / "cars")
    assert [account.credits_left for account in world.accounts.values()] == [97]


async def test_an_upload_names_the_tool_that_comes_next(client: McpClient, photos: Path) -> None:
    result = structured(await upload(client, photos / "cars"))
    assert f"batchID={result['batchID']}" in str(result["next"])


async def test_a_repeat_is_answered_from_memory_and_costs_nothing(
    client: McpClient, world: World, photos: Path
) -> None:
    first = structured(await upload(client, photos / "cars"))
    again = structured(await upload(client, photos / "cars"))
    assert again["batchID"] == first["batchID"]
    assert "not sent again" in str(again["note"])
    assert sent(world) == NAMES


async def test_progress_counts_the_photos(client: McpClient, photos: Path) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    await upload(client, photos / "cars", hear=hear)
    assert heard[0][1:] == (3, "Photo 1 of 3")
    assert [progress for progress, *_ in heard] == sorted({progress for progress, *_ in heard})


async def test_a_file_that_is_no_picture_does_not_keep_the_others_back(
    client: McpClient, world: World, photos: Path
) -> None:
    (photos / "cars" / "car-2.jpg").write_text("AUTOBG_API_KEY=secret")
    result = structured(await upload(client, photos / "cars"))
    assert sent(world) == ["car-1.jpg", "car-3.jpg"]
    assert "“car-2.jpg” is refused" in str(unsent(result)["car-2.jpg"]["reason"])


@pytest.mark.parametrize("image", ["no-such.jpg", "nothing/*.jpg", "../outside.jpg", "empty.jpg", "note.txt"])
async def test_where_not_one_photo_can_be_sent_the_call_fails_without_a_request(
    image: str, client: McpClient, world: World, photos: Path
) -> None:
    (photos / "empty.jpg").touch()
    (photos / "note.txt").write_text("hello")
    Image.new("RGB", (9, 9)).save(photos.parent / "outside.jpg")
    result = await upload(client, photos / image)
    assert result.is_error
    assert "Credits spent: no." in text_of(result)
    assert not world.requests


async def test_without_image_folders_the_error_names_the_variable(connect: Connect, photos: Path) -> None:
    async with connect(image_dirs=()) as client:
        assert "AUTOBG_IMAGE_DIRS" in text_of(await upload(client, photos / "cars"))


async def test_photos_beyond_the_allowance_come_back_with_the_second_to_retry_at(
    client: McpClient, world: World, photos: Path
) -> None:
    left = unsent(structured(await upload(client, park(photos, 12))))
    assert len(sent(world)) == 10
    assert list(left) == ["car-11.jpg", "car-12.jpg"]
    assert [60 <= int(str(entry["retryAfterS"])) <= 61 for entry in left.values()] == [True, True]
    assert world.refused_429 == 0


async def test_a_receipt_says_why_it_ends_in_one_sentence(client: McpClient, photos: Path) -> None:
    receipt = structured(await upload(client, park(photos, 12)))["receipt"]
    assert str(receipt).startswith(
        f"10 of 12 in a batch, 2 not: The allowance of 10 calls per 60 s for {TOOL} is used up. sent 10, accepted 10, "
    )


async def test_calling_again_at_that_second_sends_only_what_is_left(
    client: McpClient, world: World, clock: Clock, photos: Path
) -> None:
    first = structured(await upload(client, park(photos, 12)))
    clock.now_s += max(int(str(entry["retryAfterS"])) for entry in unsent(first).values())
    second = structured(await upload(client, photos / "cars"))
    assert (second["batchID"], unsent(second)) == (first["batchID"], {})
    assert sent(world) == [f"car-{number}.jpg" for number in range(1, 13)]


async def test_photos_that_find_the_allowance_used_up_are_told_the_second_to_retry_at_and_that_nothing_was_spent(
    client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, park(photos, 10))
    told = text_of(await upload(client, photos / "cars", numberPlate="V-2"))
    assert told.startswith("Not one of the pictures was accepted. The allowance of 10 calls per 60 s for ")
    assert (
        "Credits spent: no. Safe to repeat: yes.\nRetry after 61 s.\nNext: in 61 s make the same call" in told
    )
    assert len(sent(world)) == 10


async def test_a_wait_within_the_budget_is_waited_out_and_told(
    connect: Connect, world: World, photos: Path
) -> None:
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with connect(max_wait_s=90) as client:
        result = await upload(client, park(photos, 12), hear=hear)
    assert len(sent(world)) == 12
    assert 60 <= (result.meta or {})["autobg/waitedS"] < 70
    assert (
        f"Waiting about 61 s for a free slot of {TOOL} (10 calls per 60 s), number 1 in the queue." in heard
    )


async def fails_at_the_second(
    client: McpClient, world: World, photos: Path, kind: FailureKind
) -> CallToolResult:
    """An upload of three photos in which the second meets a failure."""

    async def spoil(progress: float, total: float | None, message: str | None) -> None:
        if message == "Photo 2 of 3":
            world.fail_next("/uploadWithoutTemplateCC", kind)

    return await upload(client, photos / "cars", hear=spoil)


@pytest.mark.parametrize("kind", ["drop_after", "truncated"])
async def test_a_photo_whose_answer_is_lost_is_found_by_a_free_look_at_its_batch(
    kind: FailureKind, client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await fails_at_the_second(client, world, photos, kind))
    assert (result["accepted"], result["outcomeUnknown"]) == (2, [])
    assert {name: left["reason"] for name, left in unsent(result).items()} == {"car-3.jpg": "not tried"}
    assert "credits 100 → 98, explained: yes" in str(result["receipt"])


@pytest.mark.parametrize("kind", ["drop_before", "500", "html"])
async def test_a_photo_whose_answer_is_lost_is_listed_as_unknown(
    kind: FailureKind, client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await fails_at_the_second(client, world, photos, kind))
    [unknown] = cast("list[str]", result["outcomeUnknown"])
    assert "/car-2.jpg: uploadImagesWithoutTemplate: " in unknown
    assert list(unsent(result)) == ["car-3.jpg"]
    assert result["accepted"] == 1
    assert len(sent(world)) == 2


async def test_a_refused_key_in_the_middle_keeps_what_succeeded_and_leaves_the_rest(
    client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await fails_at_the_second(client, world, photos, "401"))
    assert result["outcomeUnknown"] == []
    assert list(unsent(result)) == ["car-2.jpg", "car-3.jpg"]
    assert result["accepted"] == 1


async def test_one_refused_photo_does_not_keep_back_those_behind_it(
    client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await fails_at_the_second(client, world, photos, "soft"))
    assert list(unsent(result)) == ["car-2.jpg"]
    assert result["accepted"] == 2


async def test_two_refusals_in_a_row_cost_those_two_photos_alone(
    client: McpClient, world: World, photos: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "soft", times=2)
    result = structured(await upload(client, photos / "cars"))
    assert list(unsent(result)) == ["car-1.jpg", "car-2.jpg"]
    assert result["accepted"] == 1


async def test_a_repeat_begins_with_what_was_never_tried(
    client: McpClient, world: World, photos: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "soft", times=2)
    await upload(client, photos / "cars" / "car-1.jpg", photos / "cars" / "car-2.jpg")
    await upload(client, photos / "cars")
    assert sent(world)[2:] == ["car-3.jpg", "car-1.jpg", "car-2.jpg"]


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=2)])
async def test_where_the_credits_end_the_rest_is_left_with_the_apis_reason(
    client: McpClient, world: World, photos: Path
) -> None:
    result = structured(await upload(client, park(photos, 9)))
    assert str(result["receipt"]).startswith("2 of 9 in a batch, 7 not: ")
    assert "credits are used up (0 left, 7 needed)" in str(result["receipt"])
    assert "“Insufficient credits”" in str(result["notSubmitted"])
    assert "retryAfterS" not in str(result["notSubmitted"])
    assert len(sent(world)) == 3


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=0)])
async def test_where_no_credit_is_left_nothing_is_sent(client: McpClient, world: World, photos: Path) -> None:
    told = text_of(await upload(client, photos / "cars"))
    assert "credits are used up (0 left, 3 needed). Nothing was sent." in told
    assert not sent(world)


async def test_every_batch_that_the_api_opened_is_in_the_answer(
    client: McpClient, world: World, photos: Path
) -> None:
    async def part(progress: float, total: float | None, message: str | None) -> None:
        if message == "Photo 3 of 3":
            world.advance(2 * 86_400)  # after a day the sandbox opens a new batch for the vehicle

    text = text_of(await upload(client, photos / "cars", hear=part))
    [account] = world.accounts.values()
    assert len(account.batches) == 2
    assert [str(batch_id) in text for batch_id in account.batches] == [True, True]


async def test_links_go_out_in_one_request_and_cost_a_credit_each(client: McpClient, world: World) -> None:
    links: list[JsonValue] = [f"https://cars.example/{number}.jpg" for number in range(20)]
    result = await client.call_tool(
        "uploadS3UrlsWithoutTemplate", {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    )
    assert structured(result)["accepted"] == 20
    assert [account.credits_left for account in world.accounts.values()] == [80]


@pytest.mark.long
def test_thirty_photos_take_no_more_memory_than_four() -> None:
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(__file__).with_name("upload_memory.py")
        run = subprocess.run(
            [sys.executable, str(probe), folder], capture_output=True, text=True, timeout=60, check=True
        )
    measured = json.loads(run.stdout)
    few, all_ = measured["peaks"]
    assert measured["photo"] > 10_000_000
    assert sum(size > measured["photo"] for size in measured["sent"]) == 30
    assert all_ - few < measured["photo"]


async def test_a_cancelled_wait_for_a_slot_sends_nothing_more(
    connect: Connect, world: World, clock: Clock, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "sleep", anyio.sleep)
    async with connect(rate_limits=f"{TOOL}=1/30s") as client:
        with anyio.move_on_after(0.2):
            await upload(client, photos / "cars")
        assert structured(await client.call_tool("getUserCreditDetails", {}))["current_credits"] == 99
    assert sent(world) == NAMES[:1]


async def test_a_call_cancelled_while_the_api_works_is_finished_and_remembered(
    client: McpClient, world: World, photos: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next("/uploadWithoutTemplateCC", "slow", delay_s=0.4)
    with anyio.move_on_after(0.2):
        await upload(client, photos / "cars" / "car-1.jpg")
    await anyio.sleep(0.5)
    again = structured(await upload(client, photos / "cars" / "car-1.jpg"))
    assert "not sent again" in str(again["note"])
    assert sent(world) == NAMES[:1]


async def test_where_repeats_are_not_recognised_nobody_is_led_to_repeat_the_call(
    connect: Connect, photos: Path
) -> None:
    async with connect(rate_limits="*=2/60s", max_wait_s=1, duplicate_window_h=0) as client:
        result = structured(await upload(client, photos / "cars"))
    assert "call again with what is in notSubmitted alone" in str(result["next"])
    assert "same call" not in str(result["next"])
