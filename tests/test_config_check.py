"""`autobg-mcp config HOST --check` starts the server as the host's file says, and tells what a person would else not see."""

import json
import sys
from pathlib import Path

import pytest
from host_files import Person

from autobg_mcp.hosts.launching import launch
from autobg_mcp.hosts.shapes import ServerEntry
from autobg_mcp.hosts.table import HOSTS

SERVER = str(Path(sys.executable).with_name("autobg-mcp"))
KEY = "s3cret-key-0123456789"


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTS)
def test_what_was_written_starts_and_lists_its_tools(name: str, person: Person) -> None:
    code, out, _ = person.config(name, "--write", "--check", "--sandbox", "--image-dirs", "photos")
    assert code == 0
    assert "It lists 27 tools: createTemplate" in out


def test_a_file_without_the_server_says_how_to_write_it(person: Person) -> None:
    code, _, err = person.config("cursor", "--check")
    assert code == 1
    assert "autobg-mcp config cursor --write" in err


def test_a_command_that_is_gone_is_told(person: Person) -> None:
    person.has("cursor", json.dumps({"mcpServers": {"autobg": {"command": "/gone/autobg-mcp"}}}))
    code, out, _ = person.config("cursor", "--check")
    assert code == 1
    assert "It does not start" in out
    assert "/gone/autobg-mcp" in out


def test_what_the_command_says_when_it_ends_is_told_without_the_key(person: Person) -> None:
    script = "import os, sys; sys.exit('no such ' + os.environ['AUTOBG_API_KEY'])"
    entry = {"command": sys.executable, "args": ["-c", script], "env": {"AUTOBG_API_KEY": KEY}}
    person.has("cursor", json.dumps({"mcpServers": {"autobg": entry}}))
    code, out, err = person.config("cursor", "--check")
    assert code == 1
    assert "no such [API key]" in out
    assert KEY not in out + err


@pytest.mark.long
def test_a_setting_that_every_call_would_refuse_is_told(person: Person) -> None:
    person.config("zed", "--write")
    code, out, _ = person.config("zed", "--check")
    assert code == 1
    assert "But every call answers: AUTOBG_API_KEY_FILE holds no usable key" in out


@pytest.mark.long
def test_a_variable_that_is_not_set_here_is_told_and_no_fault(person: Person) -> None:
    person.config("cursor", "--write")
    code, out, _ = person.config("cursor", "--check")
    assert code == 0
    assert "Not tried: AUTOBG_API_KEY, which is not set here" in out


@pytest.mark.long
def test_a_key_that_vs_code_asks_for_is_not_tried_and_no_fault(person: Person) -> None:
    entry = {"command": SERVER, "env": {"AUTOBG_API_KEY": "${input:autobg-api-key}"}}
    person.has("vscode", json.dumps({"servers": {"autobg": entry}}))
    code, out, _ = person.config("vscode", "--check")
    assert code == 0
    assert "Not tried: AUTOBG_API_KEY" in out


@pytest.mark.long
def test_a_reference_is_replaced_as_the_host_does_it(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person.config("cursor", "--write")
    monkeypatch.setenv("AUTOBG_API_KEY", KEY)
    code, out, _ = person.config("cursor", "--check")
    assert code == 0
    assert "Not tried" not in out


@pytest.mark.anyio
async def test_a_server_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    entry = ServerEntry(sys.executable, ("-c", "import sys; sys.stdin.read()"))
    done = await launch(HOSTS["cursor"], entry, tmp_path, {}, most_s=0.5)
    assert (done.tools, done.problem) == ((), "It did not answer within 0.5 s.")
