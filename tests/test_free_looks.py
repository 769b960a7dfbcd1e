"""Before the first picture costs anything: free looks at the template and the credits, which block nothing when they fail."""

import re
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import received, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from paid_calls import drawn
from pydantic import JsonValue
from uploading import PATH, sent, upload

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World

pytestmark = pytest.mark.anyio

TOOL = "uploadImagesWithTemplate"
CREDITS, TEMPLATES = "getUserCreditDetails", "listTemplates"


@pytest.fixture
async def showroom(client: McpClient, photos: Path, tmp_path: Path) -> str:
    """A template that the ledger does not know yet."""
    new = {"name": "Showroom", "background": str(photos / "background.jpg"), "numPlate": False}
    template = str(structured(await client.call_tool("createTemplate", new))["templateID"])
    (tmp_path / "state" / "ledger.sqlite3").unlink(missing_ok=True)
    return template


@pytest.fixture
async def fresh(connect: Connect, showroom: str) -> AsyncGenerator[McpClient]:
    """A server that has just started."""
    async with connect() as host:
        yield host


async def submit(host: McpClient, template: JsonValue, photo: Path) -> CallToolResult:
    arguments = {"images": str(photo), "numberPlate": "V", "processType": "ai", "templateCC": template}
    return await host.call_tool(TOOL, arguments)


@pytest.mark.parametrize("name", ["Showroom", "showroom", "Show room"])
async def test_a_template_by_name_is_not_sent_to_and_its_id_is_told(
    name: str, fresh: McpClient, showroom: str, world: World, car: Path
) -> None:
    lines = text_of(await submit(fresh, name, car)).splitlines()
    assert lines[0].endswith(f"did you mean {showroom} “Showroom”? Nothing was sent.")
    assert lines[1:] == [
        "Credits spent: no. Safe to repeat: no.",
        f"Next: Call again with templateCC={showroom}, if that is it.",
    ]
    assert not received(world, TOOL)


async def test_a_template_that_does_not_exist_is_not_sent_to(
    fresh: McpClient, world: World, car: Path
) -> None:
    assert "the account has no template “999”" in text_of(await submit(fresh, "999", car))
    assert not received(world, TOOL)


async def test_a_folder_for_a_template_that_does_not_exist_is_not_led_to_the_same_call(
    fresh: McpClient, world: World, photos: Path
) -> None:
    lines = text_of(await submit(fresh, "999", photos / "cars")).splitlines()
    assert lines[-1] == "Next: Call listTemplates for the ids"
    assert not received(world, TOOL)


async def test_a_template_that_was_seen_once_is_not_looked_for_again(
    fresh: McpClient, showroom: str, world: World, car: Path
) -> None:
    before = len(received(world, TEMPLATES))
    for photo in (car, car.with_name("car-2.jpg")):
        assert structured(await submit(fresh, showroom, photo))["accepted"] == 1
    assert len(received(world, TEMPLATES)) == before + 1


async def test_an_operator_may_send_to_templates_that_are_not_listed(
    connect: Connect, world: World, car: Path
) -> None:
    async with connect(check_templates=False) as host:
        assert "“Template not found”" in text_of(await submit(host, "999", car))


@pytest.mark.parametrize("kind", ["soft", "500", "html", "empty", "wrong_shape", "drop_before", "429"])
async def test_a_look_for_the_template_that_fails_blocks_nothing_and_is_told(
    kind: FailureKind, fresh: McpClient, showroom: str, world: World, car: Path
) -> None:
    world.fail_next("/templates/list", kind, times=9, delay_s=30)
    result = structured(await submit(fresh, showroom, car))
    assert result["accepted"] == 1
    assert f"whether template “{showroom}” exists could not be looked at" in str(result["note"])


@pytest.mark.parametrize("kind", ["soft", "500", "html", "empty", "wrong_shape", "drop_before", "429"])
async def test_a_look_at_the_credits_that_fails_blocks_nothing_and_is_told(
    kind: FailureKind, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/getUserCreditDetails", kind, times=9, delay_s=30)
    result = structured(await upload(client, car))
    assert result["accepted"] == 1
    assert "the credits that are left could not be looked at before" in str(result["note"])
    assert str(result["receipt"]).endswith("; the credits before are not known.")


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=0)])
async def test_at_no_credit_nothing_is_sent(client: McpClient, world: World, car: Path) -> None:
    lines = text_of(await upload(client, car)).splitlines()
    assert "credits are used up (0 left, 1 needed). Nothing was sent." in lines[0]
    assert lines[1] == "Credits spent: no. Safe to repeat: no."
    assert not sent(world)


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=2)])
async def test_fewer_credits_than_photos_are_told_first_and_spent_to_the_last(
    client: McpClient, world: World, photos: Path
) -> None:
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(str(message))

    result = structured(await upload(client, photos / "cars", hear=hear))
    said = "2 credits are left for 3 pictures, at one credit each (inferred)"
    assert heard.index(f"{said}: submitting until the API refuses") == 1
    assert (result["accepted"], str(result["note"])) == (2, said)


async def test_a_balance_of_the_last_ten_minutes_is_not_asked_again(
    client: McpClient, world: World, photos: Path
) -> None:
    for number in (1, 2, 3):
        await upload(client, photos / "cars" / f"car-{number}.jpg")
    assert world.requests_by_path[PATH] == 3
    assert len(received(world, CREDITS)) == 4  # one before all, one after each


async def test_where_all_was_paid_before_nothing_is_looked_at(
    client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, photos / "cars")
    asked = len(world.requests)
    assert structured(await upload(client, photos / "cars"))["paidBefore"] == 3
    assert len(world.requests) == asked


# The receipt


async def test_a_receipt_counts_and_says_that_the_balance_agrees(client: McpClient, photos: Path) -> None:
    await upload(client, photos / "cars" / "car-1.jpg")
    result = structured(await upload(client, photos / "cars"))
    assert result["receipt"] == (
        "3 of 3 in a batch. sent 2, accepted 2, paid before 1, refused 0, unknown 0; credits 99 → 97, explained: yes."
    )


async def test_credits_that_go_elsewhere_are_not_explained(
    client: McpClient, world: World, photos: Path
) -> None:
    async def spend(progress: float, total: float | None, message: str | None) -> None:
        if message == "Photo 2 of 3":
            [account] = world.accounts.values()
            account.spent[world.today()] += 4

    result = structured(await upload(client, photos / "cars", hear=spend))
    assert "credits 100 → 93, explained: no, 7 gone for 3 accepted from here" in str(result["receipt"])


# The plan


async def test_a_dry_run_tells_the_plan_and_sends_nothing(
    client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, photos / "cars" / "car-1.jpg")
    (photos / "cars" / "notes.jpg").write_text("no picture")
    result = structured(await upload(client, photos / "cars", dryRun=True))
    assert result["plan"] == [
        "4 pictures: 2 to send, 1 paid before, 1 not to be sent, 0 of unknown outcome",
        "up to 2 credits. 99 credits are left; then 97, at one credit a picture (inferred).",
        "about 1 min at 10 requests in 60 s",
    ]
    assert sent(world) == ["car-1.jpg"]


async def test_a_dry_run_names_what_is_the_same_photo_and_what_is_no_picture(
    client: McpClient, photos: Path
) -> None:
    shutil.copy(photos / "cars" / "car-2.jpg", photos / "cars" / "car-2 copy.jpg")
    (photos / "cars" / "notes.pdf").write_bytes(b"%PDF-1.4")
    plan = structured(await upload(client, photos / "cars", dryRun=True))["plan"]
    assert isinstance(plan, list)
    assert plan[:3] == [
        "4 pictures: 3 to send, 0 paid before, 0 not to be sent, 0 of unknown outcome",
        "“car-2.jpg”: the same photo as another of them, sent once",
        "“notes.pdf”: no picture, not sent",
    ]


async def test_a_dry_run_tells_the_time_at_the_pace_of_the_limit(client: McpClient, photos: Path) -> None:
    plan = structured(await upload(client, drawn(photos / "twelve", 12), dryRun=True))["plan"]
    assert "about 1 min at 10 requests in 60 s" in str(plan)


async def test_a_dry_run_names_what_was_paid_for_so_long_ago_that_it_would_be_paid_again(
    client: McpClient, clock: Clock, car: Path
) -> None:
    await upload(client, car)
    clock.now_s += 25 * 3600
    plan = structured(await upload(client, car, dryRun=True))["plan"]
    again = r"“car-1\.jpg”: submitted before \(20.* UTC\), to be PAID FOR AGAIN, since that was more than AUTOBG_DUPLICATE"
    assert re.search(again, str(plan))


async def test_a_dry_run_tells_the_balance_of_this_moment(
    client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, photos / "cars" / "car-1.jpg")
    [account] = world.accounts.values()
    account.credits -= 90  # another program used them
    plan = structured(await upload(client, photos / "cars" / "car-2.jpg", dryRun=True))["plan"]
    assert "9 credits are left; then 8" in str(plan)


async def test_a_dry_run_names_the_template(fresh: McpClient, showroom: str, car: Path) -> None:
    arguments: dict[str, JsonValue] = {"images": str(car), "numberPlate": "V", "processType": "ai"}
    arguments |= {"templateCC": showroom, "dryRun": True}
    result = structured(await fresh.call_tool(TOOL, arguments))
    assert f"template {showroom} “Showroom”" in str(result["plan"])


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=0)])
async def test_a_dry_run_without_credits_is_a_plan_all_the_same(client: McpClient, car: Path) -> None:
    result = structured(await upload(client, car, dryRun=True))
    assert "0 credits are left, 1 too few, at one credit a picture (inferred)" in str(result["plan"])


async def test_links_are_planned_too(client: McpClient, world: World) -> None:
    links: list[JsonValue] = [f"https://cars.example/{number}.jpg" for number in range(25)]
    arguments = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai", "dryRun": True}
    result = structured(await client.call_tool("uploadS3UrlsWithoutTemplate", arguments))
    assert "25 pictures: 25 to send" in str(result["plan"])
    assert not received(world, "uploadS3UrlsWithoutTemplate")
