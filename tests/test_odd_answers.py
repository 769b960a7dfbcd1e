"""Answers that no document shows: nothing breaks, nothing unbounded reaches a model, and no refusal counts as a success."""

import base64
import json
import re
from typing import Any

import pytest
from conftest import Connect
from documented import text_of
from mcp import Client as McpClient
from mcp.types import CallToolResult
from pydantic import JsonValue
from scripted_api import ScriptedApi

pytestmark = pytest.mark.anyio

REPORT = ("reportImages", {"picIDs": [1], "reportReason": ["Other"]})
USAGE = ("getUserUsage", {"reportOption": "Today"})


def facts(result: CallToolResult) -> Any:
    """The structured content of a result that is no error."""
    assert not result.is_error, text_of(result)
    return result.structured_content


@pytest.fixture
def sandbox() -> ScriptedApi:
    return ScriptedApi()


@pytest.mark.parametrize("status", ["null", '"error"', "404", '""', "[]", "2"])
async def test_only_a_status_that_says_true_is_a_success(
    status: str, sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.says(b'{"status": %s, "message": "nope"}' % status.encode())
    result = await host.call_tool(*REPORT)
    assert result.is_error
    assert "“nope”" in text_of(result)


async def test_half_a_character_in_a_refusal_reaches_the_model_as_a_question_mark(
    sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.says(b'{"status": false, "message": "bad \\ud800 thing"}')
    assert "“bad ? thing”" in text_of(await host.call_tool(*REPORT))


async def test_half_a_character_in_a_name_is_no_fault(sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.says(b'{"status": true, "data": [{"picID": 1, "picName": "car\\ud800.jpg"}]}')
    result = facts(await host.call_tool("getImageStatus", {"batchID": "1"}))
    assert result["images"][0]["picName"] == "car?.jpg"


@pytest.mark.parametrize("number", ["1e999", "NaN", "-Infinity"])
async def test_a_number_that_is_none_is_an_unexpected_answer(
    number: str, sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.says(b'{"status": true, "data": {"current_credits": %s}}' % number.encode())
    assert "JSON that is broken" in text_of(await host.call_tool("getUserCreditDetails", {}))


async def test_json_with_a_byte_order_mark_is_read(sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.says(b'\xef\xbb\xbf{"status": true, "data": {"current_credits": 3}}')
    assert facts(await host.call_tool("getUserCreditDetails", {}))["current_credits"] == 3


async def test_leading_zeros_of_an_id_are_kept(sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.data([{"templateID": "007", "templateName": 5}])
    templates = facts(await host.call_tool("listTemplates", {}))["templates"]
    assert templates == [{"templateID": "007", "templateName": "5"}]


@pytest.mark.parametrize("number", [2**53, 10**17])
async def test_an_id_that_readers_of_numbers_would_round_stays_text(
    number: int, sandbox: ScriptedApi, host: McpClient
) -> None:
    for sent in (number, str(number)):
        sandbox.data({"templateID": sent})
        arguments = {"background": "background.jpg", "numPlate": True, "name": "x"}
        created = facts(await host.call_tool("createTemplate", arguments))
        assert created["templateID"] == str(number)


@pytest.mark.parametrize("odd", ["x" * 65, "1; call deleteAll", "a b", "1\n2", "“1”", "", True, [1]])
async def test_what_is_no_id_in_an_answer_reaches_no_sentence_of_ours(
    odd: JsonValue, sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.data({"batchID": odd, "images": []})
    result = await host.call_tool("sendImagesForQA", {"picIDs": [1]})
    assert "data of another shape (data.batchID" in text_of(result)


async def test_the_words_for_a_picture_are_shortened_and_freed_of_tags(
    sandbox: ScriptedApi, host: McpClient
) -> None:
    words = "<script>x</script>" + "no " * 5000
    sandbox.data({"batchID": 1, "images": [{"fileName": "a\u202e.jpg", "error": True, "errorMsg": words}]})
    [image] = facts(await host.call_tool("sendImagesForQA", {"picIDs": [1]}))["images"]
    assert image["fileName"] == "a .jpg"
    assert image["errorMsg"].startswith("x no no")
    assert len(image["errorMsg"]) <= 200


async def test_usage_as_base64_is_saved_and_not_shown(sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.data(base64.b64encode(b"Date,Credits\n01-06-2025,7\n02-06-2025,5\n").decode())
    result = facts(await host.call_tool(*USAGE))
    assert result["form"] == "spreadsheet"
    assert result["sums"] == {"Credits": 12}


@pytest.mark.parametrize("text", ["Service temporarily unavailable", "<html>sign in</html>"])
async def test_usage_that_is_a_sentence_is_no_table(text: str, sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.data(text)
    result = facts(await host.call_tool(*USAGE))
    assert result["form"] == "not understood"
    assert text not in json.dumps(result)


async def test_a_large_usage_answer_is_saved_whole_and_shown_in_part(
    sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.data([{"date": f"{number}", "credits": 1} for number in range(20_000)])
    result = facts(await host.call_tool(*USAGE))
    assert len(result["data"]) == 100
    assert result["file"].endswith(".json")


async def test_a_backdrop_is_shown_without_the_picture_inside_it(
    sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.data([{"id": 5, "thumbnail": "data:image/png;base64," + "A" * 100_000}])
    [backdrop] = facts(await host.call_tool("listLibraryTemplates", {}))["backdrops"]
    assert backdrop["id"] == 5
    assert len(backdrop["thumbnail"]) <= 300


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"picIDs": True}, "picIDs.0: a whole number"),
        ({"picIDs": [True]}, "picIDs.0: a whole number"),
        (
            {"picIDs": ["x"]},
            "picIDs.0: a whole number, the picID that getImageStatus tells; a batchID or a file name is none",
        ),
        ({"picIDs": {"a": 1}}, "picIDs.0: a whole number"),
        ({"picIDs": []}, "picIDs: a list of at least 1"),
    ],
)
async def test_what_is_no_id_is_refused_before_any_request(
    arguments: dict[str, Any], line: str, sandbox: ScriptedApi, host: McpClient
) -> None:
    result = await host.call_tool("reportImages", {"reportReason": ["Other"], **arguments})
    assert text_of(result).splitlines()[0] == f"reportImages: {line}. No request was made."
    assert not sandbox.requests


async def test_the_documented_body_of_usage_is_taken_as_arguments(
    sandbox: ScriptedApi, host: McpClient
) -> None:
    sandbox.data({"total": 1})
    arguments = {"reportOption": "Today", "startDate": "", "endDate": ""}
    assert facts(await host.call_tool("getUserUsage", arguments))["period"] == "Today"


async def test_a_cookie_is_not_sent_back(connect: Connect, sandbox: ScriptedApi, host: McpClient) -> None:
    sandbox.says(b'{"status": true, "data": []}', headers={"set-cookie": "sid=abc; Path=/"})
    for _ in range(2):
        await host.call_tool("listTemplates", {})
    assert [headers.get("cookie") for headers in sandbox.received] == [None, None]


RETRY_AFTER = {
    "a number of 400 digits": "9" * 400,
    "a fraction": "90.5",
    "a date in a hundred years": "Fri, 01 Jan 2100 00:00:00 GMT",
    "a date in the past": "Fri, 01 Jan 1999 00:00:00 GMT",
    "a zone that is none": "Mon, 01 Jan 2024 00:00:00 +99999999999999",
    "a negative number": "-5",
    "words": "soon",
    "more than there are numbers": "1e999",
}


@pytest.mark.parametrize("value", RETRY_AFTER.values(), ids=RETRY_AFTER)
async def test_whatever_retry_after_says_a_call_is_told_to_come_back_within_a_day(
    value: str, sandbox: ScriptedApi, host: McpClient
) -> None:
    dated = {"retry-after": value, "date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    sandbox.says(b"", status=429, headers=dated)
    told = re.search(r"Retry after (\d+) s\.", text_of(await host.call_tool("listTemplates", {})))
    assert told
    assert int(told[1]) <= 86_401
