"""What stands in the way of a paid call is told before anybody is asked or plans with it, in figures that are whole."""

from pathlib import Path

import pytest
from conftest import Connect
from documented import structured, text_of
from mcp import Client as McpClient
from mcp.client.context import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult
from pydantic import JsonValue
from scripted_api import ScriptedApi
from uploading import sent, upload

from autobg_mcp.sandbox import SandboxOptions, World

pytestmark = pytest.mark.anyio

USED_UP = "AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today, this needs 2. Nothing was sent."


async def test_a_plan_that_the_limit_of_the_day_forbids_says_so(connect: Connect, photos: Path) -> None:
    async with connect(daily_credit_limit=1) as client:
        await upload(client, photos / "cars" / "car-1.jpg")
        planned = structured(await upload(client, photos / "cars", dryRun=True))
    assert USED_UP in str(planned["note"])
    assert str(planned["next"]).startswith("Tell the user")


async def test_a_plan_of_more_than_the_limit_of_the_day_leaves_tells_both_numbers(
    connect: Connect, photos: Path
) -> None:
    async with connect(daily_credit_limit=2) as client:
        planned = structured(await upload(client, photos / "cars", dryRun=True))
    assert planned["note"] == "AUTOBG_DAILY_CREDIT_LIMIT leaves 2 credits today for 3 pictures"


async def test_a_plan_of_nothing_but_repeats_needs_nothing_of_the_limit(
    connect: Connect, photos: Path
) -> None:
    async with connect(daily_credit_limit=1) as client:
        await upload(client, photos / "cars" / "car-1.jpg")
        planned = structured(await upload(client, photos / "cars" / "car-1.jpg", dryRun=True))
    assert "AUTOBG_DAILY_CREDIT_LIMIT" not in str(planned)


async def test_nobody_is_asked_for_what_the_limit_of_the_day_forbids(
    connect: Connect, world: World, photos: Path
) -> None:
    asked: list[str] = []

    async def person(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"approve": True})

    async with connect(daily_credit_limit=0, approve="paid", person=person) as client:
        told = text_of(await upload(client, photos / "cars"))
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 0 credits today, this needs 3" in told
    assert (asked, sent(world)) == ([], [])


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=0)])
async def test_a_plan_without_credits_does_not_say_that_the_call_would_send(
    client: McpClient, car: Path
) -> None:
    assert (
        structured(await upload(client, car, dryRun=True))["next"] == "Tell the user that credits are used up"
    )


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=1_234_567)])
async def test_a_large_balance_is_told_with_all_its_digits(client: McpClient, car: Path) -> None:
    assert "credits 1234567 → 1234566, explained: yes" in str(
        structured(await upload(client, car))["receipt"]
    )


@pytest.mark.parametrize("balance", [False, True])
async def test_a_balance_that_is_no_number_is_not_understood(balance: JsonValue, connect: Connect) -> None:
    api = ScriptedApi()
    api.data({"current_credits": balance})
    async with connect(api=api) as client:
        assert (await client.call_tool("getUserCreditDetails", {})).is_error
