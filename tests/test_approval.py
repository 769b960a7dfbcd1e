"""A person approves what is paid: in both eras, once, for exactly what was asked; a model cannot answer instead."""

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, ErrorData, InputRequiredResult
from mcp_types import ElicitationCapability, InputResponses
from PIL import Image
from pydantic import JsonValue
from uploading import TOOL, photo_arguments, sent, spent

from autobg_mcp.sandbox import World
from autobg_mcp.serving.approval import _shows_forms

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]

Host = Callable[..., AbstractAsyncContextManager[McpClient]]


@dataclass
class Person:
    """Answers every question alike, and remembers it."""

    action: Literal["accept", "decline", "cancel"] = "accept"
    content: dict[str, Any] | None = field(default_factory=lambda: {"approve": True})
    before: Callable[[], object] = lambda: None
    asked: list[str] = field(default_factory=list)

    async def __call__(self, context: object, params: ElicitRequestParams) -> ElicitResult:  # noqa: ARG002
        self.asked.append(params.message)
        self.before()
        return ElicitResult(action=self.action, content=self.content)


@pytest.fixture
def host(connect: Connect) -> Host:
    """Connects a host, with or without a person at it, to a server that wants approval."""
    return lambda person, era="auto", **changes: connect(
        era, person=person, **({"approve": "paid"} | changes)
    )


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_asked_with_tool_vehicle_number_and_credits_left(
    era: str, host: Host, world: World, car: Path
) -> None:
    person = Person()
    async with host(person, era) as client:
        structured(await client.call_tool(TOOL, photo_arguments(car.parent)))
    [asked] = person.asked
    assert asked == (
        f"{TOOL}: submit 3 pictures of vehicle “V-1” for up to 3 credits? “car-1.jpg”, “car-2.jpg”, “car-3.jpg”, "
        "from “cars”. 100 credits are left; then 97, at one credit a picture (inferred)."
    )
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "answer",
    [
        Person("decline", None),
        Person("cancel", None),
        Person("accept", {"approve": False}),
        Person("accept", {"approve": "true"}),
        Person("accept", {}),
        Person("accept", None),
        Person("decline", {"approve": True}),
        Person("cancel", {"approve": True}),
    ],
    ids=lambda person: f"{person.action} {person.content}",
)
async def test_anything_but_a_clear_yes_spends_nothing(
    answer: Person, era: str, host: Host, world: World, car: Path
) -> None:
    async with host(answer, era) as client:
        text = text_of(await client.call_tool(TOOL, photo_arguments(car)))
    assert "the user did not approve. Nothing was sent." in text
    assert "Credits spent: no. Safe to repeat: no." in text
    assert not sent(world)


@pytest.mark.parametrize("era", ERAS)
async def test_a_host_that_cannot_ask_gets_an_error_that_says_so(
    era: str, host: Host, world: World, car: Path
) -> None:
    async with host(None, era) as client:
        text = text_of(await client.call_tool(TOOL, photo_arguments(car)))
    assert "this host cannot ask one (it has no elicitation)" in text
    assert re.search(r"ask them to run `\S+autobg-mcp approve \w{6}[ `]", text)
    assert not sent(world)


async def fails(context: object, params: object) -> ErrorData:
    return ErrorData(code=-32603, message="the window was closed")


async def test_a_host_that_fails_to_ask_gets_an_error_that_says_so(
    host: Host, world: World, car: Path
) -> None:
    async with host(fails, "legacy") as client:
        text = text_of(await client.call_tool(TOOL, photo_arguments(car)))
    assert "The host could not ask for approval (“the window was closed”). Nothing was sent." in text
    assert not sent(world)


async def test_a_host_that_fails_to_ask_in_the_newer_era_spends_nothing(
    host: Host, world: World, car: Path
) -> None:
    async with host(fails) as client:
        with pytest.raises(MCPError, match="the window was closed"):
            await client.call_tool(TOOL, photo_arguments(car))
    assert not sent(world)


@pytest.mark.parametrize("era", ERAS)
async def test_links_are_approved_as_one_submission(era: str, host: Host, world: World) -> None:
    person = Person("decline")
    links: list[JsonValue] = [f"https://cars.example/{number}.jpg" for number in range(20)]
    asked: dict[str, JsonValue] = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    async with host(person, era) as client:
        assert (await client.call_tool("uploadS3UrlsWithoutTemplate", asked)).is_error
    assert ["submit 20 pictures" in question for question in person.asked] == [True]
    assert [request.path.rpartition("/")[2] for request in world.requests] == ["getUserCreditDetails"] * (
        len(world.requests)
    )


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_paid_for_needs_no_approval(era: str, host: Host, world: World, car: Path) -> None:
    person = Person()
    async with host(person, era) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        structured(await client.call_tool(TOOL, photo_arguments(car)))
        structured(await client.call_tool(TOOL, photo_arguments(car.parent)))
        structured(await client.call_tool("getUserCreditDetails", {}))
    assert [question.split(" of ")[0] for question in person.asked] == [
        f"{TOOL}: submit 1 picture",
        f"{TOOL}: submit 2 pictures",
    ]
    assert len(sent(world)) == 3


@pytest.mark.parametrize("era", ERAS)
async def test_paying_again_is_asked_again(era: str, host: Host, world: World, car: Path) -> None:
    person = Person()
    async with host(person, era) as client:
        for _ in range(2):
            structured(await client.call_tool(TOOL, photo_arguments(car, allowDuplicate=True)))
    assert len(person.asked) == len(sent(world)) == 2


@pytest.mark.parametrize("name", ["approve", "approved", "approval", "inputResponses", "requestState"])
async def test_no_argument_of_a_tool_approves(name: str, host: Host, world: World, car: Path) -> None:
    async with host(Person("decline")) as client:
        result = await client.call_tool(TOOL, photo_arguments(car, **{name: True}))
    assert f"{name}: no such argument" in text_of(result)
    assert not world.requests


@pytest.mark.parametrize("era", ERAS)
async def test_a_picture_that_is_swapped_while_the_person_thinks_is_not_sent(
    era: str, host: Host, world: World, car: Path
) -> None:
    def swap() -> None:
        Image.new("RGB", (90, 60), (len(person.asked), 0, 0)).save(car)
        person.action = "accept" if len(person.asked) < 3 else "decline"

    person = Person(before=swap)
    async with host(person, era) as client:
        assert (await client.call_tool(TOOL, photo_arguments(car))).is_error
    assert not sent(world)


async def test_one_approved_picture_in_the_place_of_another_is_not_paid_twice(
    host: Host, world: World, car: Path
) -> None:
    def swap() -> None:
        shutil.copy(car, car.with_name("car-2.jpg"))

    async with host(Person(before=swap), "legacy") as client:
        await client.call_tool(TOOL, photo_arguments(car.parent, allowDuplicate=True))
    assert sent(world) == ["car-1.jpg", "car-3.jpg"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_photo_of_unknown_outcome_keeps_no_other_from_being_approved(
    era: str, host: Host, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_after")
    person = Person()
    async with host(person, era) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        result = structured(await client.call_tool(TOOL, photo_arguments(car.parent)))
    assert (result["accepted"], result["paidBefore"], result["outcomeUnknown"]) == (2, 1, [])
    assert "submit 2 pictures" in person.asked[1]
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


async def test_what_was_paid_for_when_the_person_was_asked_is_not_paid_anew_without_them(
    host: Host, world: World, car: Path, tmp_path: Path
) -> None:
    async with host(Person()) as client:
        await client.call_tool(TOOL, photo_arguments(car))
    moved = partial(forget, tmp_path / "state")
    async with host(Person(before=moved), "legacy") as client:
        result = structured(await client.call_tool(TOOL, photo_arguments(car.parent)))
    assert result["notSubmitted"] == []
    assert sent(world) == ["car-1.jpg", "car-2.jpg", "car-3.jpg"]


async def test_a_photo_that_changes_while_the_person_is_asked_is_not_sent(
    host: Host, world: World, car: Path
) -> None:
    changed = partial(shutil.copy, car.parent / "car-2.jpg", car)
    async with host(Person(before=changed), "legacy") as client:
        result = structured(await client.call_tool(TOOL, photo_arguments(car, car.parent / "car-3.jpg")))
    assert "“car-1.jpg” is not what was approved" in str(result["notSubmitted"])
    assert sent(world) == ["car-3.jpg"]


def forget(state: Path) -> None:
    """Let the window of every submission be over."""
    with closing(sqlite3.connect(state / "ledger.sqlite3")) as db, db:
        db.execute("UPDATE entries SET window_from = 0")


# The newer era, where the host carries the question and the answer


async def asked(client: McpClient, image: Path) -> str:
    """The state of a question that the host holds."""
    answer = await client.session.call_tool(TOOL, photo_arguments(image), allow_input_required=True)
    assert isinstance(answer, InputRequiredResult)
    assert answer.request_state
    return answer.request_state


async def answered(
    client: McpClient, image: Path, state: str, action: Literal["accept", "decline"] = "accept"
) -> CallToolResult | InputRequiredResult:
    """What comes of a call with an answer to that question."""
    yes: InputResponses = {"approval": ElicitResult(action=action, content={"approve": True})}
    return await client.session.call_tool(
        TOOL, photo_arguments(image), input_responses=yes, request_state=state, allow_input_required=True
    )


async def test_an_answer_counts_once(host: Host, world: World, car: Path) -> None:
    async with host(Person()) as client:
        state = await asked(client, car)
        assert isinstance(await answered(client, car, state), CallToolResult)
        Image.new("RGB", (9, 9), "pink").save(car)
        assert isinstance(await answered(client, car, state), InputRequiredResult)
    assert len(sent(world)) == 1


async def test_a_no_cannot_be_turned_into_a_yes(host: Host, world: World, car: Path) -> None:
    async with host(Person()) as client:
        state = await asked(client, car)
        await answered(client, car, state, "decline")
        assert isinstance(await answered(client, car, state), InputRequiredResult)
    assert not sent(world)


async def test_an_answer_counts_for_no_other_picture(host: Host, world: World, car: Path) -> None:
    async with host(Person()) as client:
        state = await asked(client, car)
        assert isinstance(await answered(client, car.with_name("car-2.jpg"), state), InputRequiredResult)
    assert not sent(world)


async def test_an_answer_counts_for_no_other_server(host: Host, world: World, car: Path) -> None:
    async with host(Person()) as one, host(Person()) as other:
        assert isinstance(await answered(other, car, await asked(one, car)), InputRequiredResult)
    assert not sent(world)


@pytest.mark.parametrize("state", ["", "made up", "ü"])
async def test_an_answer_to_a_question_never_asked_counts_for_nothing(
    state: str, host: Host, world: World, car: Path
) -> None:
    async with host(Person()) as client:
        assert isinstance(await answered(client, car, state), InputRequiredResult)
    assert not sent(world)


@pytest.mark.parametrize(("minutes", "uploads"), [(9.9, 1), (10.1, 0)])
async def test_an_answer_counts_for_ten_minutes(
    minutes: float, uploads: int, host: Host, world: World, clock: Clock, car: Path
) -> None:
    async with host(Person()) as client:
        state = await asked(client, car)
        clock.now_s += minutes * 60
        await answered(client, car, state)
    assert len(sent(world)) == uploads


async def test_questions_without_an_answer_are_forgotten(
    host: Host, world: World, clock: Clock, car: Path
) -> None:
    async with host(Person()) as client:
        state = await asked(client, car)
        for _ in range(100):
            clock.now_s += 1
            await asked(client, car)
        assert isinstance(await answered(client, car, state), InputRequiredResult)
    assert not sent(world)


@pytest.mark.parametrize(
    ("declared", "can"),
    [(None, False), ({}, True), ({"form": {}}, True), ({"form": {}, "url": {}}, True), ({"url": {}}, False)],
)
def test_only_a_host_that_shows_forms_can_ask(declared: dict[str, object] | None, can: bool) -> None:
    capability = None if declared is None else ElicitationCapability.model_validate(declared)
    assert _shows_forms(capability) is can


# Paying a second time, which the settings ask about unless the operator says otherwise


@pytest.fixture
def usual(connect: Connect) -> Host:
    """Connects a host to a server whose operator has set nothing."""
    return lambda person, era="auto", **changes: connect(era, person=person, **changes)


@pytest.mark.parametrize("era", ERAS)
async def test_paying_a_second_time_is_asked_with_what_it_is(
    era: str, usual: Host, world: World, car: Path
) -> None:
    person = Person()
    async with usual(person, era) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        await client.call_tool(TOOL, photo_arguments(car, allowDuplicate=True))
    [asked] = person.asked
    assert asked.startswith(f"{TOOL}: submit 1 picture of vehicle “V-1” for up to 1 credit? ")
    assert "PAY A SECOND TIME for 1 of them, paid for at 20" in asked
    assert asked.endswith(
        " “car-1.jpg”, from “cars”. 99 credits are left; then 98, at one credit a picture (inferred)."
    )
    assert len(sent(world)) == 2


@pytest.mark.parametrize("era", ERAS)
async def test_what_is_paid_for_the_first_time_is_not_asked_about(
    era: str, usual: Host, world: World, car: Path
) -> None:
    person = Person()
    async with usual(person, era) as client:
        structured(await client.call_tool(TOOL, photo_arguments(car.parent, allowDuplicate=True)))
    assert (person.asked, len(sent(world))) == ([], 3)


async def test_of_a_folder_only_the_repeats_are_asked_about(usual: Host, world: World, car: Path) -> None:
    person = Person()
    async with usual(person) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        await client.call_tool(TOOL, photo_arguments(car.parent, allowDuplicate=True))
    assert ["“car-1.jpg”, from" in asked for asked in person.asked] == [True]
    assert len(sent(world)) == 4


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_yes_nothing_is_paid_a_second_time(
    era: str, usual: Host, world: World, car: Path
) -> None:
    async with usual(Person("decline"), era) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        text = text_of(await client.call_tool(TOOL, photo_arguments(car, allowDuplicate=True)))
    assert "the user did not approve. Nothing was sent." in text
    assert len(sent(world)) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_a_second_payment_at_a_host_that_cannot_ask_waits_for_a_person_elsewhere(
    era: str, usual: Host, world: World, car: Path
) -> None:
    async with usual(None, era) as client:
        await client.call_tool(TOOL, photo_arguments(car))
        text = text_of(await client.call_tool(TOOL, photo_arguments(car, allowDuplicate=True)))
    assert "this host cannot ask one (it has no elicitation). Nothing was sent." in text
    assert "PAY A SECOND TIME for 1 of them" in text
    assert "Without allowDuplicate the same call needs nobody" in text
    assert len(sent(world)) == 1


async def test_links_that_are_paid_again_are_named_with_their_host(usual: Host, world: World) -> None:
    person = Person()
    links: list[JsonValue] = ["https://cars.example/a.jpg?X-Amz-Signature=1", "https://cars.example/b.jpg"]
    arguments = {"clientS3Uris": links, "numberPlate": "V", "processType": "ai"}
    async with usual(person) as client:
        for again in (False, True):
            await client.call_tool("uploadS3UrlsWithoutTemplate", arguments | {"allowDuplicate": again})
    assert "“a.jpg”, “b.jpg”, from “cars.example”" in person.asked[0]
    assert spent(world) == 4


async def test_two_names_of_one_new_photo_are_paid_once_even_where_repeats_are_wanted(
    usual: Host, world: World, car: Path
) -> None:
    shutil.copy(car, car.with_name("twin.jpg"))
    async with usual(Person()) as client:
        await client.call_tool(TOOL, photo_arguments(car, car.with_name("twin.jpg"), allowDuplicate=True))
    assert len(sent(world)) == 1


async def test_the_operator_may_let_repeats_be_paid_without_a_question(
    usual: Host, world: World, car: Path
) -> None:
    async with usual(None, approve="nothing") as client:
        for _ in "12":
            await client.call_tool(TOOL, photo_arguments(car, allowDuplicate=True))
    assert len(sent(world)) == 2
