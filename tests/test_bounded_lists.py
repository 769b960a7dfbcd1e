"""Templates and backdrops: however many there are, a model reads a bounded number, and hears how many there are."""

from pathlib import Path

import anyio.to_thread
import pytest
from conftest import Clock, opened
from documented import structured
from ledger_cases import Blocking
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi

from autobg_mcp.api.call import Account
from autobg_mcp.tools import library, templates
from autobg_mcp.tools.templates import ListTemplates

pytestmark = pytest.mark.anyio

PLENTY = 3_000


@pytest.fixture
def sandbox() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def api(sandbox: ScriptedApi) -> ScriptedApi:
    """An account with three thousand templates."""
    sandbox.data(
        [{"templateID": number, "templateName": f"Showroom {number}"} for number in range(1, PLENTY + 1)]
    )
    return sandbox


async def listed(
    host: McpClient, tool: str = "listTemplates", **arguments: JsonValue
) -> dict[str, JsonValue]:
    return dict(structured(await host.call_tool(tool, arguments)))


def ids(answer: dict[str, JsonValue]) -> list[JsonValue]:
    found = answer["templates"]
    assert isinstance(found, list)
    return [one["templateID"] for one in found if isinstance(one, dict)]


async def test_of_thousands_of_templates_the_first_are_listed_and_all_counted(
    api: ScriptedApi, host: McpClient
) -> None:
    answer = await listed(host)
    assert (len(ids(answer)), answer["total"]) == (templates.MOST_LISTED, PLENTY)
    assert str(answer["next"]).startswith("50 of 3,000 are listed: listTemplates with find; ")


@pytest.mark.parametrize(
    ("find", "expected"), [("SHOWROOM 2999", ["2999"]), ("2999", ["2999"]), (2999, ["2999"]), ("garage", [])]
)
async def test_templates_are_found_by_part_of_their_name_or_id(
    find: JsonValue, expected: list[JsonValue], api: ScriptedApi, host: McpClient
) -> None:
    assert ids(await listed(host, find=find)) == expected


async def test_what_is_looked_for_among_templates_is_not_sent_to_the_api(
    api: ScriptedApi, host: McpClient
) -> None:
    await listed(host, find="Showroom 7")
    assert api.sent_bytes == [0]


async def test_where_no_template_fits_the_others_are_not_forgotten(api: ScriptedApi, host: McpClient) -> None:
    answer = await listed(host, find="garage")
    assert (answer["total"], answer["next"]) == (PLENTY, "listTemplates without find, or createTemplate")


async def test_an_account_without_templates_is_led_to_make_one(api: ScriptedApi, host: McpClient) -> None:
    api.data([])
    answer = await listed(host)
    assert (answer["total"], answer["next"]) == (0, "createTemplate")


async def test_python_gets_every_template(api: ScriptedApi, clock: Clock, tmp_path: Path) -> None:
    async with opened(api, clock, tmp_path) as client:
        assert len((await client.call(ListTemplates())).templates) == PLENTY


async def test_names_of_templates_that_were_not_looked_for_are_remembered_too(
    api: ScriptedApi, clock: Clock, tmp_path: Path, ledger: Blocking
) -> None:
    async with opened(api, clock, tmp_path, state_dir=tmp_path) as client:
        await client.call(ListTemplates(find="Showroom 7"))
        account = Account.of(client.settings.key(), client.settings.base_url).id
    names = await anyio.to_thread.run_sync(ledger.template_names, account, ["12"])
    assert names == {"12": "Showroom 12"}


async def test_a_long_library_is_bounded_and_counted(api: ScriptedApi, host: McpClient) -> None:
    api.data([{"id": number, "title": f"Backdrop {number}"} for number in range(PLENTY)])
    answer = await listed(host, "listLibraryTemplates")
    assert isinstance(answer["backdrops"], list)
    assert (len(answer["backdrops"]), answer["total"]) == (library.MOST_LISTED, PLENTY)
    assert "25 of 3,000 are listed" in str(answer["next"])


async def test_a_backdrop_is_found_by_any_of_its_texts(api: ScriptedApi, host: McpClient) -> None:
    api.data([{"id": number, "about": {"title": f"Backdrop {number}"}} for number in range(PLENTY)])
    answer = await listed(host, "listLibraryTemplates", find="backdrop 2998")
    assert answer["backdrops"] == [{"id": 2998, "about": {"title": "Backdrop 2998"}}]


async def test_where_no_backdrop_fits_the_others_are_not_forgotten(api: ScriptedApi, host: McpClient) -> None:
    api.data([{"id": 1}])
    answer = await listed(host, "listLibraryTemplates", find="garage")
    assert (answer["backdrops"], answer["total"], answer["next"]) == (
        [],
        1,
        "listLibraryTemplates without find",
    )
