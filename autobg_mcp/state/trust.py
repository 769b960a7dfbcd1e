"""Whom the state folder and its files may belong to, checked as ssh checks its own: nobody else can write to them.

Whoever can write there can switch the daily limit off, or make a server stand still. Where the platform has no
owners and modes, as Windows, nothing is checked.
"""

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from autobg_mcp.errors import StateError

_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def make_folder(folder: Path, *, called: str) -> None:
    """Make the folder for state files with mode 0700, or check the one that is there.

    Args:
        folder: The folder.
        called: What is kept in it, for people.

    Raises:
        StateError: Others may write to it, or a file stands in its place.
        OSError: It cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StateError(
            f"The {called} is not used: {folder} is no folder. Set AUTOBG_STATE_DIR to one, or move away what stands there."
        ) from None
    if os.name != "posix":
        return
    status = folder.stat()
    if (
        status.st_mode & stat.S_ISVTX and status.st_mode & _OTHERS_MAY_WRITE
    ):  # nobody should close /tmp to others
        raise StateError(
            f"The {called} is not used: the folder {folder} is shared by all users. Set AUTOBG_STATE_DIR to one of its own."
        )
    _check(folder, status, called, "folder")


def check_file(path: Path, *, called: str) -> None:
    """Check a state file before it is opened; one that is not there yet is fine.

    Args:
        path: The file.
        called: What is kept in it, for people.

    Raises:
        StateError: Others may write to it, or it is a link, a pipe, a device or a folder.
        OSError: Its folder cannot be read.
    """
    if os.name != "posix":
        return
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "no plain file"
        raise _refusal(called, f"{path} is {kind}", ["mv", str(path), f"{path}.aside"])
    _check(path, status, called, "file")


def _check(path: Path, status: os.stat_result, called: str, kind: str) -> None:
    if status.st_uid not in (0, os.geteuid()):
        owner = f"the {kind} {path} belongs to another user ({status.st_uid})"
        raise _refusal(called, owner, ["chown", str(os.geteuid()), str(path)])
    if status.st_mode & _OTHERS_MAY_WRITE:
        raise _refusal(called, f"other users may write to the {kind} {path}", ["chmod", "go-w", str(path)])


def _refusal(called: str, fault: str, remedy: list[str]) -> StateError:
    return StateError(f"The {called} is not used: {fault}. To mend it, run: {shlex.join(remedy)}")
