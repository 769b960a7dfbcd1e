"""At the command line the person is there: they are asked at the terminal, or have said --yes; nobody else answers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is POSIX")


@pytest.fixture
def command(car: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An upload of one photo to a sandbox, for which a person has to be asked."""
    for name in [name for name in os.environ if name.startswith("AUTOBG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOBG_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AUTOBG_APPROVE", "paid")
    call = ["call", "uploadImagesWithoutTemplate", "--sandbox", f"images={car}", "numberPlate=V-1"]
    return [sys.executable, "-m", "autobg_mcp", *call, "numPlateProcessor=1", "processType=ai"]


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: the end of the person, and that of the program."""
    person, program = os.openpty()
    yield person, program
    os.close(person)
    os.close(program)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ("y", 0, '"accepted": 1'),
        ("YES", 0, '"accepted": 1'),
        ("", 1, ""),
        ("n", 1, ""),
        ("maybe", 1, ""),
    ],
)
def test_what_the_person_at_the_terminal_types_decides(
    answer: str, code: int, said: str, command: list[str], terminal: tuple[int, int]
) -> None:
    person, program = terminal
    os.write(person, b"y\n")  # before anything was read
    run = subprocess.Popen(command, stdin=program, stdout=PIPE, stderr=program)
    told = b""
    while b"[y/N]" not in told:
        told += os.read(person, 10_000)
    os.write(person, f"{answer}\n".encode())
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == code
    assert said in printed.decode()
    assert "submit 1 picture of vehicle “V-1” for up to 1 credit?" in told.decode()


def test_without_a_terminal_nobody_answers_and_nothing_is_sent(command: list[str]) -> None:
    ended = subprocess.run(command, input=b"y\n", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert b"nobody is at a terminal. Nothing was sent." in ended.stderr
    assert b"Call at a terminal, or with --yes." in ended.stderr


def test_yes_answers_for_a_script(command: list[str]) -> None:
    ended = subprocess.run(
        [*command, "--yes"], stdin=PIPE, capture_output=False, stdout=PIPE, timeout=60, check=True
    )
    assert b'"accepted": 1' in ended.stdout


def test_who_calls_a_sandbox_at_a_terminal_hears_that_the_next_call_finds_another(
    command: list[str], terminal: tuple[int, int]
) -> None:
    person, program = terminal
    subprocess.run(
        [*command, "dryRun=true"], stdin=program, stdout=PIPE, stderr=program, timeout=60, check=False
    )
    told = os.read(person, 10_000).decode()
    assert "This sandbox ends with the call. `autobg-mcp sandbox` serves one that stays" in told
