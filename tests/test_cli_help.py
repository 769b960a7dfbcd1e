"""Help for people at a terminal: what a tool takes, completion in their shell, and what a bare command waits for."""

import functools
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from documented import ALL_TOOLSETS

from autobg_mcp.commands import main
from autobg_mcp.commands.call import arguments_of
from autobg_mcp.commands.toolhelp import example
from autobg_mcp.settings import Settings
from autobg_mcp.tools import TOOLS
from autobg_mcp.tools.offer import Offer

NAMES = [tool.tool for tool in TOOLS]
EVERY = Settings.load(toolsets=ALL_TOOLSETS)
PROGRAM = [sys.executable, "-m", "autobg_mcp"]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_help_behind_a_tool_tells_each_of_its_arguments(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys, "call", name, "--help").splitlines()
    told = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    properties = Offer(EVERY).tools[name].listed["inputSchema"]
    assert set(properties["properties"]) <= set(told)  # type: ignore[index,call-overload,arg-type]
    assert lines[0].startswith(f"usage: autobg-mcp call {name} ")


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_tool_is_a_call_that_it_takes(name: str) -> None:
    program, command, tool, *words = shlex.split(example(name))
    assert (program, command, tool) == ("autobg-mcp", "call", name)
    arguments = arguments_of([], words[1]) if words[:1] == ["--args"] else arguments_of(words, None)
    assert Offer(EVERY).find(name).from_arguments(arguments).tool == name


def test_help_tells_type_meaning_default_and_what_is_required(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert "  batchID      text, required. From an upload.\n" in (
        wait := printed(capsys, "call", "waitForBatch", "--help")
    )
    assert "  waitSeconds  number from 0 to 45, else 30. Seconds to wait.\n" in wait


def test_help_needs_no_setting_that_is_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOBG_TIMEOUT_S", "no number")
    assert "usage: autobg-mcp call listTemplates " in printed(capsys, "call", "list_templates", "-h")


def test_help_for_a_tool_that_is_none_names_the_one_that_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["call", "listTemplate", "--help"])
    assert ended.value.code == 2
    assert "did you mean listTemplates?" in capsys.readouterr().err


def test_help_of_call_shows_an_upload(capsys: pytest.CaptureFixture[str]) -> None:
    assert "autobg-mcp call uploadImagesWithoutTemplate --sandbox images=" in printed(
        capsys, "call", "--help"
    )


# --- completion

TYPED = [
    ("autobg-mcp ser", ["serve"]),
    ("autobg-mcp doctor --l", ["--live"]),
    ("autobg-mcp completion f", ["fish"]),
    ("autobg-mcp config curs", ["cursor"]),
    ("autobg-mcp call listT", ["listTemplates"]),
    ("autobg-mcp call --sandbox listT", ["listTemplates"]),
    ("autobg-mcp call getImageStatus ba", ["batchID="]),
    ("autobg-mcp call uploadImagesWithTemplate processType=c", ["processType=collab"]),
]
"""What is typed, and what may stand there instead of the last word."""

BASH = """
source /dev/stdin <<< "$1"
typed=${2//=/ = }
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=($typed) COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_WORDBREAKS=' ='
_autobg_mcp
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { :; }; compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- ${(M)@:#$PREFIX*}; }
compset() { :; }; _files() { :; }
eval "$1"
words=(${(z)2}); CURRENT=$#words; PREFIX=$words[-1]
_autobg_mcp | sort -u
"""


@functools.cache
def script(shell: str) -> str:
    return subprocess.run([*PROGRAM, "completion", shell], capture_output=True, text=True, check=True).stdout


def shell_says(shell: str, *arguments: str) -> list[str]:
    """What a shell prints in a folder that holds no file."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    with TemporaryDirectory() as folder:
        run = subprocess.run(
            [shell, *arguments], capture_output=True, text=True, timeout=60, check=False, cwd=folder
        )
    assert run.stderr == ""
    return [line for line in run.stdout.splitlines() if line]


@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_bash_completes_commands_tools_and_arguments(typed: str, offered: list[str]) -> None:
    told = shell_says("bash", "--norc", "-c", BASH, "bash", script("bash"), typed)
    assert told == [one.rpartition("=")[2] or one if "=" in typed else one for one in offered]


@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_zsh_completes_commands_tools_and_arguments(typed: str, offered: list[str]) -> None:
    assert shell_says("zsh", "-f", "-c", ZSH, "zsh", script("zsh"), typed) == offered


@pytest.mark.parametrize(("typed", "offered"), TYPED)
def test_fish_completes_commands_tools_and_arguments(typed: str, offered: list[str]) -> None:
    asked = f"{script('fish')}\ncomplete -C {shlex.quote(typed)}"
    assert [line.split("\t")[0] for line in shell_says("fish", "--no-config", "-c", asked)] == offered


# --- at a terminal


@pytest.mark.skipif(os.name != "posix", reason="this system has no pseudo-terminals")
def test_a_bare_command_at_a_terminal_says_what_it_waits_for(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with subprocess.Popen(
        PROGRAM, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as run:
        os.close(theirs)
        assert run.stderr is not None
        first = run.stderr.readline().decode()
        os.close(ours)
        assert run.stdout is not None
        assert run.stdout.read() == b""
    assert first.startswith("autobg-mcp waits for an MCP host, such as Claude or Cursor, on standard input.")


def test_a_host_is_told_nothing_on_the_side(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    run = subprocess.run(PROGRAM, input=b"", capture_output=True, timeout=60, check=True, env=environment)
    assert (run.stdout, run.stderr) == (b"", b"")


@pytest.mark.skipif(os.name != "posix", reason="this system has no such streams")
@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-"])
def test_a_standard_stream_that_is_closed_leads_nowhere(stream: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = ["sh", "-c", f'"$@" {stream}', "sh", *PROGRAM, "config"]
    run = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    assert (run.returncode, run.stderr) == (0, b"")
