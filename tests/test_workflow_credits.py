"""Questions about money: every figure with its source, and what is not understood is said."""

from pathlib import Path

import pytest
from conftest import Connect
from documented import structured, text_of
from mcp import Client as McpClient
from pydantic import JsonValue
from scripted_api import ScriptedApi
from starlette.types import Receive, Scope, Send
from uploading import upload

from autobg_mcp.sandbox import FailureKind, SandboxOptions, World
from autobg_mcp.tools.account import UsageReport
from autobg_mcp.tools.credits import credits_in

pytestmark = pytest.mark.anyio

PERIODS = ["Today", "Last 7 days", "This month"]


async def summed(client: McpClient, **arguments: JsonValue) -> dict[str, JsonValue]:
    return dict(structured(await client.call_tool("getCreditSummary", arguments)))


def used(summary: dict[str, JsonValue]) -> list[tuple[JsonValue, JsonValue, JsonValue]]:
    figures = summary["used"]
    assert isinstance(figures, list)
    return [(one["period"], one["credits"], one["source"]) for one in figures if isinstance(one, dict)]


FORMS = [SandboxOptions(usage_form=form) for form in ("json", "xlsx", "csv")]


@pytest.mark.parametrize("sandbox_options", FORMS, ids=lambda options: options.usage_form)
async def test_usage_of_any_form_is_summed_up_for_each_period(client: McpClient, photos: Path) -> None:
    await upload(client, photos / "cars")
    summary = await summed(client)
    assert summary["left"] == 97
    assert used(summary) == [(period, 3, "API usage") for period in PERIODS]


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
    for period, figure, source in used(await summed(client)):
        assert (period in PERIODS, figure) == (True, 3)
        assert str(source).startswith("submissions from this machine only; the API's usage failed: ")


@pytest.mark.parametrize("kind", ["soft", "500", "html", "drop_before"])
async def test_where_the_balance_fails_nothing_is_made_up(
    kind: FailureKind, client: McpClient, world: World
) -> None:
    world.fail_next("/user/getUserCreditDetails", kind, times=9)
    assert (await client.call_tool("getCreditSummary", {})).is_error


async def test_submissions_of_unknown_outcome_are_told(client: McpClient, world: World, photos: Path) -> None:
    world.fail_next("/uploadWithoutTemplateCC", "drop_after")
    await upload(client, photos / "cars" / "car-1.jpg")
    world.fail_next("/user/getUsage", "soft", times=9)
    summary = await summed(client)
    assert [figure for _, figure, _ in used(summary)] == [1, 1, 1]
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
    assert credits_in(UsageReport(period="Today", form="json", data=usage)) is None


async def test_every_row_counts_however_many_are_shown() -> None:
    rows: JsonValue = [{"credits": 1} for _ in range(250)]
    assert credits_in(UsageReport(period="Today", form="json", data=rows[:100], whole=rows)) == 250  # type: ignore[index]


@pytest.mark.parametrize("pictures", [0, -1, "many"])
async def test_other_numbers_of_pictures_are_refused(
    pictures: JsonValue, client: McpClient, world: World
) -> None:
    assert "pictures" in text_of(await client.call_tool("getCreditSummary", {"pictures": pictures}))
    assert not world.requests


# Answers that no document shows

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
]
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
]


@pytest.mark.parametrize(("data", "figure"), UNDERSTOOD, ids=str)
def test_a_figure_under_a_telling_name_is_understood(data: JsonValue, figure: float) -> None:
    assert credits_in(UsageReport(period="Today", form="json", data=data)) == figure


@pytest.mark.parametrize("data", NOT_UNDERSTOOD, ids=str)
def test_what_may_mean_something_else_is_not_taken_for_used_credits(data: JsonValue) -> None:
    assert credits_in(UsageReport(period="Today", form="json", data=data)) is None


@pytest.mark.parametrize(
    ("sums", "figure"),
    [
        ({"Credits": 5.0}, 5),
        ({"Images": 9.0, "Credits Used": 5.0}, 5),
        ({"Credits left": 95.0, "Used": 5.0}, 5),
        ({"Credits left": 95.0}, None),
        ({"Credits": -5.0}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_column_of_used_credits_is_told_from_others(sums: dict[str, float], figure: float | None) -> None:
    assert credits_in(UsageReport(period="Today", form="spreadsheet", sums=sums)) == figure


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
    assert used(summary) == [
        (period, 0, "submissions from this machine only; the API's usage answer was not understood")
        for period in PERIODS
    ]


class UsageApi:
    """An API whose usage is given, and whose balance is 95."""

    def __init__(self, usage: bytes) -> None:
        self._usage, self._balance = ScriptedApi(), ScriptedApi()
        self._usage.says(usage)
        self._balance.data({"current_credits": 95, "total_credits": 100})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = self._usage if scope["path"].endswith("getUsage") else self._balance
        await api(scope, receive, send)
