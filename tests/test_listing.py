"""What a host lists to a model: one snapshot file per tool, the rules every tool keeps, and what the listing costs.

`AUTOBG_UPDATE_LISTINGS=1 pytest tests/test_listing.py` writes the snapshots anew.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KEY
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # no stubs are installed
from pydantic import JsonValue

from autobg_mcp.serving.server import listing
from autobg_mcp.settings import Settings
from autobg_mcp.tools import TOOLS
from autobg_mcp.tools.offer import offered

MOST_TOKENS = 6_000
LISTINGS = Path(__file__).with_name("listings")
PICTURES = {"getImagesRaw", "getImagesBase64", "reviewBatch"}
LITTER = {"title", "$ref", "$defs", "anyOf", "oneOf", "allOf", "nullable"}
LISTED: dict[str, dict[str, JsonValue]] = {
    tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listing(TOOLS)
}

every_tool = pytest.mark.parametrize("name", LISTED)


def names(**settings: object) -> set[str]:
    return set(offered(Settings.load(api_key=KEY, **settings)))


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


@every_tool
def test_the_listing_is_the_one_in_its_snapshot(name: str) -> None:
    file = LISTINGS / f"{name}.json"
    text = json.dumps(LISTED[name], indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("AUTOBG_UPDATE_LISTINGS") == "1":
        LISTINGS.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == (file.read_text("utf-8") if file.exists() else ""), f"{file} tells another story"


def test_every_snapshot_belongs_to_a_tool() -> None:
    assert {file.stem for file in LISTINGS.glob("*")} == LISTED.keys()


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # in bpe_openai
def test_the_default_listing_costs_less_than_six_thousand_tokens() -> None:
    import bpe_openai  # type: ignore[import-untyped]  # noqa: PLC0415  # it warns while it is imported

    encoding = bpe_openai.get_encoding("o200k_base")
    texts = [json.dumps(LISTED[name], separators=(",", ":"), ensure_ascii=False) for name in names()]
    assert sum(len(encoding.encode(text)) for text in texts) < MOST_TOKENS


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


@every_tool
def test_no_other_argument_is_taken(name: str) -> None:
    assert schema(name, "inputSchema")["additionalProperties"] is False


@every_tool
def test_an_input_schema_has_no_litter(name: str) -> None:
    assert not [LITTER & node.keys() for node in objects(schema(name, "inputSchema")) if LITTER & node.keys()]


@every_tool
def test_a_tool_has_an_output_schema_unless_it_shows_pictures(name: str) -> None:
    assert ("outputSchema" not in LISTED[name]) == (name in PICTURES)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in LISTED for kind in ("inputSchema", "outputSchema") if kind in LISTED[name]],
)
def test_a_schema_is_an_object_that_json_schema_understands(name: str, kind: str) -> None:
    Draft202012Validator.check_schema(schema(name, kind))
    assert schema(name, kind)["type"] == "object"


@pytest.mark.parametrize(
    ("toolsets", "count"), [("enterprise", 13), ("custom", 5), ("beta", 2), ("enterprise,custom,beta", 20)]
)
def test_toolsets_switch_tools_on_together(toolsets: str, count: int) -> None:
    assert len(names(toolsets=toolsets)) == count


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
