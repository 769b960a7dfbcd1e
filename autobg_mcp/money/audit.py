"""One JSON line for each call that changes something, in a file that many processes append to."""

import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

FILE_NAME: Final = "audit.jsonl"
REDACTED: Final = "[redacted]"

Scalar = str | int | float | bool | None

_log = logging.getLogger(__name__)


class AuditLog:
    """Appends events to `audit.jsonl`; nothing is opened before the first one.

    Args:
        folder: Where the file lives; made with mode 0700 where missing.
        clock: The wall clock, in seconds since 1970.
        secrets: Texts that never reach the file, such as the API key; empty ones are ignored.
        max_bytes: Size from which on the file is set aside under the time of its last line.
        keep: How many files set aside are kept, the newest.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        secrets: Collection[str] = (),
        max_bytes: int = 5_000_000,
        keep: int = 3,
    ) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._secrets = [secret for secret in secrets if secret]
        self._max_bytes = max_bytes
        self._keep = keep

    def write(self, event: Mapping[str, Scalar]) -> None:
        """Append one event with its time (`at`, UTC) and process (`pid`).

        A file that cannot be written is told in a logged warning; a call that changed something must
        not fail for its audit line.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        stamp = {"at": now.isoformat(timespec="milliseconds"), "pid": os.getpid()}
        line = json.dumps(stamp | {name: self._redacted(value) for name, value in event.items()}) + "\n"
        try:
            if self._append(line.encode()) >= self._max_bytes:
                self._set_aside(now)
        except OSError as error:
            _log.warning(
                "The audit log %s lacks a line: %s. Free space or mend its folder.", self.path, error.strerror
            )

    def _redacted(self, value: Scalar) -> Scalar:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, REDACTED)
        return value

    def _append(self, line: bytes) -> int:
        """Append in one write, which the system keeps whole between processes; the file's size after it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = os.write(file, line)
            if written < len(line):
                raise OSError(0, f"only {written} of {len(line)} bytes were written")
            return os.fstat(file).st_size
        finally:
            os.close(file)

    def _set_aside(self, now: datetime) -> None:
        with suppress(FileNotFoundError):  # another process was faster
            if self.path.stat().st_size < self._max_bytes:
                return
            # A name of its own for each file: two processes that do this at once overwrite nothing.
            self.path.rename(
                self.path.with_name(f"audit-{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.jsonl")
            )
        aside = sorted(self.path.parent.glob("audit-*.jsonl"))
        for old in aside[: max(0, len(aside) - self._keep)]:
            old.unlink(missing_ok=True)
