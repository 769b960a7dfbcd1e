"""Every endpoint against everything that goes wrong: what a model reads, and how often the API was asked."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from conftest import KEY, Clock, Connect
from documented import ALL_TOOLSETS, EXCHANGES, arguments_of, refusal_of, text_of
from mcp import Client as McpClient
from starlette.applications import Starlette

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World, build_sandbox
from autobg_mcp.tools import ENDPOINTS

pytestmark = pytest.mark.anyio

TIMEOUT_S = 0.15
EFFECTS = {endpoint.tool: endpoint.effect for endpoint in ENDPOINTS}


class Verdict(NamedTuple):
    """What an error says about the call, and how many requests the API has seen."""

    spent: Literal["no", "unknown"]
    repeatable: Literal["yes", "no"]
    requests: int


SURE = Verdict("no", "no", 1)
LATER = Verdict("no", "yes", 1)
LOST = {
    "reads": Verdict("no", "yes", 2),
    "saves": Verdict("no", "yes", 2),
    "changes": Verdict("no", "no", 1),
    "spends": Verdict("unknown", "no", 1),
}
"""No answer came: what only asks is asked once more; nobody knows whether the rest took effect."""

GARBLED = {effect: verdict._replace(requests=1) for effect, verdict in LOST.items()}
"""An answer came, but not one that can be read: asking again would bring it again."""

FAULTS: dict[FailureKind, dict[str, Verdict]] = {
    "soft": dict.fromkeys(LOST, SURE),
    **dict.fromkeys(("401", "402", "403", "404", "410", "413", "422"), dict.fromkeys(LOST, SURE)),
    **dict.fromkeys(("credits", "403_page", "413_page"), dict.fromkeys(LOST, SURE)),
    "429": dict.fromkeys(LOST, LATER),
    "500": LOST,
    "503": LOST,
    "503_later": GARBLED,
    "hang": LOST,
    "drop_before": LOST,
    "drop_after": LOST,
    "html": GARBLED,
    "truncated": GARBLED,
    "empty": GARBLED,
    "not_json": GARBLED,
    "wrong_shape": GARBLED,
}
ANY_SHAPE_IS_RIGHT = {
    ("getUserUsage", "not_json"),
    ("getUserUsage", "wrong_shape"),
    ("reportImages", "wrong_shape"),
}
"""Usage has no documented form (one line of text is a table), and the answer to a report is an empty text."""

SEARCHED = {
    (tool, kind)
    for tool in ("reportImages", "sendImagesForQA")
    for kind in ("soft", "404", "410", "413", "422")
} | {("uploadS3UrlsWithoutTemplate", kind) for kind in ("soft", "413", "413_page", "422")}
"""A refusal that names neither of the two pictures may be about one of them: each is tried alone."""

CASES = [
    (tool, kind) for tool in sorted(EXCHANGES) for kind in FAULTS if (tool, kind) not in ANY_SHAPE_IS_RIGHT
]
NEVER_READ = (KEY, "<", "Traceback", "pydantic", "httpx", ".py", "Sign in")


@pytest.fixture
def sandbox(clock: Clock) -> Starlette:
    """Answers with the documents' examples; only what hangs takes real time."""
    return build_sandbox(SandboxOptions(replay=True), clock=clock, sleep=clock.really_sleep)


@pytest.fixture
async def host(connect: Connect) -> AsyncGenerator[McpClient]:
    async with connect(toolsets=ALL_TOOLSETS, timeout_s=TIMEOUT_S, check_templates=False) as connected:
        yield connected


@pytest.mark.parametrize(("tool", "kind"), CASES)
async def test_a_failure_says_what_it_cost_and_whether_to_repeat_it(
    tool: str, kind: FailureKind, host: McpClient, world: World, photos: Path
) -> None:
    path = EXCHANGES[tool].request.path
    world.fail_next(path.removeprefix("/public/api/v1"), kind, times=9, delay_s=600)
    result = await host.call_tool(tool, arguments_of(tool, photos))
    text, verdict = text_of(result), FAULTS[kind][EFFECTS[tool]]
    assert result.is_error
    assert f"Credits spent: {verdict.spent}. Safe to repeat: {verdict.repeatable}." in text.splitlines()
    assert tool in text.splitlines()[0]
    assert not [word for word in NEVER_READ if word in text]
    assert world.requests_by_path[path] == (3 if (tool, kind) in SEARCHED else verdict.requests)


@pytest.mark.parametrize("tool", ["getImageStatus", "uploadS3UrlsWithTemplate"])
async def test_a_429_is_told_as_the_apis_refusal_and_not_as_our_own_waiting(
    tool: str, host: McpClient, world: World, photos: Path
) -> None:
    world.fail_next(EXCHANGES[tool].request.path.removeprefix("/public/api/v1"), "429", delay_s=600)
    lines = text_of(await host.call_tool(tool, arguments_of(tool, photos))).splitlines()
    assert "the API says there were too many calls" in lines[0]
    assert lines[2].startswith("Retry after 60")


async def test_a_tool_that_does_not_exist_is_an_error_that_names_it(client: McpClient) -> None:
    text = await refusal_of(client, "getEverything\n" + "x" * 500)
    assert text.startswith("There is no tool “getEverything xxx")
    assert len(text) < 300


@pytest.mark.parametrize("name", ["uploadImagesWithLibraryTemplate", "upload_images_with_library_template"])
async def test_a_tool_of_a_toolset_that_is_off_names_the_setting(
    name: str, client: McpClient, world: World
) -> None:
    text = await refusal_of(client, name)
    assert "uploadImagesWithLibraryTemplate is switched off by AUTOBG_TOOLSETS" in text
    assert not world.requests


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("list_templates", "listTemplates"),
        ("List Templates", "listTemplates"),
        ("autobg.listTemplates", "listTemplates"),
        ("mcp__autobg__listTemplates", "listTemplates"),
        ("functions.autobg-wait_for_batch", "waitForBatch"),
        ("upload_images_with_template", "uploadImagesWithTemplate"),
        ("UPLOADIMAGESWITHOUTTEMPLATE", "uploadImagesWithoutTemplate"),
        ("mcp_autobg_upload-s3-urls-with-template", "uploadS3UrlsWithTemplate"),
        ("getImageStatuses", "getImageStatus"),
    ],
)
async def test_a_tool_in_another_spelling_is_told_by_its_name(
    name: str, meant: str, client: McpClient, world: World
) -> None:
    first, *_ = (await refusal_of(client, name)).splitlines()
    assert first == f"There is no tool “{name}”; did you mean {meant}?"
    assert not world.requests


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("deleteTemplate", "Templates cannot be deleted"),
        ("remove_template", "Templates cannot be deleted"),
        ("mcp__autobg__deleteTemplates", "Templates cannot be deleted"),
        ("templates.delete", "Templates cannot be deleted"),
        ("updateTemplate", "Templates cannot be changed"),
        ("editTemplate", "Templates cannot be changed"),
        ("renameTemplate", "Templates cannot be changed"),
        ("getTemplate", "What a template looks like cannot be asked"),
        ("deleteBatch", "What was submitted cannot be cancelled or deleted"),
        ("cancelUpload", "What was submitted cannot be cancelled or deleted"),
        ("deleteImages", "What was submitted cannot be cancelled or deleted"),
        ("cancel_job", "What was submitted cannot be cancelled or deleted"),
        ("renameBatch", "What was submitted cannot be changed"),
        ("createBatch", "A batch needs no call of its own"),
        ("refund", "Credits cannot be refunded by a call"),
        ("requestRefund", "Credits cannot be refunded by a call"),
        ("buyCredits", "Credits cannot be bought by a call"),
        ("topUpCredits", "Credits cannot be bought by a call"),
        ("registerWebhook", "Webhooks cannot be set by a call"),
        ("createApiKey", "Keys cannot be made or changed by a call"),
    ],
)
async def test_what_the_api_cannot_do_is_said_in_place_of_a_tool_that_sounds_like_it(
    name: str, told: str, client: McpClient, world: World
) -> None:
    first, *_ = (await refusal_of(client, name)).splitlines()
    assert first.startswith(f"There is no tool “{name}”. {told}")
    assert "did you mean" not in first
    assert not world.requests


async def test_without_a_key_every_call_names_the_variable_to_set(connect: Connect, world: World) -> None:
    async with connect(api_key=None) as client:
        result = await client.call_tool("listTemplates", {})
    assert result.is_error
    assert "AUTOBG_API_KEY" in text_of(result)
    assert not world.requests
