"""Which hosts' files name this server."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autobg_mcp.hosts.mentioning import mentions
from autobg_mcp.hosts.places import Machine
from autobg_mcp.hosts.shapes import ServerEntry

ENTRY = {"command": "/opt/autobg/bin/autobg-mcp", "args": ["serve"], "env": {"AUTOBG_API_KEY": "s3cret-key"}}


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home", tmp_path, "linux", {})


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def test_a_machine_without_hosts_has_no_mention(here: Machine) -> None:
    assert mentions(here) == []


def test_a_mention_says_how_the_server_is_started_and_shows_no_value(here: Machine) -> None:
    file = write(here.home / ".cursor/mcp.json", {"mcpServers": {"autobg": ENTRY}})
    (found,) = mentions(here)
    assert (found.host.name, found.file, found.server) == ("cursor", file, "autobg")
    assert (found.command, found.args) == ("/opt/autobg/bin/autobg-mcp", ("serve",))
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("/home/a b/.venv/bin/autobg-mcp", []),
        (r"C:\Users\a b\venv\Scripts\autobg-mcp.exe", []),
        ("python", ["-P", "-m", "autobg_mcp"]),
        ("uvx", ["autobg-mcp@0.1.0"]),
        ("uvx", ["--from", "/src/autobg-mcp", "autobg-mcp"]),
    ],
)
def test_a_server_of_another_name_is_known_by_its_command(
    command: str, args: list[str], here: Machine
) -> None:
    write(here.home / ".cursor/mcp.json", {"mcpServers": {"cars": {"command": command, "args": args}}})
    assert [found.server for found in mentions(here)] == ["cars"]


def test_another_server_in_our_folder_is_no_mention(here: Machine) -> None:
    other = {"command": "/src/autobg-mcp/.venv/bin/other", "args": ["/photos/autobg"]}
    write(
        here.home / ".cursor/mcp.json", {"mcpServers": {"other": other, "web": {"url": "https://autobg.ai"}}}
    )
    assert mentions(here) == []


def test_a_project_is_looked_at_too(here: Machine) -> None:
    write(here.cwd / ".vscode/mcp.json", {"servers": {"autobg": ENTRY}})
    assert [found.host.name for found in mentions(here)] == ["vscode"]


def test_claude_codes_servers_of_one_project_are_found(here: Machine) -> None:
    projects = {str(here.cwd): {"mcpServers": {"autobg": ENTRY}}, "/other": {"mcpServers": {"autobg": ENTRY}}}
    write(here.home / ".claude.json", {"projects": projects})
    assert [found.host.name for found in mentions(here)] == ["claude-code"]


def test_a_variable_moves_a_hosts_folder(here: Machine) -> None:
    write(here.cwd / "codex/config.toml", '[mcp_servers.autobg]\ncommand = "autobg-mcp"\n')
    assert mentions(here) == []
    moved = replace(here, variables={"CODEX_HOME": str(here.cwd / "codex")})
    assert [found.host.name for found in mentions(moved)] == ["codex"]


def test_a_list_of_command_and_arguments_is_taken_apart(here: Machine) -> None:
    entry = {"type": "local", "command": ["autobg-mcp", "serve"], "environment": {"AUTOBG_READ_ONLY": "1"}}
    write(here.home / ".config/opencode/opencode.jsonc", "// mine\n" + json.dumps({"mcp": {"autobg": entry}}))
    (found,) = mentions(here)
    assert found.entry == ServerEntry("autobg-mcp", ("serve",), {"AUTOBG_READ_ONLY": "1"})


def test_gooses_file_is_read(here: Machine) -> None:
    write(
        here.home / ".config/goose/config.yaml",
        "extensions:\n  autobg: {type: stdio, cmd: autobg-mcp, args: [serve]}\n",
    )
    assert [found.host.name for found in mentions(here)] == ["goose"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (".cursor/mcp.json", '{"mcpServers": {"autobg": '),
        (".codex/config.toml", "[mcp_servers.autobg\n"),
        (".config/goose/config.yaml", "extensions: {autobg: [\n"),
        (".kiro/settings/mcp.json", '["autobg"]'),
    ],
)
def test_a_broken_file_that_names_us_is_a_mention_with_a_problem(file: str, text: str, here: Machine) -> None:
    write(here.home / file, text)
    (found,) = mentions(here)
    assert found.entry is None
    assert str(here.home / file) in found.problem
