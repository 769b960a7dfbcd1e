"""The photos of one call: what identifies those that were read before, by path, size and time."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.money.facts import FilesIdentified
from autobg_mcp.money.ledger import FileStamp
from autobg_mcp.toolkit.context import Context


@dataclass
class Roll:
    """Photos with their digests, as far as they are known.

    Attributes:
        stamps: Each file as it was found; one that cannot be looked at has none.
        known: Digests of those that have not changed since they were read in an earlier call.
        read: Digests of those that this call has read.
    """

    stamps: Mapping[Path, FileStamp]
    known: Mapping[Path, str]
    read: dict[FileStamp, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, paths: Iterable[Path], context: Context) -> Self:
        """The photos at these paths.

        Raises:
            StateError: The ledger cannot be used.
        """
        stamps = await context.look(_stamped, paths)
        digests = await context.ledger.known_digests(stamps.values())
        return cls(stamps, {path: digests[stamp] for path, stamp in stamps.items() if stamp in digests})

    def identify(self, path: Path, part: FilePart | None) -> None:
        """Take note of what a file holds."""
        stamp = self.stamps.get(path)
        if part is not None and stamp is not None and path not in self.known:
            self.read[stamp] = part.sha256

    async def keep(self, context: Context) -> None:
        """Let later calls know what this one has read of files that are still as they were found."""
        now = await context.look(_stamped, [Path(stamp.path) for stamp in self.read])
        unchanged = set(now.values())
        if kept := {stamp: digest for stamp, digest in self.read.items() if stamp in unchanged}:
            await context.remember(FilesIdentified(kept))


def _stamped(paths: Iterable[Path]) -> dict[Path, FileStamp]:
    stamps = dict[Path, FileStamp]()
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            identity = f"{status.st_dev}:{status.st_ino}"
            stamps[path] = FileStamp(str(path), status.st_size, status.st_mtime_ns, identity)
    return stamps
