"""The client for Python and on a real network: what is tried again, what is not, and what never leaves."""

import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import assert_type

import anyio
import httpx
import pytest
from conftest import KEY, Clock, opened
from documented import received
from scripted_api import ScriptedApi
from starlette.applications import Starlette

from autobg_mcp.api.call import Call
from autobg_mcp.client import Client
from autobg_mcp.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    OutcomeUnknownError,
    RateLimitedError,
    RequestRefusedError,
    ThrottledError,
    UnexpectedAnswerError,
)
from autobg_mcp.sandbox import World
from autobg_mcp.settings import Settings
from autobg_mcp.tools.account import Credits, GetUserCreditDetails
from autobg_mcp.tools.images import GetImageStatus
from autobg_mcp.tools.templates import ListTemplates, Templates
from autobg_mcp.tools.uploads import UploadS3UrlsWithoutTemplate

pytestmark = pytest.mark.anyio

UPLOAD = UploadS3UrlsWithoutTemplate(
    clientS3Uris=["https://cars.example/a.jpg"], numberPlate="V", processType="ai"
)


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
async def python(sandbox: Starlette, clock: Clock, tmp_path: Path) -> AsyncGenerator[Client]:
    async with opened(sandbox, clock, tmp_path) as client:
        yield client


@pytest.fixture
async def scripted(api: ScriptedApi, clock: Clock, tmp_path: Path) -> AsyncGenerator[Client]:
    async with opened(api, clock, tmp_path) as client:
        yield client


async def test_a_call_answers_the_typed_result(python: Client) -> None:
    credits_left = await python.call(GetUserCreditDetails())
    assert_type(credits_left, Credits)
    assert (credits_left.current_credits, credits_left.total_credits) == (100, 100)


async def test_a_call_of_the_background_takes_its_slots_as_one(python: Client) -> None:
    first, second = Call(background=True), Call(background=True)
    await python.call(ListTemplates(), first)
    await python.call(ListTemplates(), second)
    assert second.allowances.waited_s == pytest.approx(0.6025, abs=0.001)


async def test_a_soft_refusal_is_raised(python: Client) -> None:
    with pytest.raises(RequestRefusedError, match="Batch not found"):
        await python.call(GetImageStatus(batchID="1"))


async def test_concurrent_calls_share_one_client(python: Client, world: World) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(python.call, ListTemplates())
    assert len(world.requests) == 20


@pytest.mark.parametrize("kind", ["drop_before", "500"])
async def test_a_lost_answer_to_a_question_is_asked_for_once_more(
    kind: str, python: Client, world: World
) -> None:
    world.fail_next("", "500" if kind == "500" else "drop_before")
    assert_type(await python.call(ListTemplates()), Templates)
    assert len(world.requests) == 2


async def test_a_429_is_waited_out_and_the_call_sent_again(
    python: Client, world: World, clock: Clock
) -> None:
    started, call = clock.now_s, Call(max_wait_s=45)
    world.fail_next("/uploadWithoutTemplateCC-v2", "429", delay_s=20)
    await python.call(UPLOAD, call)
    assert 20 <= clock.now_s - started < 25
    assert call.allowances.waited_s >= 20
    assert [account.credits_left for account in world.accounts.values()] == [99]


async def test_a_429_that_never_ends_is_given_up(python: Client, world: World, clock: Clock) -> None:
    world.fail_next("", "429", times=99, delay_s=1)
    with pytest.raises(RateLimitedError) as refused:
        await python.call(ListTemplates(), Call(max_wait_s=3600))
    assert 2 <= len(world.requests) <= 4
    assert (refused.value.spent, refused.value.repeatable) == ("no", True)


async def test_a_refusal_that_only_says_too_many_requests_counts_as_429(
    scripted: Client, api: ScriptedApi, clock: Clock
) -> None:
    api.says(b'{"status": false, "message": "Rate limit exceeded"}')
    with pytest.raises(RateLimitedError):
        await scripted.call(ListTemplates(), Call(max_wait_s=0))


async def test_a_retry_after_in_the_form_of_a_date_counts_from_the_answers_own_date(
    scripted: Client, api: ScriptedApi, clock: Clock
) -> None:
    sent = datetime(2001, 1, 1, tzinfo=UTC)
    until = sent + timedelta(seconds=90)
    headers = {
        name: format_datetime(at, usegmt=True) for name, at in (("date", sent), ("retry-after", until))
    }
    api.says(b"{}", status=429, headers=headers)
    with pytest.raises(RateLimitedError) as refused:
        await scripted.call(ListTemplates(), Call(max_wait_s=0))
    assert 90 <= (refused.value.retry_after_s or 0) < 92


@pytest.mark.parametrize("value", ["soon", "-5", "1e9", "Thu, 99 Foo 2001", "٣"])
async def test_a_retry_after_that_makes_no_sense_does_no_harm(
    value: str, scripted: Client, api: ScriptedApi, clock: Clock
) -> None:
    api.says(b"{}", status=429, headers={"retry-after": value})
    with pytest.raises(RateLimitedError) as refused:
        await scripted.call(ListTemplates(), Call(max_wait_s=0))
    assert 0 < (refused.value.retry_after_s or 0) < 120


async def test_the_eleventh_call_of_a_minute_is_not_sent(python: Client, world: World, clock: Clock) -> None:
    for number in range(10):
        await python.call(UPLOAD.model_copy(update={"numberPlate": f"V-{number}"}))
    with pytest.raises(ThrottledError) as refused:
        await python.call(UPLOAD, Call(max_wait_s=10))
    assert 60 <= (refused.value.retry_after_s or 0) <= 61
    assert len(received(world, UPLOAD.tool)) == 10


async def test_an_answer_above_4_mb_is_refused_while_it_arrives(scripted: Client, api: ScriptedApi) -> None:
    api.says(b" " * (4 * 2**20 + 1))
    with pytest.raises(UnexpectedAnswerError, match="more than 4 MB"):
        await scripted.call(ListTemplates())


async def test_another_caller_may_bring_a_key_of_its_own(python: Client, world: World) -> None:
    await python.call(ListTemplates(), Call(key=Settings.load(api_key="other-key-42").key()))
    await python.call(ListTemplates())
    assert len(world.accounts) == 2


# The rest needs a network.


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The base address of a sandbox in a process of its own."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0", "--turnaround", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0].removeprefix("AUTOBG_BASE_URL=")
        finally:
            process.terminate()


@pytest.fixture
async def networked(address: str, clock: Clock, tmp_path: Path) -> AsyncGenerator[Client]:
    async with opened(None, clock, tmp_path, base_url=f"{address}/", timeout_s=5) as client:
        yield client


def ask(address: str, name: str, **body: object) -> dict[str, object]:
    """Look into the sandbox process, or steer it where there is a body."""
    url = address.replace("/public/api/v1", f"/_sandbox/{name}")
    answer: dict[str, object] = (httpx.post(url, json=body) if body else httpx.get(url)).json()
    return answer


async def test_the_client_speaks_to_a_sandbox_over_real_http(networked: Client) -> None:
    accepted = await networked.call(UPLOAD)
    status = await networked.call(GetImageStatus(batchID=str(accepted.batchID)))
    assert [image.picName for image in status.images] == ["a.jpg"]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_connection_that_breaks_leaves_a_submission_unknown_and_unrepeated(
    kind: str, networked: Client, address: str
) -> None:
    counted = ask(address, "state")["requests"]
    ask(address, "failures", path="/getUsage", kind="soft")  # which would tell
    ask(address, "failures", path="/uploadWithoutTemplateCC-v2", kind=kind)
    with pytest.raises(OutcomeUnknownError) as lost:
        await networked.call(UPLOAD.model_copy(update={"numberPlate": kind}))
    assert lost.value.spent == "unknown"
    path = "/public/api/v1/images/uploadWithoutTemplateCC-v2"
    before, after = (
        {} if not isinstance(state, dict) else state for state in (counted, ask(address, "state")["requests"])
    )
    assert after[path] - before.get(path, 0) == 1


async def test_where_nobody_listens_nothing_was_spent_and_it_may_be_repeated(
    clock: Clock, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with opened(None, clock, tmp_path, base_url=f"http://127.0.0.1:{port}/v1") as client:
        with pytest.raises(ConnectionFailedError, match=r"no connection to 127\.0\.0\.1") as refused:
            await client.call(UPLOAD)
    assert (type(refused.value), refused.value.spent, refused.value.repeatable) == (
        ConnectionFailedError,
        "no",
        True,
    )


async def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time(
    clock: Clock, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        async with opened(None, clock, tmp_path, base_url=base, timeout_s=0.3) as client:
            with pytest.raises(OutcomeUnknownError, match=r"no answer within 0\.3 s"):
                await client.call(UPLOAD)


async def test_a_proxy_from_the_environment_is_used(
    address: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address.removesuffix("/public/api/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with opened(None, clock, tmp_path, base_url="https://api.example.invalid/public/api/v1") as client:
        with pytest.raises(
            ConnectionFailedError, match=r"through the proxy 127\.0\.0\.1: the proxy refuses it"
        ):  # the sandbox is no proxy, but it was asked
            await client.call(ListTemplates())


async def test_plain_http_where_tls_is_due_is_a_connection_that_failed(
    address: str, clock: Clock, tmp_path: Path
) -> None:
    async with opened(None, clock, tmp_path, base_url=address.replace("http:", "https:")) as client:
        with pytest.raises(ConnectionFailedError) as refused:
            await client.call(UPLOAD)
    assert refused.value.spent == "no"


async def test_a_key_that_the_api_does_not_know_is_an_authentication_error(
    python: Client, world: World
) -> None:
    world.fail_next("", "401")
    with pytest.raises(AuthenticationError) as refused:
        await python.call(ListTemplates())
    assert KEY not in f"{refused.value!r} {refused.value}"


async def test_an_address_whose_name_cannot_be_read_is_no_fault(tmp_path: Path) -> None:
    settings = Settings.load(api_key=KEY, base_url="https://xn--.localhost:1/", state_dir=tmp_path)
    async with Client(settings) as client:
        with pytest.raises(ConfigurationError, match="AUTOBG_BASE_URL names no valid address"):
            await client.call(ListTemplates())


async def test_a_proxy_that_is_none_is_told_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://[::::")
    async with Client(Settings.load(api_key=KEY, state_dir=tmp_path)) as client:
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY or ALL_PROXY names is no proxy"):
            await client.call(ListTemplates())
