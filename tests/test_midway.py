"""What breaks in the middle of forty photos: each is paid for once in the end, and the call says what kept the rest."""

import json
import re
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from conftest import Clock, Connect
from documented import ALL_TOOLSETS, structured, text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from odd_wire import OddWire, image
from paid_calls import check_ends, check_reasons, drawn, paid, played
from starlette.applications import Starlette
from uploading import sent, spent, upload

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World

pytestmark = pytest.mark.anyio

UPLOAD = "/uploadWithoutTemplateCC"
LOOK = "/getUserCreditDetails"

Midway = Callable[[Callable[[], object]], None]
"""Lets something happen while the twentieth photo is on the wire."""


@pytest.fixture
def forty(photos: Path) -> Path:
    return drawn(photos / "forty", 40)


@pytest.fixture
def midway(world: World, monkeypatch: pytest.MonkeyPatch) -> Midway:
    def arrange(happen: Callable[[], object]) -> None:
        async def happened(_: float) -> None:
            happen()

        monkeypatch.setattr(world, "sleep", happened)
        world.fail_next(UPLOAD, "slow", delay_s=1, after=19)

    return arrange


@pytest.fixture
async def patient(connect: Connect) -> Any:
    """A host whose calls wait for as many minutes as forty photos take."""
    async with connect(max_wait_s=3600) as host:
        yield host


def told(result: CallToolResult) -> Any:
    return json.loads(text_of(result))


# Files


async def test_a_photo_that_vanishes_costs_itself_and_is_sent_once_it_is_back(
    patient: McpClient, world: World, forty: Path, midway: Midway, tmp_path: Path, clock: Clock
) -> None:
    midway(lambda: shutil.move(forty / "30.png", tmp_path / "30.png"))
    first = told(await upload(patient, forty))
    shutil.move(tmp_path / "30.png", forty)
    assert first["receipt"].startswith("39 of 40 in a batch, 1 not.")
    assert [one["file"].rpartition("/")[2] for one in first["notSubmitted"]] == ["30.png"]
    check_ends((await played(patient, clock, forty, calls=1))[0], world, forty, set())


async def test_a_folder_that_is_moved_away_keeps_what_was_sent_and_the_rest_is_sent_once_it_is_back(
    patient: McpClient, world: World, forty: Path, midway: Midway, clock: Clock
) -> None:
    away = forty.with_name("away")
    midway(lambda: shutil.move(forty, away))
    first = told(await upload(patient, forty))
    shutil.move(away, forty)
    assert first["receipt"].startswith("20 of 40 in a batch, 20 not.")
    assert "no such file" in json.dumps(first["notSubmitted"]).casefold()
    check_ends((await played(patient, clock, forty, calls=1))[0], world, forty, set())


async def test_a_photo_that_becomes_the_twin_of_a_paid_one_is_not_paid_for(
    patient: McpClient, world: World, forty: Path, midway: Midway
) -> None:
    midway(lambda: shutil.copy(forty / "05.png", forty / "30.png"))
    result = told(await upload(patient, forty))
    assert (result["accepted"], result["paidBefore"], spent(world)) == (39, 1, 39)


# The ledger


@pytest.fixture
def disk() -> Iterator[Callable[[], None]]:
    """Calling this fills the disk up; it is free again in the end."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, most)


async def test_a_disk_that_fills_up_stops_the_folder_and_the_repeat_goes_on_without_paying_twice(
    patient: McpClient, world: World, forty: Path, midway: Midway, disk: Callable[[], None], clock: Clock
) -> None:
    midway(disk)
    first = told(await upload(patient, forty))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert first["receipt"].startswith("20 of 40 in a batch, 20 not: The ledger")
    assert "was accepted and paid for, but could not be written down: The ledger" in first["note"]
    check_ends((await played(patient, clock, forty, calls=1))[0], world, forty, set())


# Calls that end early, and calls beside each other


async def test_a_call_that_is_cancelled_finishes_the_photo_on_the_wire_and_a_repeat_the_rest(
    patient: McpClient, world: World, forty: Path, midway: Midway, clock: Clock
) -> None:
    with anyio.CancelScope() as scope:
        midway(scope.cancel)
        await upload(patient, forty)
    await anyio.wait_all_tasks_blocked()
    assert sent(world) == [f"{number:02}.png" for number in range(1, 21)]
    check_ends((await played(patient, clock, forty, calls=1))[0], world, forty, set())


@pytest.mark.parametrize("kind", ["soft", "402", "drop_after", "429", "403_page", "truncated"])
async def test_two_servers_at_once_on_one_folder_pay_for_every_photo_once(
    kind: FailureKind, connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    folder = drawn(photos / "ten", 10)
    world.fail_next(UPLOAD, kind, times=2, delay_s=5, after=3)
    async with connect(max_wait_s=600) as one, connect(max_wait_s=600) as other:
        for _ in range(3):
            async with anyio.create_task_group() as group:
                group.start_soon(upload, one, folder)
                group.start_soon(upload, other, folder)
            clock.now_s += 61
        check_ends(await upload(one, folder), world, folder, set())


# Credits


async def test_an_entry_that_says_that_credits_are_used_up_stops_the_folder_at_once(
    connect: Connect, sandbox: Starlette, forty: Path
) -> None:
    wire = OddWire(sandbox, image(error=True, errorMsg="Insufficient credits"), at=4, acts=False)
    async with wire.served() as address, connect(api=None, base_url=address, max_wait_s=3600) as host:
        result = await upload(host, forty)
    check_reasons(result, 40, "credits are used up")
    assert re.match(
        r"3 of 40 in a batch, 37 not: .*credits are used up \(“Insufficient credits”\)",
        told(result)["receipt"],
    )
    assert wire.uploads == 4
    assert "Tell the user that credits are used up" in told(result)["next"]


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=40)])
async def test_credits_that_end_exactly_with_the_last_photo_are_no_stop(
    patient: McpClient, world: World, forty: Path
) -> None:
    result = await upload(patient, forty)
    assert told(result)["receipt"].endswith("credits 40 → 0, explained: yes.")
    check_ends(result, world, forty, set())


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=39)])
async def test_one_credit_too_few_leaves_the_last_photo_with_the_reason_and_a_repeat_sends_nothing(
    patient: McpClient, world: World, forty: Path
) -> None:
    first, again = [told(await upload(patient, forty)) for _ in "12"]
    assert re.match("39 of 40 in a batch, 1 not: .*credits are used up", first["receipt"])
    assert "credits are used up (0 left, 1 needed). sent 0, " in again["receipt"]
    assert (len(sent(world)), spent(world)) == (40, 39)


# Free looks


async def test_a_balance_that_is_never_answered_keeps_no_photo_back_and_is_told(
    connect: Connect, world: World, photos: Path, clock: Clock
) -> None:
    world.sleep = clock.really_sleep
    world.fail_next(LOOK, "hang", delay_s=9, times=99)
    async with connect(timeout_s=0.1) as host:
        result = told(await upload(host, photos / "cars"))
    assert (result["accepted"], spent(world)) == (3, 3)
    assert "the credits that are left could not be looked at before" in result["note"]
    assert "the credits before are not known" in result["receipt"]


TEMPLATED: dict[str, Any] = {"numberPlate": "V", "processType": "ai", "templateCC": "999"}


async def templated(host: McpClient, folder: Path) -> CallToolResult:
    return await host.call_tool("uploadImagesWithTemplate", {"images": [str(folder)], **TEMPLATED})


@pytest.mark.parametrize("kind", ["html", "empty", "wrong_shape", "soft", "500", "drop_before", "429"])
async def test_a_list_of_templates_that_is_not_understood_keeps_no_photo_back_and_is_told(
    kind: FailureKind, connect: Connect, world: World, photos: Path
) -> None:
    new: dict[str, Any] = {"name": "A", "background": str(photos / "background.jpg"), "numPlate": False}
    async with connect(toolsets=ALL_TOOLSETS) as other:
        template_id = structured(await other.call_tool("createTemplate", new))["templateID"]
    world.fail_next("/templates/list", kind, delay_s=60, times=9)
    async with connect(state_dir=photos / "new") as host:
        result = told(
            await host.call_tool(
                "uploadImagesWithTemplate",
                {"images": [str(photos / "cars")], **TEMPLATED, "templateCC": str(template_id)},
            )
        )
    assert result["accepted"] == 3
    assert "exists could not be looked at" in result["note"]


async def test_a_list_that_names_a_template_which_uploads_do_not_find_costs_one_request(
    connect: Connect, sandbox: Starlette, world: World, photos: Path
) -> None:
    async def lying(scope: Any, receive: Any, send: Any) -> None:
        path = str(scope.get("path", ""))
        await (listing if path.endswith("/templates/list") else sandbox)(scope, receive, send)

    async with connect(api=lying) as host:
        result = await templated(host, photos / "cars")
    assert "the API does not have it" in text_of(result)
    assert "Check the templateID with listTemplates" in text_of(result)
    assert len([one for one in world.requests if one.path.endswith("/uploadWithTemplateCC")]) == 1
    assert paid(world) == {}


async def listing(scope: Any, receive: Any, send: Any) -> None:
    """An API that lists one template, whatever is asked."""
    body = b'{"status": true, "message": "", "data": [{"templateID": 999, "templateName": "A"}]}'
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
