"""One JSON line for each call that changes something, in files that many processes append to and nothing deletes."""

import json
import logging
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import StateError
from autobg_mcp.state import check_file, make_folder

FILE_NAME: Final = "audit.jsonl"
MOST_FILE_BYTES: Final = 5_000_000
"""From this size on a file is set aside, and kept, under the time of its last line."""

Scalar = str | int | float | bool | None

_log = logging.getLogger(__name__)
_CALLED = "audit log"
_HOW = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
)  # nothing that stands in its place, such as a pipe, may make a caller wait


class AuditLog:
    """Appends events to `audit.jsonl`; nothing is opened before the first one.

    Args:
        folder: Where the file lives; made with mode 0700 where missing.
        clock: Tells the time of each event.
    """

    def __init__(self, folder: Path, *, clock: Clock = SYSTEM) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._told: str | None = None
        self._lost = 0

    def write(self, event: Mapping[str, Scalar]) -> None:
        """Append one event with its time (`at`, UTC) and process (`pid`).

        A file that cannot be written is told in a logged warning, once, and in the next line that can, by how many were
        lost before it (`lost`); a call that changed something must not fail for its audit line.
        """
        now = datetime.fromtimestamp(self._clock.wall_s(), UTC)
        stamp: dict[str, Scalar] = {"at": now.isoformat(timespec="milliseconds"), "pid": os.getpid()}
        if self._lost:
            stamp["lost"] = self._lost
        try:
            size_bytes = self._append(json.dumps(stamp | dict(event)).encode() + b"\n")
        except (OSError, StateError) as error:
            self._lost += 1
            self._tell(error)
            return
        self._lost, self._told = 0, None
        if size_bytes >= MOST_FILE_BYTES:
            self._set_aside(now)

    def _tell(self, error: OSError | StateError) -> None:
        why = (
            f"{error.strerror}. Free space or mend its folder." if isinstance(error, OSError) else str(error)
        )
        if why != self._told:
            _log.warning("The audit log %s lacks lines from now on: %s", self.path, why)
            self._told = why

    def _append(self, line: bytes) -> int:
        """Append in one write, which the system keeps whole between processes; the file's size after it."""
        make_folder(self.path.parent, called=_CALLED)
        check_file(self.path, called=_CALLED)
        file = os.open(self.path, _HOW, 0o600)
        try:
            if self._lost and _ends_within_a_line(file):
                line = b"\n" + line
            written = os.write(file, line)
            if written < len(line):
                raise OSError(0, f"only {written} of {len(line)} bytes were written")
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def _set_aside(self, now: datetime) -> None:
        """Rename a full file; where that fails it goes on growing."""
        with suppress(OSError):  # such as another process that was faster
            if self.path.stat().st_size < MOST_FILE_BYTES:
                return
            # A name of its own for each file: two processes that do this at once overwrite nothing.
            self.path.rename(
                self.path.with_name(f"audit-{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.jsonl")
            )


def _ends_within_a_line(file: int) -> bool:
    """Whether a disk that was full has cut the last line off."""
    size_bytes = os.lseek(file, 0, os.SEEK_END)
    if not size_bytes:
        return False
    os.lseek(file, -1, os.SEEK_END)
    return os.read(file, 1) != b"\n"
