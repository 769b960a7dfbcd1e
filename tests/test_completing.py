"""What a host completes while a person types: from the ledger of this account alone, a hundred at most, and never a fault."""

import re
from pathlib import Path

import pytest
from conftest import Connect
from documented import structured
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import PromptReference, ResourceTemplateReference
from scripted_api import ScriptedApi
from uploading import upload

pytestmark = pytest.mark.anyio

ERAS = ["auto", "legacy"]
BATCHES = ResourceTemplateReference(uri="autobg://batches/{batchID}")
PICTURES = ResourceTemplateReference(uri="autobg://pictures/{picID}")


def prompt(name: str) -> PromptReference:
    return PromptReference(name=name)


async def completed(
    host: McpClient, ref: PromptReference | ResourceTemplateReference, argument: str, typed: str = ""
) -> list[str]:
    found = await host.complete(ref, {"name": argument, "value": typed})
    return found.completion.values


@pytest.fixture
def api() -> ScriptedApi:
    """An account with 150 templates."""
    scripted = ScriptedApi()
    scripted.data([{"templateID": 2900 + one, "templateName": f"Showroom {one}"} for one in range(150)])
    return scripted


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("typed", ["room 99", "SHOWROOM 99", "2999"])
async def test_a_template_is_completed_by_name_and_by_id_once_it_was_listed(
    era: str, typed: str, connect: Connect, api: ScriptedApi
) -> None:
    async with connect(era, api=api) as host:
        assert await completed(host, prompt("process_vehicle"), "template", typed) == []
        await host.call_tool("listTemplates", {})
        assert await completed(host, prompt("process_vehicle"), "template", typed) == ["Showroom 99 (2999)"]


async def test_a_hundred_are_told_and_that_there_are_more(connect: Connect, api: ScriptedApi) -> None:
    async with connect(api=api) as host:
        await host.call_tool("listTemplates", {})
        found = await host.complete(prompt("process_vehicle"), {"name": "template", "value": ""})
    assert (len(found.completion.values), found.completion.has_more) == (100, True)


@pytest.mark.parametrize("era", ERAS)
async def test_batches_are_completed_newest_first_by_number_or_vehicle(
    era: str, connect: Connect, car: Path
) -> None:
    async with connect(era) as host:
        ids = [
            str(structured(await upload(host, car, numberPlate=f"V-{number}"))["batchID"])
            for number in range(3)
        ]
        assert await completed(host, BATCHES, "batchID") == ids[::-1]
        assert await completed(host, BATCHES, "batchID", "V-1") == [ids[1]]
        assert await completed(host, BATCHES, "batchID", ids[2]) == [ids[2]]


async def test_pictures_are_completed_once_a_status_told_them(client: McpClient, car: Path) -> None:
    batch = structured(await upload(client, car.parent))["batchID"]
    status = structured(await client.call_tool("getImageStatus", {"batchID": batch, "all": True}))
    ids = re.findall(r"'picID': '(\d+)'", str(status["images"]))
    assert await completed(client, PICTURES, "picID") == ids
    assert await completed(client, PICTURES, "picID", ids[1]) == [ids[1]]


@pytest.mark.parametrize(
    ("name", "argument", "typed", "values"),
    [
        ("triage_since", "reportReason", "plate", ["Number plate"]),
        ("triage_since", "reportReason", "o", ["Alignment of Road", "Window see-through", "Logo", "Other"]),
        ("triage_since", "since", "last", ["last 7 days", "last week", "last month"]),
        ("credit_report", "period", "month", ["This month", "Last Month"]),
        ("process_vehicle", "vehicle", "V", []),
        ("process_vehicle", "no_such_argument", "", []),
    ],
)
async def test_what_is_listed_anyway_is_completed_without_a_key(
    name: str, argument: str, typed: str, values: list[str], connect: Connect
) -> None:
    async with connect(api_key="") as host:
        assert await completed(host, prompt(name), argument, typed) == values


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_key_nothing_of_an_account_is_completed(era: str, connect: Connect) -> None:
    async with connect(era, api_key="") as host:
        assert await completed(host, prompt("process_vehicle"), "template") == []
        assert await completed(host, BATCHES, "batchID") == []
        assert await completed(host, PICTURES, "picID") == []


async def test_another_account_completes_none_of_it(connect: Connect, api: ScriptedApi, car: Path) -> None:
    async with connect() as host, connect(api_key="another-key-01") as other:
        await upload(host, car)
        assert await completed(other, BATCHES, "batchID") == []
    async with connect(api=api) as host, connect(api_key="another-key-01") as other:
        await host.call_tool("listTemplates", {})
        assert await completed(other, prompt("process_vehicle"), "template") == []


async def test_a_broken_ledger_completes_nothing(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(0o700)
    (tmp_path / "state" / "ledger.sqlite3").write_bytes(b"no database" * 1000)
    async with connect() as host:
        assert await completed(host, BATCHES, "batchID") == []


@pytest.mark.parametrize(
    "ref", [prompt("nothing"), ResourceTemplateReference(uri="autobg://nothing/{id}")], ids=str
)
async def test_what_does_not_exist_is_refused(
    ref: PromptReference | ResourceTemplateReference, client: McpClient
) -> None:
    with pytest.raises(MCPError, match="There is no such") as refused:
        await completed(client, ref, "id")
    assert refused.value.code == -32602
