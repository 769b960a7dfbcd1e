"""A call that takes long goes on as a task, where a host knows tasks: asked for, carried on after a death, ended, bounded."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, InputRequiredResult
from PIL import Image
from pydantic import JsonValue
from task_host import EXTENSION, KnowsTasks, TaskAnswer, about, begun, call, when
from test_approval import Person
from uploading import TOOL, photo_arguments, sent

from autobg_mcp.client import Client
from autobg_mcp.sandbox import SandboxOptions, World
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings
from autobg_mcp.tools.offer import prepared

pytestmark = pytest.mark.anyio

METHODS = ["tasks/get", "tasks/update", "tasks/cancel"]
CREDITS = "/user/getUserCreditDetails"
STATUS = "/images/imagesStatus"
DAY_S = 86_400
NO_TASK = "There is no such task, or no more: a task is known for a day."

Host = Callable[..., AbstractAsyncContextManager[McpClient]]


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(turnaround_s=100)


@pytest.fixture
def host(connect: Connect) -> Host:
    """Connects a host that knows tasks to a new server on the same state folder."""
    return lambda **changes: connect(extensions=[KnowsTasks()], **changes)


@pytest.fixture
def many(photos: Path) -> Path:
    """A folder of twelve photos, two more than the API takes in a minute."""
    folder = photos / "many"
    folder.mkdir()
    for number in range(12):
        Image.new("RGB", (64, 48), (20 * number, 0, 0)).save(folder / f"{number:02}.jpg")
    return folder


@pytest.fixture
async def batch(connect: Connect, photos: Path) -> dict[str, JsonValue]:
    """What waitForBatch takes to wait for three pictures, done 70, 80 and 90 s after their upload."""
    async with connect() as client:
        answer = structured(await client.call_tool(TOOL, photo_arguments(photos / "cars")))
    return {"batchID": str(answer["batchID"])}


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    """The tasks in the state folder, as they are written down."""
    with closing(sqlite3.connect(tmp_path / "state" / "tasks.sqlite3")) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM tasks")]


def late(world: World) -> None:
    """Let the next look at the credits, which is the first step of an upload, take longer than a caller waits."""
    world.fail_next(CREDITS, "slow", delay_s=6)


# What becomes a task, and what does not


async def test_a_wait_goes_on_until_the_batch_is_done_whatever_a_call_may_wait(
    host: Host, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        task = await when(client, await begun(client, "waitForBatch", batch), clock)
    result = CallToolResult.model_validate(task["result"])
    assert task["status"] == "completed"
    assert structured(result)["processed"] == 3


async def test_an_upload_goes_on_until_every_photo_is_sent(
    host: Host, world: World, clock: Clock, many: Path
) -> None:
    async with host(max_wait_s=10) as client:
        task = await when(client, await begun(client, TOOL, photo_arguments(many)), clock)
    result = structured(CallToolResult.model_validate(task["result"]))
    assert (result["accepted"], result["notSubmitted"]) == (12, [])
    assert len(sent(world)) == 12


async def test_what_is_done_in_a_moment_is_answered_at_once_and_leaves_no_task(
    host: Host, car: Path, tmp_path: Path
) -> None:
    async with host() as client:
        answer = await call(client, TOOL, photo_arguments(car))
    assert isinstance(answer, CallToolResult)
    assert structured(answer)["accepted"] == 1
    assert kept(tmp_path) == []


async def test_a_refused_argument_is_told_at_once(host: Host) -> None:
    async with host() as client:
        answer = await call(client, "waitForBatch", {"batch": "1"})
    assert isinstance(answer, CallToolResult)
    assert "batch: no such argument; did you mean batchID?" in text_of(answer)


@pytest.mark.parametrize(("mode", "extensions"), [("auto", []), ("legacy", []), ("legacy", [KnowsTasks()])])
async def test_a_host_that_does_not_know_tasks_is_answered_as_ever(
    mode: str, extensions: list[KnowsTasks], connect: Connect, batch: dict[str, JsonValue]
) -> None:
    async with connect(mode, extensions=extensions) as client:
        answer = await call(client, "waitForBatch", batch)
    assert isinstance(answer, CallToolResult)
    assert structured(answer)["pending"] == 3


@pytest.mark.parametrize(("mode", "declared"), [("auto", {EXTENSION: {}}), ("legacy", None)])
async def test_the_newer_era_alone_hears_of_the_extension(
    mode: str, declared: dict[str, object] | None, connect: Connect
) -> None:
    async with connect(mode) as client:
        assert client.server_capabilities.extensions == declared


async def test_only_calls_that_may_take_long_become_tasks(host: Host, world: World) -> None:
    late(world)
    async with host() as client:
        assert isinstance(await call(client, "getUserCreditDetails", {}), CallToolResult)


def test_every_tool_that_spends_may_be_begun_again_by_another_process() -> None:
    spending = [tool for tool in prepared().values() if tool.effect == "spends"]
    assert all(tool.listed["annotations"]["idempotentHint"] for tool in spending)  # type: ignore[call-overload,index]


async def test_a_call_beyond_the_most_tasks_at_once_is_answered_as_ever(
    host: Host, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        answers = [await call(client, "waitForBatch", batch | {"waitSeconds": 1}) for _ in range(2)]
        while isinstance(answers[-1], TaskAnswer) and len(answers) < 20:
            answers.append(await call(client, "waitForBatch", batch | {"waitSeconds": 1}))
    assert len(answers) <= 17
    assert isinstance(answers[-1], CallToolResult)


async def test_a_file_of_tasks_that_cannot_be_used_makes_no_call_fail(
    host: Host, batch: dict[str, JsonValue], tmp_path: Path
) -> None:
    (tmp_path / "state" / "tasks.sqlite3").mkdir()
    async with host() as client:
        answer = await call(client, "waitForBatch", batch)
    assert isinstance(answer, CallToolResult)
    assert structured(answer)["pending"] == 3


# What a task tells


async def test_a_ticket_says_how_long_it_is_known_and_how_often_to_ask(
    host: Host, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        ticket = (await call(client, "waitForBatch", batch)).model_dump(by_alias=True)
    assert {"status": "working", "ttlMs": DAY_S * 1000, "pollIntervalMs": 2000}.items() <= ticket.items()
    assert str(ticket["createdAt"]).endswith("Z")
    assert not {"result", "error", "inputRequests", "requestState"} & ticket.keys()


async def test_a_task_says_how_far_it_is_and_sends_no_progress(
    host: Host, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with host() as client:
        ticket = await client.session.call_tool(
            "waitForBatch", batch, allow_claimed=True, progress_callback=hear
        )
        assert isinstance(ticket, TaskAnswer)
        clock.now_s += 70
        await clock.sleep(15)
        task = await about(client, "tasks/get", ticket.task_id)
    assert task["statusMessage"] == f"Batch {batch['batchID']}: 2 of 3 pictures done"
    assert heard == [f"Batch {batch['batchID']}: 0 of 3 pictures done"]


async def test_an_error_in_words_is_a_completed_task(
    host: Host, world: World, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
        world.fail_next(STATUS, "401")
        task = await when(client, handle, clock)
    assert task["status"] == "completed"
    assert "error" not in task
    assert task["result"]["isError"] is True


# Who may ask


@pytest.mark.parametrize("method", METHODS)
async def test_an_unknown_handle_is_an_invalid_parameter(method: str, host: Host) -> None:
    async with host() as client:
        with pytest.raises(MCPError, match=NO_TASK) as refused:
            await about(client, method, "made-up", inputResponses={})
    assert refused.value.error.code == -32602


@pytest.mark.parametrize("method", METHODS)
async def test_a_handle_leads_another_account_nowhere(
    method: str, host: Host, batch: dict[str, JsonValue]
) -> None:
    async with host() as client, host(api_key="another-key-0123456789") as stranger:
        handle = await begun(client, "waitForBatch", batch)
        with pytest.raises(MCPError, match=NO_TASK):
            await about(stranger, method, handle, inputResponses={})
        assert (await about(client, "tasks/get", handle))["status"] == "working"


@pytest.mark.parametrize("method", METHODS)
async def test_a_request_that_does_not_declare_the_extension_is_told_to(
    method: str, connect: Connect
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError) as refused:
            await about(client, method, "any", inputResponses={})
    assert refused.value.error.code == -32021
    assert refused.value.error.data == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}


@pytest.mark.parametrize("method", METHODS)
async def test_the_older_era_knows_no_such_method(method: str, connect: Connect) -> None:
    async with connect("legacy", extensions=[KnowsTasks()]) as client:
        with pytest.raises(MCPError) as refused:
            await about(client, method, "any", inputResponses={})
    assert refused.value.error.code == -32601


async def test_handles_cannot_be_guessed_or_read_from_the_state_folder(
    host: Host, batch: dict[str, JsonValue], tmp_path: Path
) -> None:
    async with host() as client:
        handles = {await begun(client, "waitForBatch", batch) for _ in range(2)}
    files = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("tasks.sqlite3*"))
    assert [len(handle) for handle in handles] == [32, 32]
    assert not [handle for handle in handles if handle.encode() in files]


async def test_over_http_the_header_and_the_body_name_one_task(tmp_path: Path) -> None:
    settings = Settings.load(api_key="test-key-0123456789", state_dir=tmp_path)
    app = build_server(settings, lambda: Client(settings)).streamable_http_app()
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "one", "_meta": meta}}
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tasks/get", "Mcp-Name": "another"}
    headers |= {"Accept": "application/json, text/event-stream"}
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport) as http:
        answer = await http.post("http://127.0.0.1:8000/mcp", json=body, headers=headers)
    assert answer.json()["error"]["code"] == -32020


# How it ends


async def test_a_cancelled_task_sends_nothing_more_and_keeps_what_it_paid_for(
    host: Host, world: World, clock: Clock, many: Path
) -> None:
    async with host() as client:
        handle = await begun(client, TOOL, photo_arguments(many))
        assert (await about(client, "tasks/cancel", handle))["resultType"] == "complete"
        task = await about(client, "tasks/get", handle)
        await clock.sleep(300)
        listed = structured(await client.call_tool("listBatches", {}))["batches"]
    assert task["status"] == "cancelled"
    assert "result" not in task
    assert len(sent(world)) == listed[0]["pictures"] == 10  # type: ignore[index,call-overload]


async def test_a_caller_who_goes_in_the_first_moment_leaves_no_task(
    host: Host, world: World, clock: Clock, many: Path, tmp_path: Path
) -> None:
    async with host() as client:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(call, client, TOOL, photo_arguments(many))
                await clock.sleep(3)
                scope.cancel()
        await clock.sleep(300)
    assert (len(sent(world)), kept(tmp_path)) == (10, [])


async def test_a_task_that_has_ended_cannot_be_cancelled_any_more(
    host: Host, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
        await when(client, handle, clock)
        await about(client, "tasks/cancel", handle)
        assert (await about(client, "tasks/get", handle))["status"] == "completed"


async def test_another_server_of_the_account_may_ask_and_cancel(
    host: Host, world: World, clock: Clock, many: Path
) -> None:
    async with host() as client, host() as other:
        handle = await begun(client, TOOL, photo_arguments(many))
        assert (await about(other, "tasks/get", handle))["status"] == "working"
        await about(other, "tasks/cancel", handle)
        await clock.sleep(300)
        assert (await about(client, "tasks/get", handle))["status"] == "cancelled"
    assert len(sent(world)) == 10


async def test_a_task_is_known_for_a_day(host: Host, clock: Clock, batch: dict[str, JsonValue]) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
        await when(client, handle, clock)
        clock.now_s += DAY_S - 400
        assert (await about(client, "tasks/get", handle))["status"] == "completed"
        clock.now_s += 400
        with pytest.raises(MCPError, match=NO_TASK):
            await about(client, "tasks/get", handle)


async def test_of_what_has_ended_the_arguments_are_forgotten(
    host: Host, clock: Clock, batch: dict[str, JsonValue], tmp_path: Path
) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
        [before] = kept(tmp_path)
        await when(client, handle, clock)
    [after] = kept(tmp_path)
    assert (before["arguments"], after["arguments"]) == (f'{{"batchID": "{batch["batchID"]}"}}', "{}")


# After its process


async def test_the_next_server_carries_a_wait_on(
    host: Host, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
    async with host() as client:
        assert (await about(client, "tasks/get", handle))["status"] == "working"
        task = await when(client, handle, clock)
    assert structured(CallToolResult.model_validate(task["result"]))["processed"] == 3


@pytest.mark.parametrize("repeats_known_h", [24, 0.01, 0])
async def test_the_next_server_sends_what_is_left_of_an_upload_and_nothing_twice(
    repeats_known_h: float, host: Host, world: World, clock: Clock, many: Path
) -> None:
    async with host(duplicate_window_h=repeats_known_h) as client:
        handle = await begun(client, TOOL, photo_arguments(many))
    clock.now_s += 120
    async with host(duplicate_window_h=repeats_known_h) as client:
        task = await when(client, handle, clock)
    result = structured(CallToolResult.model_validate(task["result"]))
    assert (result["accepted"], result["paidBefore"]) == (12, 0)
    assert "credits 100 → 88, explained: yes" in str(result["receipt"])
    assert sent(world) == [f"{number:02}.jpg" for number in range(12)]


async def test_what_came_of_a_task_is_told_by_the_next_server(
    host: Host, clock: Clock, batch: dict[str, JsonValue]
) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
        told = await when(client, handle, clock)
    async with host() as client:
        assert await about(client, "tasks/get", handle) == told


async def test_what_could_be_paid_twice_is_not_begun_again(
    host: Host, world: World, clock: Clock, many: Path
) -> None:
    async with host(approve="nothing") as client:
        handle = await begun(client, TOOL, photo_arguments(many, allowDuplicate=True))
    async with host(approve="nothing") as client:
        task = await when(client, handle, clock)
        await clock.sleep(300)
    assert task["status"] == "failed"
    assert "to begin it again could pay twice. Call listBatches" in task["error"]["message"]
    assert len(sent(world)) == 10


async def test_a_task_that_ends_process_after_process_fails(host: Host, batch: dict[str, JsonValue]) -> None:
    async with host() as client:
        handle = await begun(client, "waitForBatch", batch)
    for _ in range(4):
        async with host() as client:
            assert (await about(client, "tasks/get", handle))["status"] == "working"
    async with host() as client:
        task = await about(client, "tasks/get", handle)
    assert task["error"]["code"] == -32603
    assert "5 processes have ended while they worked on this task." in task["error"]["message"]


# When a person has to be asked


@pytest.fixture
def careful(host: Host) -> Host:
    """A host with a person at it, and a server that wants approval."""
    return partial(host, person=Person(), approve="paid")


async def asked_late(
    client: McpClient, world: World, clock: Clock, photo: Path
) -> tuple[str, dict[str, Any]]:
    """The handle of an upload that has to ask after it became a task, and the task that asks."""
    late(world)
    handle = await begun(client, TOOL, photo_arguments(photo))
    return handle, await when(client, handle, clock)


def answer(task: dict[str, Any], action: str = "accept") -> dict[str, JsonValue]:
    return {key: {"action": action, "content": {"approve": True}} for key in task["inputRequests"]}


async def test_a_question_in_the_first_moment_is_put_as_in_any_call(careful: Host, car: Path) -> None:
    async with careful() as client:
        assert isinstance(await call(client, TOOL, photo_arguments(car)), InputRequiredResult)
        assert structured(await client.call_tool(TOOL, photo_arguments(car)))["accepted"] == 1


async def test_a_later_question_is_put_by_the_task_and_its_answer_lets_it_go_on(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
        [question] = task["inputRequests"].values()
        await about(client, "tasks/update", handle, inputResponses=answer(task))
        task = await when(client, handle, clock)
    assert question["method"] == "elicitation/create"
    assert question["params"]["message"].startswith(f"{TOOL}: submit 1 picture of vehicle “V-1”")
    assert structured(CallToolResult.model_validate(task["result"]))["accepted"] == 1


async def test_without_a_yes_a_task_sends_nothing(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
        await about(client, "tasks/update", handle, inputResponses=answer(task, "decline"))
        task = await when(client, handle, clock)
    assert "the user did not approve" in task["result"]["content"][0]["text"]
    assert not sent(world)


async def test_a_question_that_waits_changes_nothing(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
        await clock.sleep(60)
        assert await about(client, "tasks/get", handle) == task


async def test_an_answer_to_what_was_not_asked_counts_for_nothing(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
        yes = answer({"inputRequests": ["approval-made-up"]})
        await about(client, "tasks/update", handle, inputResponses=yes)
        await clock.sleep(30)
        assert (await about(client, "tasks/get", handle))["inputRequests"] == task["inputRequests"]


async def test_an_answer_that_is_none_is_an_invalid_parameter(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
        with pytest.raises(MCPError, match="An answer is no result of an elicitation"):
            await about(
                client, "tasks/update", handle, inputResponses=dict.fromkeys(task["inputRequests"], 1)
            )
    assert not sent(world)


async def test_a_question_outlasts_the_server_that_put_it(
    careful: Host, world: World, clock: Clock, car: Path
) -> None:
    async with careful() as client:
        handle, task = await asked_late(client, world, clock, car)
    async with careful() as client:
        await about(client, "tasks/update", handle, inputResponses=answer(task))
        task = await when(client, handle, clock)
    assert structured(CallToolResult.model_validate(task["result"]))["accepted"] == 1


async def test_a_host_that_cannot_ask_hears_so_from_the_task(
    host: Host, world: World, clock: Clock, car: Path
) -> None:
    async with host(approve="paid") as client:
        late(world)
        task = await when(client, await begun(client, TOOL, photo_arguments(car)), clock)
    assert "this host cannot ask one (it has no elicitation)" in text_of(
        CallToolResult.model_validate(task["result"])
    )
