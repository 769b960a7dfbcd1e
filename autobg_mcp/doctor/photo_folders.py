"""The folders whose pictures may be uploaded, and what they hold."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from autobg_mcp.doctor.finding import Finding
from autobg_mcp.files.search import PICTURE_SUFFIXES
from autobg_mcp.settings import Settings
from autobg_mcp.text import counted, local_path, some

_MOST_ENTRIES: Final = 20_000
_KINDS: Final = {".jpe": "JPEG", ".jpeg": "JPEG", ".jpg": "JPEG", ".jfif": "JPEG", ".heif": "HEIC"}
_LIKE_PICTURES: Final = frozenset(
    (".arw", ".avif", ".bmp", ".cr2", ".cr3", ".dng", ".gif", ".nef", ".orf", ".psd", ".raf", ".rw2", ".tif", ".tiff")
)  # fmt: skip
"""What cameras and scanners write."""

_SHEET: Final = ".xlsx"


@dataclass
class Holdings:
    """What image folders hold, as far as was looked.

    Attributes:
        pictures: How many files of each kind may be uploaded.
        others: How many look like pictures of a kind that is not taken, by ending.
        sheets: How many workbooks there are.
        unread: How many folders could not be read.
        whole: Whether everything was looked at.
    """

    pictures: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    sheets: int = 0
    unread: int = 0
    whole: bool = True

    def take(self, name: str) -> None:
        """Count one file by its ending."""
        ending = Path(name).suffix.lower()
        if ending in PICTURE_SUFFIXES:
            self.pictures[_KINDS.get(ending, ending[1:].upper())] += 1
        elif ending in _LIKE_PICTURES:
            self.others[ending] += 1
        self.sheets += ending == _SHEET

    def told(self) -> str:
        """What there is, in words."""
        of_kinds = ", ".join(f"{number:,} {kind}" for kind, number in self.pictures.most_common())
        most = counted(self.pictures.total(), "photo") + (f" ({of_kinds})" if of_kinds else "")
        parts = [most if self.whole else f"at least {most}"]
        if self.others:
            parts.append(
                f"not taken: {some([f'{number:,} {ending}' for ending, number in self.others.most_common()])}"
            )
        if self.unread:
            parts.append(f"{counted(self.unread, 'folder')} cannot be read")
        return "; ".join(parts)


def image_folders(settings: Settings) -> list[tuple[Finding, Holdings]]:
    """Each folder of the settings, with what it holds; one finding where none is set."""
    if not settings.image_dirs:
        remedy = (
            "Set AUTOBG_IMAGE_DIRS to the folders that hold your photos, or in a host's file: "
            "autobg-mcp config HOST --image-dirs DIR --write. Linked photos need none."
        )
        return [
            (
                Finding("image folders", "warn", "none is set: no local photo can be uploaded", remedy),
                Holdings(),
            )
        ]
    results = Path(os.path.realpath(settings.output_folder()))
    return [_looked(folder, results) for folder in settings.image_dirs]


def _looked(folder: Path, results: Path) -> tuple[Finding, Holdings]:
    where, held = local_path(folder), Holdings()
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        remedy = "Correct AUTOBG_IMAGE_DIRS, connect the drive, or let this account read the folder."
        return Finding("image folder", "fail", f"{where}: {error.strerror}", remedy), held
    for name in _files_below(folder, results, held):
        held.take(name)
    seen = f"{where}: {held.told()}"
    if not folder.is_absolute():
        remedy = (
            "Write the whole path into AUTOBG_IMAGE_DIRS: a host starts the server in a folder of its own."
        )
        return Finding("image folder", "warn", seen, remedy), held
    if not held.pictures:
        remedy = f"Put photos there ({', '.join(PICTURE_SUFFIXES)}), or name the folder that holds them in AUTOBG_IMAGE_DIRS."
        return Finding("image folder", "warn", seen, remedy), held
    if held.others or held.unread:
        remedy = "Save what is not taken as JPEG." if held.others else "Let this account read them."
        return Finding("image folder", "warn", seen, remedy), held
    return Finding("image folder", "ok", seen), held


def _files_below(folder: Path, results: Path, held: Holdings) -> Iterator[str]:
    """The names of files in a folder and below it, results left out, up to so many entries."""
    left = _MOST_ENTRIES

    def note(_: OSError) -> None:
        held.unread += 1

    for at, folders, files in os.walk(folder, onerror=note):
        folders[:] = [
            name for name in folders if name[0] != "." and Path(os.path.realpath(Path(at, name))) != results
        ]
        left -= len(folders) + len(files)
        yield from (name for name in files if name[0] != ".")
        if left < 0:
            held.whole = False
            return
