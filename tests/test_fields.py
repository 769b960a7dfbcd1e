"""What an operator can say of a request's fields where the documents are silent: name, place, form, and fields to add."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Connect
from documented import arguments_of, received, text_of
from pydantic import JsonValue

from autobg_mcp.errors import ConfigurationError
from autobg_mcp.sandbox import RecordedRequest, SandboxOptions, World
from autobg_mcp.settings import Settings
from autobg_mcp.tools.offer import check_names

BRANDED, BRANDED_LINKS = "uploadImagesWithDynamicBranding", "uploadS3UrlsWithDynamicBranding"


@pytest.fixture
def sandbox_options() -> SandboxOptions:
    return SandboxOptions(replay=True)


async def request_of(
    tool: str, said: Mapping[str, JsonValue], connect: Connect, world: World, photos: Path
) -> RecordedRequest:
    """The request of a tool's documented example, once the operator has said something of its fields."""
    async with connect(fields=json.dumps({tool: said}), check_templates=False) as host:
        result = await host.call_tool(tool, arguments_of(tool, photos))
    assert not result.is_error, text_of(result)
    return received(world, tool)[-1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"brandLogo": "logoUri"}, {"logoUri": "LOGO"}),
        ({"brandLogo": "branding.logo.url"}, {"branding": {"logo": {"url": "LOGO"}}}),
        ({"brandLogo": ["logo", "badge"]}, {"logo": "LOGO", "badge": "LOGO"}),
        ({"brandLogo": {"to": "logos", "as": "list"}}, {"logos": ["LOGO"]}),
        ({"brandLogo": {"as": "list"}}, {"brandLogo": ["LOGO"]}),
        ({"brandLogo": {"to": ["b.one", "b.all"], "as": "list"}}, {"b": {"one": ["LOGO"], "all": ["LOGO"]}}),
        ({"brandLogo": None}, {}),
        ({"+mode": 1}, {"brandLogo": "LOGO", "mode": 1}),
        ({"brandLogo": "b.logo", "+b.place": "TL", "+flags": [True]}, {"b": {"logo": "LOGO", "place": "TL"}, "flags": [True]}),
    ],
)  # fmt: skip
async def test_a_json_body_is_as_the_operator_says(
    said: dict[str, JsonValue],
    expected: dict[str, JsonValue],
    connect: Connect,
    world: World,
    photos: Path,
) -> None:
    before = json.loads((await request_of(BRANDED_LINKS, {}, connect, world, photos)).body)
    logo = before.pop("brandLogo")
    body = (await request_of(BRANDED_LINKS, {"+new": 1, **said}, connect, world, photos)).body
    wanted = json.dumps(before | expected | {"new": 1}).replace('"LOGO"', json.dumps(logo))
    assert json.loads(body) == json.loads(wanted)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "parts"),
    [
        ({"brandLogo": "branding.logo"}, [("branding.logo", "logo.png")]),
        ({"brandLogo": "branding[logo]"}, [("branding[logo]", "logo.png")]),
        ({"brandLogo": ["logo", "badge"]}, [("badge", "logo.png"), ("logo", "logo.png")]),
        ({"brandLogo": None}, []),
        ({"brandLogo": {"to": "logos", "as": "list"}}, [("logos", "logo.png")]),
        ({"brandLogo": None, "+numPlateImage": {"file": "plate.png"}}, [("numPlateImage", "plate.png")]),
    ],
)
async def test_the_files_of_a_form_are_named_as_the_operator_says(
    said: dict[str, JsonValue],
    parts: list[tuple[str, str]],
    connect: Connect,
    world: World,
    photos: Path,
) -> None:
    form = (await request_of(BRANDED, said, connect, world, photos)).form
    assert (
        sorted((str(part.name), part.filename) for part in form if part.filename and part.name != "cc")
        == parts
    )


@pytest.mark.anyio
async def test_a_form_carries_added_values_as_text_and_a_list_as_a_part_each(
    connect: Connect, world: World, photos: Path
) -> None:
    said: dict[str, JsonValue] = {"+mode": True, "+sizes": [1, 2], "+more": {"a": 1}}
    form = (await request_of(BRANDED, said, connect, world, photos)).form
    added = [(part.name, part.text) for part in form if part.name in ("mode", "sizes", "more")]
    assert added == [("mode", "true"), ("sizes", "1"), ("sizes", "2"), ("more", '{"a": 1}')]


@pytest.mark.anyio
async def test_a_list_can_go_out_as_one_text(connect: Connect, world: World, photos: Path) -> None:
    said: dict[str, JsonValue] = {"picIDs": {"to": "ids", "as": "text"}}
    body = (await request_of("sendImagesForQA", said, connect, world, photos)).body
    assert json.loads(body) == {"ids": "5960,5961"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{", 'an object in JSON, such as {"reportImages": {"reportComment": "comment"}}'),
        ('["s3cret"]', "an object"),
        ('{"reportImages": "s3cret"}', "an object"),
        ('{"cancelBatch": {}}', "name 1 does not exist. See: autobg-mcp tools"),
        ('{"reportImage": {}}', "name 1 does not exist; did you mean reportImages?"),
        ('{"reportImages": {"picID": "s3cret"}}', "name 1 does not exist; did you mean picIDs?"),
        ('{"reportImages": {"picIDs": "s3cret s3cret"}}', "field 1 has no usable rule: "),
        ('{"reportImages": {"picIDs": {"to": "ids", "as": "s3cret"}}}', "field 1 has no usable rule: one of 'list' or 'text'"),
        ('{"reportImages": {"picIDs": {"into": "s3cret"}}}', "field 1 has no usable rule: unknown"),
        ('{"reportImages": {"picIDs": 5}}', "field 1 has no usable rule: an object"),
        ('{"reportImages": {"+a\\r\\nb": "s3cret"}}', "field 1 has no usable rule: "),
        ('{"reportImages": {"+picIDs": "s3cret"}}', "two fields of a tool would be sent in one place"),
        ('{"reportImages": {"picIDs": "reportComment.ids"}}', "two fields of a tool would be sent in one place"),
        ('{"listTemplates": {"+page": "s3cret"}}', "a tool is named whose request carries no fields"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_hold_is_told_at_the_start_without_being_shown(said: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_names(Settings.load(fields=said))
    assert str(refused.value).startswith(f"AUTOBG_FIELDS: {told}")
    assert "s3cret" not in str(refused.value)
