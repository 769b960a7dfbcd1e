"""Where state and results are kept: owner, mode, room, and whether it can be written."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from autobg_mcp.doctor.finding import Finding
from autobg_mcp.errors import StateError
from autobg_mcp.settings import Settings
from autobg_mcp.state import check_file, make_folder
from autobg_mcp.text import local_path

_STATE_BYTES: Final = 50 * 2**20
_OUTPUT_BYTES: Final = 500 * 2**20
"""Room for some hundred results."""

_OWN_FILES: Final = ("*.sqlite3", "*.sqlite3-*", "*.jsonl")


def state_folder(settings: Settings) -> Finding:
    """The folder of budgets, ledger and jobs."""
    folder = settings.state_dir
    try:
        if folder.exists() or folder.is_symlink():
            make_folder(folder, called="state folder")  # which checks what is there
            for file in sorted(path for form in _OWN_FILES for path in folder.glob(form)):
                check_file(file, called="state folder")
    except StateError as error:
        return Finding.of("state folder", error)
    except OSError as error:
        seen = f"{local_path(folder)} cannot be read: {error.strerror}"
        return Finding("state folder", "fail", seen, _other("AUTOBG_STATE_DIR"))
    return _kept_in("state folder", folder, "AUTOBG_STATE_DIR", _STATE_BYTES)


def output_folder(settings: Settings) -> Finding:
    """The folder of results."""
    return _kept_in("output folder", settings.output_folder(), "AUTOBG_OUTPUT_DIR", _OUTPUT_BYTES)


def _kept_in(check: str, folder: Path, setting: str, wanted_bytes: int) -> Finding:
    """A folder that is written to; one that is not there yet is made when it is needed."""
    where = local_path(folder)
    if not folder.is_absolute():
        seen = f"{where} is no whole path: it is another folder wherever a program starts"
        return Finding(check, "warn", seen, f"Write the whole path into {setting}.")
    is_there = folder.exists()
    place = folder if is_there else next((one for one in folder.parents if one.exists()), folder)
    if not place.is_dir():
        return Finding(check, "fail", f"{local_path(place)} is no folder", _other(setting))
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
        free_bytes = shutil.disk_usage(place).free
    except OSError as error:
        seen = f"{where} cannot be written: {error.strerror or type(error).__name__}"
        return Finding(check, "fail", seen, _other(setting))
    seen = where if is_there else f"{where}, made when it is needed"
    room = f"{seen}; {free_bytes / 2**30:.1f} GB free"
    if free_bytes < wanted_bytes:
        return Finding(check, "warn", room, f"Free space on its disk, or name another folder in {setting}.")
    return Finding(check, "ok", room)


def _other(setting: str) -> str:
    account = f"user {os.geteuid()}" if os.name == "posix" else "this account"
    return f"Let {account} write to it, or name another folder in {setting}."
