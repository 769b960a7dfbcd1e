"""What a host lists to a model: the rules every tool keeps, and what the listing costs."""

import json
from collections.abc import Iterator
from typing import get_args

import pytest
from conftest import KEY, Connect
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs are installed
from pydantic import JsonValue
from tokens import tokens

from autobg_mcp.serving.listing import listed
from autobg_mcp.settings import Settings, Toolset
from autobg_mcp.tools import ENDPOINTS, TOOLS
from autobg_mcp.tools.offer import Offer

MOST_TOKENS = 8_000
PICTURES = {"getImagesRaw", "getImagesBase64", "reviewBatch"}
LITTER = {"title", "$ref", "$defs", "anyOf", "oneOf", "allOf", "nullable", "additionalProperties"}
LISTED = {tool.tool: listed(tool) for tool in TOOLS}
TOOLSETS: tuple[Toolset, ...] = get_args(Toolset)

every_tool = pytest.mark.parametrize("name", LISTED)
every_schema = pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in LISTED for kind in ("inputSchema", "outputSchema") if kind in LISTED[name]],
)


def names(**settings: object) -> set[str]:
    return set(Offer(Settings.load(api_key=KEY, **settings)).tools)


def objects(node: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Every schema inside a schema; names of properties are not taken for keywords."""
    if isinstance(node, list):
        for item in node:
            yield from objects(item)
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            for child in value.values() if key == "properties" and isinstance(value, dict) else [value]:
                yield from objects(child)


def schema(name: str, kind: str) -> dict[str, JsonValue]:
    found = LISTED[name][kind]
    assert isinstance(found, dict)
    return found


def properties(name: str) -> dict[str, JsonValue]:
    found = schema(name, "inputSchema").get("properties", {})
    assert isinstance(found, dict)
    return found


@pytest.mark.anyio
async def test_the_default_listing_costs_less_than_eight_thousand_tokens(connect: Connect) -> None:
    async with connect() as host:
        sent = (await host.list_tools()).model_dump_json(by_alias=True, exclude_none=True)
    assert tokens(sent) < MOST_TOKENS


@every_tool
def test_a_tool_has_a_title_and_a_description(name: str) -> None:
    assert LISTED[name]["title"]
    assert str(LISTED[name]["description"]).endswith(".")


@every_tool
def test_a_tool_says_all_four_things_about_its_effect(name: str) -> None:
    annotations = LISTED[name]["annotations"]
    assert isinstance(annotations, dict)
    assert annotations.keys() == {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


@every_tool
def test_every_argument_is_described(name: str) -> None:
    undescribed = [
        argument
        for argument, about in properties(name).items()
        if not isinstance(about, dict) or not about.get("description")
    ]
    assert not undescribed


@every_schema
def test_a_schema_has_no_litter(name: str, kind: str) -> None:
    assert not [LITTER & node.keys() for node in objects(schema(name, kind)) if LITTER & node.keys()]


@every_schema
def test_no_schema_lists_several_types(name: str, kind: str) -> None:
    assert not [node for node in objects(schema(name, kind)) if isinstance(node.get("type"), list)]


@every_schema
def test_every_schema_says_something_of_its_value(name: str, kind: str) -> None:
    assert not [node for node in objects(schema(name, kind)) if not node.keys() - {"description", "default"}]


@every_tool
def test_every_argument_has_one_type_and_only_texts_are_enumerated(name: str) -> None:
    nodes = list(objects(schema(name, "inputSchema")))
    assert all(isinstance(node.get("type"), str) for node in nodes)
    assert all(node["type"] == "string" for node in nodes if "enum" in node)


@every_tool
def test_a_tool_has_an_output_schema_unless_it_shows_pictures(name: str) -> None:
    assert ("outputSchema" not in LISTED[name]) == (name in PICTURES)


@every_schema
def test_a_schema_is_an_object_that_json_schema_understands(name: str, kind: str) -> None:
    Draft202012Validator.check_schema(schema(name, kind))
    assert schema(name, kind)["type"] == "object"


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_a_toolset_switches_its_tools_on_together(toolset: str) -> None:
    assert names(toolsets=toolset) == {tool.tool for tool in TOOLS if tool.toolset == toolset} != set()


def test_toolsets_add_up() -> None:
    assert names(toolsets=",".join(TOOLSETS)) == LISTED.keys()


def test_by_default_everything_but_beta_is_on() -> None:
    assert names() == {tool.tool for tool in TOOLS if tool.toolset != "beta"}


@pytest.mark.parametrize("toolsets", ["enterprise", "custom", "workflow", "enterprise,custom,workflow,beta"])
def test_read_only_removes_everything_that_is_not_hinted_so(toolsets: str) -> None:
    assert names(toolsets=toolsets, read_only=True) == {
        name for name in names(toolsets=toolsets) if '"readOnlyHint": true' in json.dumps(LISTED[name])
    }


def test_what_spends_or_changes_is_never_hinted_read_only() -> None:
    hinted = {name for name in LISTED if '"readOnlyHint": true' in json.dumps(LISTED[name])}
    assert hinted == {tool.tool for tool in TOOLS if tool.effect == "reads"}


def test_what_the_introduction_says_of_credits_and_limits_is_so() -> None:
    mend = "INSTRUCTIONS in autobg_mcp/serving/introduction.py say otherwise"
    spending = {tool.tool for tool in TOOLS if tool.effect == "spends"}
    assert spending == {
        name for name in LISTED if name.startswith(("upload", "replaceNumPlate", "processVehicles"))
    }, mend
    assert {endpoint.rate.calls for endpoint in ENDPOINTS} == {10, 100}, mend
