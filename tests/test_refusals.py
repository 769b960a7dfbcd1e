"""What each refusal tells: its reason in the API's words, whether credits were spent, and a next step of its own."""

import json
import re
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import ALL_TOOLSETS, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi
from uploading import upload

from autobg_mcp.api.exchange import Answer, Request
from autobg_mcp.api.refusals import classify
from autobg_mcp.errors import ApiError, GoneError, OutOfCreditsError, PictureRefusedError, RequestRefusedError
from autobg_mcp.sandbox import FailureKind, SandboxOptions, World
from autobg_mcp.throttle import Limit

pytestmark = pytest.mark.anyio

PAGE = b"<html><head><title>403 Forbidden</title></head><body>Request blocked</body></html>"
PIC = ("getImagesRaw", {"picID": 512251})


def refusal_of(
    body: JsonValue | bytes, status: int = 200, *, spends: bool = True, retry_after_s: float | None = None
) -> ApiError:
    """The error that an answer means to a request."""
    request = Request(
        tool="aTool",
        method="POST",
        path="/x",
        rate=Limit(1, 1),
        max_answer_bytes=10**6,
        spends=spends,
        repeatable=not spends,
    )
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    error = classify(request, Answer(status=status, content=content, headers=headers))
    assert error is not None
    return error


def kind_of(said: str, **options: bool) -> str:
    return type(refusal_of({"status": False, "message": said}, **options)).__name__


# --- words


NO_CREDITS = [
    "Insufficient credits",
    "INSUFFICIENT_CREDITS",
    "You don't have enough credits",
    "You don\u2019t have enough credits to process this image",
    "Not enough credits left in your account",
    "No credits left",
    "No credits",
    "0 credits remaining",
    "Credit limit exceeded",
    "Your credits are exhausted",
    "All credits have been used up",
    "Your credit balance is 0",
    "insufficient balance",
    "Low balance, please recharge",
    "Please recharge your account",
    "Insufficient&nbsp;credits",
    "You have run out of credits.",
    "Quota exceeded",
]


@pytest.mark.parametrize("said", NO_CREDITS)
def test_words_that_say_that_credits_are_used_up_are_understood(said: str) -> None:
    assert kind_of(said) == "OutOfCreditsError"


NOT_ABOUT_CREDITS = [
    "No credits were deducted, please send the image again",
    "Reports do not cost credits",
    "0 credits deducted",
    "White balance too low",
    "Colour balance exceeded",
    "Credit card expired",
    "Credits for this batch will be refunded",
    "Créditos insuficientes",
    "numberPlate is required",
    "Something went wrong",
]


@pytest.mark.parametrize("said", NOT_ABOUT_CREDITS)
def test_not_every_text_that_has_the_word_says_that_credits_are_used_up(said: str) -> None:
    assert kind_of(said) == "RequestRefusedError"


UNDERSTOOD = {
    "No car found in the image": "PictureRefusedError",
    "No vehicle detected": "PictureRefusedError",
    "Car not detected": "PictureRefusedError",
    "File too large": "PictureRefusedError",
    "Image size exceeds the maximum": "PictureRefusedError",
    "Unsupported file format": "PictureRefusedError",
    "Invalid image": "PictureRefusedError",
    "Template not found": "GoneError",
    "Batch does not exist": "GoneError",
    "User not found": "RequestRefusedError",
    "Unsupported process type": "RequestRefusedError",
    "invalid image id": "RequestRefusedError",
    "Too many requests": "RateLimitedError",
    "10 requests per minute allowed": "RateLimitedError",
    "You are not Authorized": "AuthenticationError",
    "API key is missing": "AuthenticationError",
}


@pytest.mark.parametrize(("said", "kind"), UNDERSTOOD.items(), ids=UNDERSTOOD)
def test_words_give_a_reason_only_beyond_doubt(said: str, kind: str) -> None:
    assert kind_of(said) == kind
    assert kind_of(said.upper()) == kind


PENDING = [
    "Image 5 is not processed",
    "Still processing",
    "Processing in progress",
    "status: pending",
    "Not ready yet",
]


@pytest.mark.parametrize(
    "said", [*PENDING, "The batch is being processed", "Image hasn't been processed yet"]
)
def test_a_picture_in_work_is_told_as_not_ready_yet(said: str) -> None:
    assert kind_of(said, spends=False) == "NotReadyError"


@pytest.mark.parametrize("said", ["Processing failed, image not processed", "It cannot be processed", "Done"])
def test_what_failed_is_not_told_as_not_ready_yet(said: str) -> None:
    assert kind_of(said, spends=False) == "RequestRefusedError"


WRAPPED: list[JsonValue] = [
    {"status": False, "message": {"en": "Insufficient credits", "de": "Guthaben aufgebraucht"}},
    {"status": False, "error": "Insufficient credits"},
    {"status": False, "errors": [{"field": "cc", "message": "Insufficient credits"}]},
    {"status": False, "detail": [{"msg": "Insufficient credits"}]},
    {"status": False, "message": "", "error": {"code": "INSUFFICIENT_CREDITS"}},
    {"status": "error", "message": "Insufficient credits"},
    {"status": "fail", "Message": "Insufficient credits"},
    {"status": 402, "message": "no"},
    {"success": False, "message": "Insufficient credits"},
]


@pytest.mark.parametrize("body", WRAPPED, ids=map(str, WRAPPED))
def test_words_are_found_in_whatever_field_they_stand(body: JsonValue) -> None:
    assert isinstance(refusal_of(body), OutOfCreditsError)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"message": null}', b'{"error": true}', b"\xff\xfe"])
def test_where_the_words_say_nothing_nothing_is_promised(body: bytes) -> None:
    error = refusal_of(body, 400)
    assert (type(error), error.spent, error.repeatable) == (RequestRefusedError, "no", False)
    assert "may be refused again" in error.next_step


# --- codes


def test_a_large_photo_is_told_its_size_and_to_be_made_smaller() -> None:
    error = refusal_of(b"<html><title>413 Request Entity Too Large</title>", 413)
    assert isinstance(error, PictureRefusedError)
    assert "too large" in str(error)
    assert error.next_step.startswith("Send a smaller copy")


@pytest.mark.parametrize(("code", "step"), [(412, "Look at"), (422, "Look at"), (415, "Send it as a JPEG")])
def test_a_photo_that_is_not_processed_costs_itself(code: int, step: str) -> None:
    error = refusal_of({"status": False, "message": "no"}, code)
    assert (type(error), error.meets_the_rest) == (PictureRefusedError, False)
    assert error.next_step.startswith(step)


@pytest.mark.parametrize("code", [412, 413, 415, 422])
def test_no_picture_is_blamed_where_none_was_sent(code: int) -> None:
    assert type(refusal_of({"message": "no"}, code, spends=False)) is RequestRefusedError


@pytest.mark.parametrize("code", [404, 405])
def test_a_path_that_is_not_there_names_its_setting_and_meets_the_rest(code: int) -> None:
    error = refusal_of(b"<pre>Cannot POST /x</pre>", code)
    assert (type(error), error.meets_the_rest) == (GoneError, True)
    assert "AUTOBG_PATHS" in error.next_step


def test_a_link_that_is_not_there_costs_itself() -> None:
    assert not refusal_of({"status": False, "message": "Image URL not found"}, 404).meets_the_rest


@pytest.mark.parametrize("code", [400, 403, 406, 418, 451])
def test_a_page_of_a_firewall_is_told_as_such_and_nothing_was_spent(code: int) -> None:
    error = refusal_of(PAGE, code)
    assert (type(error).__name__, error.spent, error.meets_the_rest) == ("BlockedError", "no", True)
    assert f"a web page came in place of the API's answer (HTTP {code})" in str(error)
    assert "firewall" in error.next_step


@pytest.mark.parametrize("code", [200, 503, 511])
def test_whether_a_request_behind_such_a_page_was_paid_is_unknown(code: int) -> None:
    error = refusal_of(PAGE, code)
    assert (type(error).__name__, error.spent, error.repeatable) == ("BlockedError", "unknown", False)
    assert "listBatches" in error.next_step


@pytest.mark.parametrize("code", [502, 503, 504])
def test_a_web_servers_page_for_a_failure_is_the_apis_failure(code: int) -> None:
    page = b"<html><head><title>Bad Gateway</title></head><center>nginx</center></html>"
    assert type(refusal_of(page, code)).__name__ == "ServerFaultError"


def test_a_403_in_the_apis_envelope_is_about_the_key_and_a_bare_one_about_either() -> None:
    assert type(refusal_of({"status": False, "message": "Forbidden"}, 403)).__name__ == "AuthenticationError"
    bare = refusal_of(b"Forbidden", 403)
    assert type(bare).__name__ == "BlockedError"
    assert "AUTOBG_API_KEY" in bare.next_step


def test_a_proxy_that_wants_a_login_is_named() -> None:
    error = refusal_of(b"", 407)
    assert "a proxy on the way to the API wants a login" in str(error)
    assert "HTTPS_PROXY" in error.next_step


def test_a_server_that_wants_a_pause_is_asked_again_after_it() -> None:
    error = refusal_of(b"", 503, spends=False, retry_after_s=120)
    assert "Retry after 120 s." in error.explanation()


def test_a_pause_is_no_promise_for_what_may_have_been_paid() -> None:
    error = refusal_of(b"", 503, retry_after_s=120)
    assert "it wants no call for 120 s" in str(error)
    assert (error.spent, error.repeatable, error.retry_after_s) == ("unknown", False, None)


# --- through the server


async def test_a_429_is_told_with_the_moment_at_which_the_api_opens_again(
    client: McpClient, world: World
) -> None:
    world.fail_next("", "429", delay_s=600)
    told = [text_of(await client.call_tool("listTemplates", {})).splitlines()[0] for _ in range(2)]
    for line in told:
        assert re.search(r"The API answered 429 and closed .* until \d{4}-\d\d-\d\d \d\d:\d\d UTC", line)
        assert "used up" not in line


async def test_who_waits_at_a_closed_gate_hears_until_when(client: McpClient, world: World) -> None:
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    world.fail_next("", "429", delay_s=20)
    assert not (await client.call_tool("listTemplates", {}, progress_callback=hear)).is_error
    assert re.search(r"\(The API answered 429 and closed its gate until .* UTC\)", heard[0])


async def test_an_allowance_of_our_own_is_told_in_other_words(client: McpClient, world: World) -> None:
    for _ in range(10):
        await client.call_tool("reportImages", {"picIDs": [1], "reportReason": ["Other"]})
    text = text_of(await client.call_tool("reportImages", {"picIDs": [1], "reportReason": ["Other"]}))
    assert text.startswith("The allowance of 10 calls per 60 s for reportImages is used up.")
    assert "429" not in text


@pytest.mark.parametrize("kind", ["pending", "soft", "404"])
@pytest.mark.parametrize("sandbox_options", [SandboxOptions(turnaround_s=600)])
async def test_a_picture_in_work_names_the_batch_to_wait_for(
    kind: FailureKind, connect: Connect, world: World, car: Path
) -> None:
    async with connect(toolsets=ALL_TOOLSETS) as host:
        await upload(host, car)
        await host.call_tool("getImageStatus", {"batchID": "1206"})
        world.fail_next("getImagesRaw", kind)
        told = text_of(await host.call_tool(*PIC))
    assert "Credits spent: no. Safe to repeat: yes." in told
    assert "Next: waitForBatch batchID=1206, then call again." in told


async def test_a_picture_that_people_redo_names_the_batch_that_it_is_in_now(
    connect: Connect, world: World, car: Path
) -> None:
    async with connect(toolsets=ALL_TOOLSETS) as host:
        await upload(host, car)
        await host.call_tool("waitForBatch", {"batchID": "1206"})
        await host.call_tool("sendImagesForQA", {"batchID": "1206"})
        await host.call_tool("getImageStatus", {"batchID": "1207"})
        told = text_of(await host.call_tool(*PIC))
    assert "Next: waitForBatch batchID=1207, then call again." in told


async def test_a_refused_picture_that_is_done_is_not_told_to_be_waited_for(
    client: McpClient, world: World, car: Path, clock: Clock
) -> None:
    await upload(client, car)
    clock.now_s += 10
    await client.call_tool("getImageStatus", {"batchID": "1206"})
    world.fail_next("getImagesRaw", "soft")
    assert "waitForBatch" not in text_of(await client.call_tool(*PIC))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("402", "credits are used up"),
        ("403_page", "a web page came in place"),
        ("413_page", "is too large"),
        ("no_car", "it finds no car on the picture"),
        ("404", "AUTOBG_PATHS"),
    ],
)
async def test_a_refused_upload_says_why_and_that_nothing_was_spent(
    kind: FailureKind, told: str, client: McpClient, world: World, car: Path
) -> None:
    world.fail_next("/uploadWithoutTemplateCC", kind)
    text = text_of(await upload(client, car))
    assert told in text
    assert "Credits spent: no." in text


async def test_a_captive_portal_is_named_and_its_page_not_shown(connect: Connect) -> None:
    api = ScriptedApi()
    api.says(b"<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
    async with connect(api=api) as host:
        text = text_of(await host.call_tool("listTemplates", {}))
    assert "as from a firewall, a proxy or a network that wants a login" in text
    assert "Sign in" not in text
