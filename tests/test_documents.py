"""README, server.json, CHANGELOG and the examples say what the code says."""

import ast
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, FormatChecker  # type: ignore[import-untyped]
from mistakes import mistakes
from readme_parts import PACKAGE, PAGES, PARTS, README, ROOT, SERVER_JSON
from settings_described import meanings, variable
from written import WRITTEN

from autobg_mcp import __version__
from autobg_mcp.commands import parser as _parser
from autobg_mcp.commands.call import arguments_of as _arguments
from autobg_mcp.settings import Settings
from autobg_mcp.tools import class_of

HOSTS = sorted((ROOT / "examples" / "hosts").iterdir())
VARIABLES = {variable(name) for name in Settings.model_fields}
TEXTS = {path: path.read_text("utf-8") for path in PAGES}
REWRITE = "differs from the code: run `python tests/documents.py`"


def named(path: Path) -> str:
    """A page's path in the repository; installed, the package does not lie beside README."""
    return str(path.relative_to(PACKAGE.parent if path.is_relative_to(PACKAGE) else ROOT))


def test_nothing_is_missing_where_tools_are_declared() -> None:
    assert mistakes() == []


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_each_written_file_equals_the_code(path: Path) -> None:
    written = path.read_text("utf-8") if path.exists() else ""
    assert written == WRITTEN[path](), f"{named(path)} {REWRITE}"


def test_every_setting_has_a_meaning() -> None:
    assert meanings().keys() == Settings.model_fields.keys()


@pytest.mark.parametrize("part", PARTS)
def test_each_generated_part_stands_on_one_page(part: str) -> None:
    marks = re.compile(f"^<!-- {part} -->$.*^<!-- /{part} -->$", re.DOTALL | re.MULTILINE)
    assert [len(marks.findall(text)) for text in TEXTS.values() if f"<!-- {part} -->" in text] == [1]


@pytest.mark.parametrize("path", PAGES[1:], ids=lambda path: path.parent.name)
def test_each_wing_has_a_page_that_fits_on_a_screen_without_its_tables(path: Path) -> None:
    lines = [line for line in TEXTS[path].splitlines() if line.strip() and not line.startswith("|")]
    assert "<!-- rooms -->" in lines
    assert len(lines) <= 50


def test_readme_is_one_page() -> None:
    assert len(TEXTS[README].splitlines()) <= 200


def test_readme_carries_the_name_of_server_json() -> None:
    name = json.loads(SERVER_JSON.read_text("utf-8"))["name"]
    assert re.findall(r"mcp-name: (\S+)\s", README.read_text("utf-8")) == [name]


def test_the_pages_name_every_setting_and_no_other() -> None:
    assert set(re.findall(r"AUTOBG_[A-Z_]+", "".join(TEXTS.values()))) == VARIABLES


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_each_link_of_a_page_leads_to_a_file_or_a_section(path: Path) -> None:
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", TEXTS[path]):
        file, _, section = link.partition("#")
        target = Path(os.path.normpath(Path(named(path)).parent / file)) if file else Path(named(path))
        found = [place / target for place in (ROOT, PACKAGE.parent) if (place / target).exists()]
        assert found, link
        assert not section or section in sections(found[0].read_text("utf-8")), link


def sections(text: str) -> set[str]:
    """The names by which the headings of a page are linked to."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}


def test_server_json_is_valid_for_the_registry() -> None:
    schema = json.loads((ROOT / "tests" / "data" / "server.schema.2025-12-11.json").read_text("utf-8"))
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    assert list(validator.iter_errors(json.loads(SERVER_JSON.read_text("utf-8")))) == []


def test_server_json_names_the_package_and_the_schema_it_is_checked_with() -> None:
    written = json.loads(SERVER_JSON.read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert [package["identifier"] for package in written["packages"]] == [project["name"]]
    assert written["$schema"].endswith("/2025-12-11/server.schema.json")


def test_server_json_marks_the_key_as_a_secret() -> None:
    (package,) = json.loads(SERVER_JSON.read_text("utf-8"))["packages"]
    secrets = {entry["name"] for entry in package["environmentVariables"] if entry.get("isSecret")}
    assert "AUTOBG_API_KEY" in secrets


def test_package_metadata_and_code_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__


def test_changelog_begins_with_what_is_not_released_and_this_version() -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert versions[:2] == ["Unreleased", __version__]


def _commands() -> Iterator[list[str]]:
    """The arguments of every `autobg-mcp` command on the pages, in code blocks and in the midst of sentences."""
    pages = "\n".join(TEXTS.values())
    blocks = re.findall(r"^```sh\n(.*?)^```", pages, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`(autobg-mcp \w+ [^`…|\\]+)`", pages)
    for command in [*re.split(r"&&|\n", "\n".join(blocks)), *dict.fromkeys(inline)]:
        words = shlex.split(command.replace("TOOL", "getJobs").replace("SHELL", "bash"))
        if words and Path(words[0]).name == "autobg-mcp":
            yield [word for word in words[1:] if word != "--help"]


@pytest.mark.parametrize("arguments", list(_commands()), ids=" ".join)
def test_each_command_on_a_page_is_one_that_the_command_line_takes(arguments: list[str]) -> None:
    options, late = _parser().parse_known_args(arguments)
    if "tool" in options:
        class_of(options.tool).from_arguments(_arguments([*options.pairs, *late], options.args))
    else:
        assert late == []


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.name)
def test_each_host_configuration_starts_the_server_with_settings_that_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    parsed = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    (name,) = {"mcpServers", "mcp_servers", "servers"} & set(parsed)
    configured = parsed[name]["autobg"]
    assert [Path(configured["command"]).name, *configured["args"]] == ["autobg-mcp"]
    assert {"AUTOBG_IMAGE_DIRS"} < set(configured["env"]) <= VARIABLES


@pytest.mark.long
def test_first_batch_prints_what_it_says(tmp_path: Path) -> None:
    written = ast.parse((ROOT / "examples" / "first_batch.py").read_text("utf-8"))
    shown = textwrap.dedent((ast.get_docstring(written) or "").partition("It prints:\n\n")[2]) + "\n"
    own = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")} | own
    command = [sys.executable, str(ROOT / "examples" / "first_batch.py")]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert (run.stdout, run.stderr, run.returncode) == (shown, "", 0)


# What belongs to the machine of whoever wrote a file: its home or work folder, and the registry it installs from.
PRIVATE = re.compile(
    r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+|tmp/w)/|index[-_]url|\bPIP_(?:INDEX|EXTRA|FIND)|pypi\.org|pythonhosted\.org|npmjs\.org",
    re.IGNORECASE,
)
OWN = [
    "autobg_mcp",
    "examples",
    "tests",
    ".ci",
    ".github",
    "README.md",
    "CHANGELOG.md",
    "pyproject.toml",
    "server.json",
]
SCHEMA = "server.schema.2025-12-11.json"  # the registry's own file, which names hosts as examples


def _texts() -> Iterator[tuple[Path, str]]:
    for name in OWN:
        top = ROOT / name
        for path in [top, *top.rglob("*")]:
            if path.is_file() and "__pycache__" not in path.parts and path.name != SCHEMA:
                with contextlib.suppress(UnicodeDecodeError):  # a picture
                    yield path, path.read_text("utf-8")


def test_no_file_tells_on_the_machine_it_was_written_on() -> None:
    found = [
        f"{path}: {line}" for path, text in _texts() for line in text.splitlines() if PRIVATE.search(line)
    ]
    assert found == []
