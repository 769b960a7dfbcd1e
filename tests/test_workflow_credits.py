"""Questions about money: every figure with its source, and what is not understood is said."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Clock, Connect
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi
from starlette.types import Receive, Scope, Send
from uploading import upload

from autobg_mcp.clock import day_start_s, local_day
from autobg_mcp.sandbox import FailureKind, SandboxOptions, World
from autobg_mcp.tools.usage import credits_in_json, credits_in_table

pytestmark = pytest.mark.anyio

DAY_S = 86_400
PERIODS = ["Today", "Last 7 days", "This month"]  # the last month is over for every photo of a test


async def summed(client: McpClient, **arguments: JsonValue) -> dict[str, JsonValue]:
    return dict(structured(await client.call_tool("getCreditSummary", arguments)))


def used(summary: dict[str, JsonValue]) -> list[tuple[JsonValue, JsonValue, JsonValue]]:
    figures = summary["used"]
    assert isinstance(figures, list)
    return [(one["period"], one.get("credits"), one["source"]) for one in figures if isinstance(one, dict)]


FORMS = [SandboxOptions(usage_form=form) for form in ("json", "xlsx", "csv")]


@pytest.mark.parametrize("sandbox_options", FORMS, ids=lambda options: options.usage_form)
async def test_usage_of_any_form_is_summed_up_for_each_period(client: McpClient, photos: Path) -> None:
    await upload(client, photos / "cars")
    summary = await summed(client)
    assert summary["left"] == 97
    assert used(summary)[:3] == [(period, 3, "API usage") for period in PERIODS]
    assert used(summary)[3][0] == "Last Month"


async def test_the_pace_is_that_of_seven_days(client: McpClient, photos: Path) -> None:
    await upload(client, photos / "cars")
    summary = await summed(client)
    assert summary["perDay"] == pytest.approx(3 / 7, abs=0.01)
    assert summary["daysLeft"] == 97 * 7 // 3


async def test_what_more_pictures_would_leave_is_told(client: McpClient) -> None:
    summary = await summed(client, pictures=40)
    assert (summary["left"], summary["leftAfter"]) == (100, 60)


async def test_pictures_that_cannot_be_paid_are_told(client: McpClient) -> None:
    summary = await summed(client, pictures=140)
    assert summary["leftAfter"] == -40
    assert "140 pictures need 40 credits more than are left." in str(summary["notes"])


async def test_without_any_use_no_pace_is_made_up(client: McpClient) -> None:
    summary = await summed(client)
    assert "daysLeft" not in summary
    assert "Nothing was used in 7 days" in str(summary["notes"])


async def test_the_price_of_a_picture_is_called_inferred(client: McpClient) -> None:
    assert "One credit a picture is inferred" in str((await summed(client))["notes"])


@pytest.mark.parametrize("kind", ["soft", "500", "html", "empty", "truncated", "drop_before"])
async def test_where_usage_fails_the_ledger_answers_and_says_so(
    kind: FailureKind, client: McpClient, world: World, photos: Path
) -> None:
    await upload(client, photos / "cars")
    world.fail_next("/user/getUsage", kind, times=9)
    *recent, last_month = used(await summed(client))
    for period, figure, source in recent:
        assert (period in PERIODS, figure) == (True, 3)
        assert str(source).startswith("submissions from this machine only; the API's usage failed: ")
    assert last_month[:2] == ("Last Month", None)


@pytest.mark.parametrize("kind", ["soft", "500", "html", "drop_before"])
async def test_where_the_balance_fails_nothing_is_made_up(
    kind: FailureKind, client: McpClient, world: World
) -> None:
    world.fail_next("/user/getUserCreditDetails", kind, times=9)
    assert (await client.call_tool("getCreditSummary", {})).is_error


@pytest.mark.parametrize(
    "balance", [{}, {"current_credits": None}, {"current_credits": ""}, {"total_credits": 100}], ids=str
)
async def test_a_balance_that_is_missing_is_not_told_as_none_left(
    balance: dict[str, JsonValue], connect: Connect
) -> None:
    api = ScriptedApi()
    api.data(balance)
    async with connect(api=api) as client:
        assert (await client.call_tool("getCreditSummary", {})).is_error
        assert (await client.call_tool("getUserCreditDetails", {})).is_error


async def test_submissions_of_unknown_outcome_are_told(client: McpClient, world: World, photos: Path) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_after")
    await upload(client, photos / "cars" / "car-1.jpg")
    world.fail_next("/user/getUsage", "soft", times=9)
    summary = await summed(client)
    assert [figure for _, figure, _ in used(summary)] == [1, 1, 1, None]
    assert "Up to 1 submissions of unknown outcome are counted as used: see listBatches." in str(
        summary["notes"]
    )


@pytest.mark.parametrize(
    "usage",
    [
        {"total": 2, "records": [5, 7]},
        {"total": 3, "rows": [{"credits": 5}, {"credits": 7}]},
        {"credits": 96, "used_images": 4},
        {"current": 5},
    ],
)
async def test_a_figure_that_is_not_beyond_doubt_is_not_told_as_usage(usage: JsonValue) -> None:
    assert credits_in_json(usage) is None


async def test_every_row_counts_however_many_are_shown(connect: Connect) -> None:
    rows = json.dumps([{"batchId": 1, "creditsDeducted": 1}] * 250).encode()
    async with connect(api=UsageApi(rows)) as client:
        usage = structured(await client.call_tool("getUserUsage", {"reportOption": "Today"}))
        assert used(await summed(client))[0] == ("Today", 250, "API usage")
    assert (usage["credits"], len(usage["data"])) == (250, 100)  # type: ignore[arg-type]


@pytest.mark.parametrize("pictures", [0, -1, "many"])
async def test_other_numbers_of_pictures_are_refused(
    pictures: JsonValue, client: McpClient, world: World
) -> None:
    assert "pictures" in text_of(await client.call_tool("getCreditSummary", {"pictures": pictures}))
    assert not world.requests


# Answers that no document shows

SPELLINGS = [
    "creditsDeducted", "CREDITSDEDUCTED", "credits_deducted", "Credits deducted:", "deducted-credits", "Deducted",
    "Credits Consumed", "creditConsumption", "Credits charged", "debitedCredits", "Total credits used",
]  # fmt: skip
UNDERSTOOD: list[tuple[JsonValue, float]] = [
    ({"total": 12}, 12),
    ({"used": 3, "total": 100}, 3),
    ({"total_credits": 100, "used_credits": 5}, 5),
    ({"creditsUsed": "7"}, 7),
    ({"Total Credits Used": 2.5}, 2.5),
    ({"data": {"rows": [], "usage": 4}}, 4),
    ([{"date": "01-01-2026", "credits": 2}, {"date": "02-01-2026", "credits": 3}], 5),
    ([{"date": "01-01-2026", "credits": 2}, {"date": "Total", "credits": 2}], 2),
    ({"rows": [{"day": 1, "used": 2}], "page": 1}, 2),
    (
        [
            {"batchId": 1206, "batchName": "V-1", "date": "01-01-2026", "creditsDeducted": 2},
            {"batchId": 1207, "batchName": "V-2", "date": "01-01-2026", "creditsDeducted": "3"},
        ],
        5,
    ),
    ({"history": [{"batchId": 1, "Credits Deducted": 4}]}, 4),
    ({"usage": [{"batchId": 1, "creditsDeducted": 4}]}, 4),
]
SPELLED: list[tuple[JsonValue, float]] = [({name: 6, "batchId": 1206}, 6) for name in SPELLINGS]
NOT_UNDERSTOOD: list[JsonValue] = [
    None,
    [],
    {},
    0,
    "12 credits",
    True,
    {"used": True},
    {"used": None},
    {"used": -4},
    {"used": float("nan")},
    {"used": float("inf")},
    {"used": "1e9"},
    {"total_credits": 100, "current_credits": 95},
    {"creditsLeft": 95},
    [{"date": "01-01-2026", "credits": 2}, {"date": "02-01-2026"}],
    [1, 2, 3],
    [[{"credits": [[]]}]],
    [{"creditsDeducted": 2}, {"creditsDeducted": None}],
    {"creditsDeducted": None, "credits": 95},
    {"used": 3, "creditsDeducted": 4},
    {"amountCharged": 12.5},
    {"Credits deducted €": 3},
    {"date charged": 20260101},
    {"rows": []},
]


@pytest.mark.parametrize(("data", "figure"), [*UNDERSTOOD, *SPELLED], ids=str)
def test_a_figure_under_a_telling_name_is_understood(data: JsonValue, figure: float) -> None:
    assert credits_in_json(data) == figure


@pytest.mark.parametrize("data", NOT_UNDERSTOOD, ids=str)
def test_what_may_mean_something_else_is_not_taken_for_used_credits(data: JsonValue) -> None:
    assert credits_in_json(data) is None


@pytest.mark.parametrize(
    ("sheet", "figure"),
    [
        ({"Credits": 5.0}, 5),
        ({"Images": 9.0, "Credits Used": 5.0}, 5),
        ({"batchId": 1206.0, "Credits Deducted": 5.0}, 5),
        ({"Credits left": 95.0, "Used": 5.0}, 5),
        ({"Credits left": 95.0}, None),
        ({"Credits": -5.0}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_column_of_used_credits_is_told_from_others(
    sheet: dict[str, float], figure: float | None
) -> None:
    assert credits_in_table([*sheet], [[*sheet.values()]]) == figure


@pytest.mark.parametrize(
    ("csv", "credit"),
    [
        (b"batchId,creditsDeducted\n", 0),
        (b"Date,Credits\nTotal,0\n", 0),
        (b"Date,Credits\nTotal,4\n", None),
        (b"Date,Pictures\n", None),
        (b"batchId,creditsDeducted\n1206,3\n1207,4\n", 7),
        (b"batchId,creditsDeducted\n1206,none\n", None),
    ],
)
async def test_a_sheet_without_rows_tells_of_no_use_only_where_it_has_a_column_for_it(
    csv: bytes, credit: int | None, connect: Connect
) -> None:
    async with connect(api=UsageApi(csv)) as client:
        usage = structured(await client.call_tool("getUserUsage", {"reportOption": "Today"}))
    assert usage.get("credits") == credit


@pytest.mark.parametrize(
    "usage",
    [
        b"hello there",
        b"1",
        b"\xff\xfe\x00garbage",
        b"PK\x03\x04broken",
    ],
)
async def test_garbage_is_said_to_be_not_understood(usage: bytes, connect: Connect) -> None:
    async with connect(api=UsageApi(usage)) as client:
        summary = await summed(client, pictures=1)
    assert (summary["left"], summary["leftAfter"]) == (95, 94)
    assert {(figure, source) for _, figure, source in used(summary)} == {
        (None, "unknown, nothing was submitted from this machine; the API's usage answer was not understood")
    }
    assert "No use is known in 7 days, so no pace can be told." in str(summary["notes"])


# The pace


@pytest.mark.parametrize("sandbox_options", [SandboxOptions(credits=30)])
async def test_the_day_on_which_credits_end_at_this_pace_is_told(
    client: McpClient, clock: Clock, photos: Path
) -> None:
    await upload(client, photos / "cars")
    empty = local_day(clock.wall_s()) + timedelta(days=27 * 7 // 3)
    assert (await summed(client))["emptyOn"] == empty.isoformat()


async def test_without_use_no_day_is_told_on_which_credits_end(client: McpClient) -> None:
    assert {"emptyOn", "perDay", "daysLeft"}.isdisjoint(await summed(client))


async def test_credits_that_last_longer_than_ten_years_have_no_day(connect: Connect) -> None:
    async with connect(api=UsageApi(b'{"creditsDeducted": 1}', left=1_000_000)) as client:
        summary = await summed(client)
    assert ("emptyOn" in summary, summary["daysLeft"]) == (False, 7_000_000)


async def test_where_a_week_is_without_use_the_pace_is_that_of_the_month(
    client: McpClient, clock: Clock, photos: Path
) -> None:
    clock.now_s += until_the_first(clock) + 3600
    await upload(client, photos / "cars")
    clock.now_s += 20 * DAY_S
    summary = await summed(client)
    assert summary["perDay"] == pytest.approx(3 / 21, abs=0.01)
    assert "go on from “This month” above" in str(summary["notes"])


async def test_what_was_used_last_month_is_told_apart(client: McpClient, clock: Clock, photos: Path) -> None:
    await upload(client, photos / "cars")
    clock.now_s += until_the_first(clock) + 3600
    assert {period: figure for period, figure, _ in used(await summed(client))} | {"Last 7 days": 0} == {
        "Today": 0, "Last 7 days": 0, "This month": 0, "Last Month": 3,
    }  # fmt: skip


async def test_last_month_comes_from_the_ledger_where_usage_fails(
    client: McpClient, world: World, clock: Clock, photos: Path
) -> None:
    await upload(client, photos / "cars")
    clock.now_s += until_the_first(clock) + 3600
    world.fail_next("/user/getUsage", "soft", times=9)
    figures = {period: figure for period, figure, _ in used(await summed(client))}
    assert (figures["Last Month"], figures["This month"]) == (3, None)


# The limit of the day, and where credits went


async def test_what_is_left_of_the_limit_of_the_day_is_told(connect: Connect, photos: Path) -> None:
    async with connect(daily_credit_limit=5) as client:
        await upload(client, photos / "cars")
        summary = await summed(client, pictures=4)
    assert summary["dailyLimit"] == {"limit": 5, "used": 3, "left": 2}
    assert "AUTOBG_DAILY_CREDIT_LIMIT leaves 2 pictures today." in str(summary["notes"])


async def test_yesterdays_use_is_not_of_todays_limit(connect: Connect, clock: Clock, photos: Path) -> None:
    async with connect(daily_credit_limit=5) as client:
        await upload(client, photos / "cars")
        clock.now_s += DAY_S
        assert (await summed(client))["dailyLimit"] == {"limit": 5, "used": 0, "left": 5}


async def test_without_a_limit_of_the_day_none_is_told(client: McpClient) -> None:
    assert "dailyLimit" not in await summed(client)


async def test_credits_are_told_by_vehicle_and_by_template_with_its_name(
    client: McpClient, photos: Path
) -> None:
    template = {"name": "Showroom", "background": str(photos / "background.jpg"), "numPlate": False}
    template_id = structured(await client.call_tool("createTemplate", template))["templateID"]
    links: list[JsonValue] = ["https://cars.example/1.jpg", "https://cars.example/2.jpg"]
    arguments: dict[str, JsonValue] = {"numberPlate": "W-2", "processType": "ai", "clientS3Uris": links}
    structured(await client.call_tool("uploadS3UrlsWithTemplate", arguments | {"templateCC": template_id}))
    await upload(client, photos / "cars")
    summary = await summed(client)
    assert summary["byVehicle"] == [{"name": "V-1", "credits": 3}, {"name": "W-2", "credits": 2}]
    assert summary["byTemplate"] == [
        {"name": "no template", "credits": 3},
        {"name": f"{template_id} (Showroom)", "credits": 2},
    ]


async def test_beyond_ten_vehicles_the_others_are_one(client: McpClient, clock: Clock) -> None:
    for number in range(13):
        clock.now_s += 7  # ten calls a minute
        links: list[JsonValue] = [f"https://cars.example/{number}-{photo}.jpg" for photo in range(number + 1)]
        arguments: dict[str, JsonValue] = {"numberPlate": f"V-{number}", "processType": "ai"}
        structured(await client.call_tool("uploadS3UrlsWithoutTemplate", arguments | {"clientS3Uris": links}))
    shares = (await summed(client))["byVehicle"]
    assert isinstance(shares, list)
    assert (shares[0], shares[-1], len(shares)) == (
        {"name": "V-12", "credits": 13}, {"name": "3 others", "credits": 6}, 11,
    )  # fmt: skip


async def test_what_was_refused_or_is_older_than_thirty_days_is_no_share(
    client: McpClient, world: World, clock: Clock, photos: Path
) -> None:
    await upload(client, photos / "cars" / "car-1.jpg")
    clock.now_s += 31 * DAY_S
    world.fail_next("/uploadWithoutTemplateCC", "soft")
    await upload(client, photos / "cars" / "car-2.jpg")
    assert (await summed(client))["byVehicle"] == []


def until_the_first(clock: Clock) -> float:
    """Seconds until the next month begins."""
    first = (local_day(clock.wall_s()).replace(day=1) + timedelta(days=32)).replace(day=1)
    return day_start_s(first) - clock.wall_s()


class UsageApi:
    """An API whose usage is given, and whose balance is 95 unless told."""

    def __init__(self, usage: bytes, left: int = 95) -> None:
        self._usage, self._balance = ScriptedApi(), ScriptedApi()
        self._usage.says(usage)
        self._balance.data({"current_credits": left, "total_credits": 100})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = self._usage if scope["path"].endswith("getUsage") else self._balance
        await api(scope, receive, send)
