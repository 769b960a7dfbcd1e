"""What is wrong with this machine is told as that by every tool, never as a fault of the server."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Connect
from documented import ALL_TOOLSETS, EXCHANGES, arguments_of, text_of
from pydantic import JsonValue
from starlette.applications import Starlette

from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.tools import TOOLS

pytestmark = pytest.mark.anyio

WORKFLOWS: dict[str, dict[str, JsonValue]] = {
    "processVehicles": {"folder": "cars"},
    "getJobs": {},
    "stopJob": {"job": "j-nothing"},
    "waitForBatch": {"batchID": "1206"},
    "reviewBatch": {"batchID": "1206"},
    "reportManyImages": {"reports": [{"picID": 1, "reportReason": ["Other"]}]},
    "listBatches": {},
    "getCreditSummary": {},
}


def damaged_ledger(folder: Path) -> None:
    (folder / "state").mkdir(mode=0o700)
    (folder / "state" / "ledger.sqlite3").write_bytes(b"no database" * 1000)


def folder_in_place_of_the_ledger(folder: Path) -> None:
    (folder / "state" / "ledger.sqlite3").mkdir(parents=True, mode=0o700)


def file_in_place_of_the_state_folder(folder: Path) -> None:
    (folder / "state").touch()


def file_in_place_of_the_output_folder(folder: Path) -> None:
    (folder / "results").touch()


def link_to_itself_in_place_of_the_output_folder(folder: Path) -> None:
    (folder / "results").symlink_to(folder / "results")


def link_to_itself_in_place_of_the_state_folder(folder: Path) -> None:
    (folder / "state").symlink_to(folder / "state")


def folders_in_place_of_photos(folder: Path) -> None:
    for photo in (folder / "photos").rglob("*.jpg"):
        photo.unlink()
        photo.mkdir()


BREAKAGES: list[Callable[[Path], None]] = [
    damaged_ledger,
    folder_in_place_of_the_ledger,
    file_in_place_of_the_state_folder,
    link_to_itself_in_place_of_the_state_folder,
    file_in_place_of_the_output_folder,
    link_to_itself_in_place_of_the_output_folder,
    folders_in_place_of_photos,
]


@pytest.fixture
def sandbox() -> Starlette:
    return build_sandbox(SandboxOptions(replay=True))


@pytest.mark.parametrize("break_it", BREAKAGES, ids=lambda breakage: breakage.__name__)
async def test_a_broken_machine_is_no_fault_of_the_server(
    break_it: Callable[[Path], None], connect: Connect, photos: Path, tmp_path: Path
) -> None:
    calls = {tool: arguments_of(tool, photos) for tool in EXCHANGES} | WORKFLOWS
    break_it(tmp_path)
    async with connect(toolsets=ALL_TOOLSETS) as host:
        told = {tool: text_of(await host.call_tool(tool, arguments)) for tool, arguments in calls.items()}
    assert len(told) == len(TOOLS)
    assert not [text for text in told.values() if "fault" in text]
