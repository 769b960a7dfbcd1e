"""Adding an endpoint is its documented exchange, its class, two lines and one command; a mistake names the file to mend."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from readme_parts import ROOT

import autobg_mcp

EXCHANGE = Path("autobg_mcp/sandbox/exchanges/cancelBatch.json")
CLASS = Path("autobg_mcp/tools/quality.py")
CONTENTS = Path("autobg_mcp/tools/__init__.py")
SANDBOX = Path("autobg_mcp/sandbox/app.py")
WRITTEN = {
    Path("README.md"),
    Path("autobg_mcp/__init__.pyi"),
    Path("autobg_mcp/tools/listing.json"),
    Path("autobg_mcp/tools/README.md"),
    Path("autobg_mcp/throttle/README.md"),
    Path("examples/deploy/mcpb/manifest.json"),
}

DOCUMENTED = """{
  "tool": "cancelBatch",
  "source": "https://documents.example/cancelBatch",
  "mark": {"request": "documented", "response": "documented", "limit": "inferred"},
  "arguments": {"batchID": "1206"},
  "request": {
    "method": "POST",
    "path": "/public/api/v1/images/cancelBatch",
    "body": "{\\"batchID\\": \\"1206\\"}"
  },
  "response": {
    "status": 200,
    "contentType": "application/json",
    "body": {"status": true, "message": "", "data": {"cancelled": 3}}
  },
  "softFailure": null
}
"""
DECLARED = '''

class Cancelled(Result):
    """How many pictures of a batch were called off."""

    cancelled: Annotated[int, Field(ge=0)]


class CancelBatch(Endpoint[Cancelled]):
    """Call off the pictures of a batch that are not in work yet. Free. 10 calls/min assumed."""

    tool = "cancelBatch"
    title = "Cancel a batch"
    effect = "changes"
    toolset = "custom"
    path = "/images/cancelBatch"
    rate = SLOW_INFERRED

    batchID: BatchID
'''
BEFORE = '    "listLibraryTemplates": "library",\n'
LISTED = '    "cancelBatch": "quality",\n'
SERVED = "cancelBatch  POST /images/cancelBatch  json 10 batchID*\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the project."""
    for name in (
        "tests",
        "examples",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "server.json",
        "pyproject.toml",
    ):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, tmp_path / name)
    package = Path(autobg_mcp.__file__).parent
    shutil.copytree(package, tmp_path / "autobg_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def write(house: Path, *left_out: Path) -> None:
    """Write the endpoint's pieces by hand."""
    pieces: dict[Path, Callable[[str], str]] = {
        EXCHANGE: lambda _: DOCUMENTED,
        CLASS: lambda text: imports(text) + DECLARED,
        CONTENTS: lambda text: text.replace(BEFORE, LISTED + BEFORE),
        SANDBOX: lambda text: text.replace("listLibraryTemplates  ", SERVED + "listLibraryTemplates  "),
    }
    for path, changed in pieces.items():
        if path not in left_out:
            before = (house / path).read_text("utf-8") if (house / path).exists() else ""
            (house / path).write_text(changed(before), "utf-8")


def imports(text: str) -> str:
    names = {"autobg_mcp.tools.fields": "BatchID", "autobg_mcp.toolkit.endpoint": "SLOW_INFERRED"}
    for module, name in names.items():
        if name in text:
            continue
        text = text.replace(f"from {module} import ", f"from {module} import {name}, ")
    return text


def python(house: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=house, env={"PYTHONPATH": str(house), "PATH": ""},
        capture_output=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def contents(house: Path) -> dict[Path, bytes]:
    files = (path for path in house.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(house): path.read_bytes() for path in files}


@pytest.mark.long
def test_the_command_writes_all_that_is_not_written_by_hand(house: Path) -> None:
    before = contents(house)
    write(house)
    assert python(house, "tests/documents.py").stderr == ""
    changed = {path for path, text in contents(house).items() if before.get(path) != text}
    assert changed == {EXCHANGE, CLASS, CONTENTS, SANDBOX} | WRITTEN
    chosen = "cancelBatch or written or missing or readme or limits or room or toolset"
    tests = [f"tests/test_{name}.py" for name in ("architecture", "documents", "exchanges", "listing")]
    run = python(house, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", chosen, *tests)
    assert run.returncode == 0, run.stdout
    assert "cancelBatch" in (house / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("forgotten", "mistake"),
    [
        (EXCHANGE, f"{EXCHANGE}: missing; it holds the documented request and answer"),
        (CLASS, f"{CLASS}: there is no class CancelBatch, which {CONTENTS} names"),
        (CONTENTS, f'{CONTENTS}: MODULES lacks "cancelBatch": "quality"'),
        (SANDBOX, f"{SANDBOX}: TABLE lacks a line for cancelBatch"),
    ],
)  # fmt: skip
def test_what_was_forgotten_is_named_with_the_file_to_mend(
    forgotten: Path, mistake: str, house: Path
) -> None:
    write(house, forgotten)
    assert python(house, "tests/documents.py").stderr.splitlines() == [mistake]


@pytest.mark.long
def test_a_forgotten_command_is_named_with_the_files_that_it_writes(house: Path) -> None:
    write(house)
    run = python(house, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "tests/test_documents.py")
    differ = {
        path
        for path in WRITTEN
        if f"{path} differs from the code: run `python tests/documents.py`" in run.stdout
    }
    assert (run.returncode, differ) == (1, WRITTEN)
