"""The command line: what it prints where, and the code it ends with."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

import anyio
import pytest
from conftest import KEY, Connect

from autobg_mcp import __version__
from autobg_mcp.commands import main
from autobg_mcp.tools import TOOLS

COMMANDS = ("serve", "config", "doctor", "work", "demo", "sandbox", "call", "tools", "completion")


class Ended(NamedTuple):
    """How a command ended."""

    code: object
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line in a bare environment with a state folder of its own."""
    for name in [name for name in os.environ if name.startswith("AUTOBG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOBG_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AUTOBG_OUTPUT_DIR", str(tmp_path / "results"))
    monkeypatch.chdir(tmp_path)

    def ended(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        return Ended(exit_.value.code, *capsys.readouterr())

    return ended


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_every_command_explains_itself(command: tuple[str, ...], run: Run) -> None:
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith("usage: autobg-mcp")


def test_the_help_names_every_command(run: Run) -> None:
    told = run("--help").out.split()
    assert [command for command in COMMANDS if command not in told] == []


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version") == (0, f"autobg-mcp {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["call"],
        ["config", "notepad"],
        ["config", "cursor", "--write", "--remove"],
        ["config", "cursor", "--scope", "world"],
        ["call", "getEverything", "--sandbox"],
        ["call", "getImageStatus", "--sandbox"],
        ["call", "getImageStatus", "--sandbox", "batch=1"],
        ["call", "getImageStatus", "--sandbox", "1206"],
        ["call", "getImageStatus", "--sandbox", "=1206"],
        ["call", "getImageStatus", "--sandbox", "--args", "{"],
        ["call", "getImageStatus", "--sandbox", "--args", "[1]"],
        ["call", "getImageStatus", "--sandbox", "--loud"],
        ["tools", "--sandbox", "everything"],
        ["sandbox", "--port", "many"],
        ["call", "listTemplates"],
    ],
)
def test_wrong_usage_ends_with_2_and_says_why_on_stderr(arguments: list[str], run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.strip()


def test_a_call_without_a_key_names_the_variable(run: Run) -> None:
    assert "AUTOBG_API_KEY" in run("call", "listTemplates").err


def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_TIMEOUT_S", "s3cret")
    code, _, err = run("tools")
    assert code == 2
    assert "AUTOBG_TIMEOUT_S" in err
    assert "s3cret" not in err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["getImageStatus", "batchID=1206"], "Batch not found"),
        (["getImagesRaw", "picID=1"], "the API does not have it"),
        (["uploadImagesWithoutTemplate", "images=none.jpg", "numberPlate=V", "numPlateProcessor=1", "processType=ai"], "none.jpg"),
    ],
)  # fmt: skip
def test_a_tool_that_fails_ends_with_1_and_says_why_on_stderr(
    arguments: list[str], problem: str, run: Run
) -> None:
    code, out, err = run("call", *arguments, "--sandbox")
    assert (code, out) == (1, "")
    assert problem in err
    assert "Next: " in err


def test_a_file_name_that_is_not_utf8_is_printed_all_the_same(run: Run, drawn: Path, tmp_path: Path) -> None:
    shutil.copy(drawn / "cars" / "car-1.jpg", tmp_path)
    (tmp_path / os.fsdecode(b"\xff.jpg")).touch()
    pairs = [f"images={tmp_path}", "numberPlate=V", "numPlateProcessor=1", "processType=ai"]
    code, out, _ = run("call", "uploadImagesWithoutTemplate", *pairs, "--sandbox")
    assert code == 0
    assert [left["file"] for left in json.loads(out)["notSubmitted"]] == [f"{tmp_path}/?.jpg"]


@pytest.mark.parametrize("flags_last", [True, False])
def test_a_call_prints_its_result_as_json(flags_last: bool, run: Run) -> None:
    pair = ["startDate=01-06-2025", "endDate=02-06-2025"]
    code, out, _ = run(
        "call", "getUserUsage", *([*pair, "--sandbox"] if flags_last else ["--sandbox", *pair])
    )
    assert code == 0
    assert json.loads(out)["period"] == "01-06-2025 to 02-06-2025"


def test_arguments_may_come_as_one_json_object(run: Run) -> None:
    code, out, _ = run("call", "getUserUsage", "--sandbox", "--args", '{"reportOption": "Today"}')
    assert code == 0
    assert json.loads(out)["period"] == "Today"


def test_a_name_that_comes_again_makes_a_list_and_a_person_may_name_any_path(run: Run, photos: Path) -> None:
    cars = sorted((photos / "cars").iterdir())
    images = [f"images={car}" for car in cars]
    code, out, err = run(
        "call", "uploadImagesWithoutTemplate", "--sandbox", *images,
        "numberPlate=V", "numPlateProcessor=1", "processType=ai",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["accepted"] == len(cars)
    assert "Photo 3 of 3" in err


def test_the_table_names_every_tool_that_is_on(run: Run) -> None:
    code, out, err = run("tools")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in lines] == [tool.tool for tool in TOOLS if tool.toolset != "beta"]


def test_tools_as_json_are_exactly_what_mcp_lists(run: Run, connect: Connect) -> None:
    async def listed() -> list[object]:
        async with connect(api_key=KEY) as client:
            tools = (await client.list_tools()).tools
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]

    assert json.loads(run("tools", "--json").out) == {"tools": anyio.run(listed)}


def test_tools_follow_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBG_TOOLSETS", "enterprise")
    monkeypatch.setenv("AUTOBG_READ_ONLY", "1")
    names = [line.split()[0] for line in run("tools").out.splitlines()]
    assert "listLibraryTemplates" in names
    assert not [name for name in names if not name.startswith(("get", "list"))]


def test_settings_that_leave_no_tool_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOBG_TOOLSETS", "beta")
    monkeypatch.setenv("AUTOBG_READ_ONLY", "1")
    code, out, err = run("tools")
    assert (code, out) == (0, "")
    assert "AUTOBG_TOOLSETS and AUTOBG_READ_ONLY together leave no tool." in err


def test_a_port_that_is_taken_is_wrong_usage(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("sandbox", "--port", port)
    assert code == 2
    assert f"Port {port} cannot be used" in err


def test_nothing_but_results_goes_to_stdout(tmp_path: Path) -> None:
    environment = {**os.environ, "AUTOBG_STATE_DIR": str(tmp_path), "AUTOBG_OUTPUT_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "autobg_mcp", "call", "getUserCreditDetails", "--sandbox"],
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["current_credits"] == 100


@pytest.fixture
def unread() -> Iterator[int]:
    """The writing end of a pipe that nobody reads, as of `| head` when it has seen enough."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.usefixtures("run")  # a bare environment
def test_an_upload_goes_on_where_nobody_reads_its_progress(unread: int, photos: Path) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "call", "uploadImagesWithoutTemplate", "--sandbox"]
    pairs = [f"images={photos / 'cars'}", "numberPlate=V", "numPlateProcessor=1", "processType=ai"]
    ended = subprocess.run([*command, *pairs], stdout=PIPE, stderr=unread, timeout=60, check=True)
    assert json.loads(ended.stdout)["accepted"] == 3


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["tools"],
        ["tools", "--json"],
        ["call", "listTemplates", "--sandbox"],
        ["call", "listTemplates", "--help"],
        ["doctor", "--sandbox"],
        ["doctor", "--sandbox", "--json"],
        ["completion", "bash"],
        ["config"],
    ],
)
def test_a_command_whose_output_nobody_reads_ends_without_a_word(arguments: list[str], unread: int) -> None:
    command = [sys.executable, "-m", "autobg_mcp", *arguments]
    ended = subprocess.run(command, stdout=unread, stderr=PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.usefixtures("run")
def test_help_that_nobody_reads_ends_without_a_word(unread: int) -> None:
    command = [sys.executable, "-m", "autobg_mcp", "--help"]
    assert subprocess.run(command, stdout=unread, stderr=PIPE, timeout=60, check=False).stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.usefixtures("run")
def test_an_output_that_cannot_be_written_says_that_the_command_was_carried_out() -> None:
    command = [sys.executable, "-m", "autobg_mcp", "call", "listTemplates", "--sandbox"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=PIPE, timeout=60, check=False, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("autobg-mcp: standard output cannot be written: No space left on device.")


@pytest.mark.parametrize(
    "arguments", [["--port", "99999"], ["--port", "-1"], ["--window", "0"], ["--turnaround", "nan"]]
)
def test_a_sandbox_that_cannot_be_is_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sandbox", *arguments])
    assert ended.value.code == 2


def test_read_only_holds_at_the_command_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOBG_READ_ONLY", "1")
    with pytest.raises(SystemExit) as ended:
        main(["call", "createTemplate", "--sandbox"])
    assert ended.value.code == 2
    assert "createTemplate is switched off by AUTOBG_READ_ONLY" in capsys.readouterr().err
