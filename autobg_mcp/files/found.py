"""What names stand for, all together or each by itself, and the one error for those that stand for nothing."""

import functools
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import FolderEntry
from autobg_mcp.files.meaning import Meaning
from autobg_mcp.files.search import Match, Search, Unread
from autobg_mcp.text import quoted

_MOST_REFUSED: Final = 300
"""Names that stand for nothing: each takes a look around."""
_MOST_FOUND: Final = 100_000
_MOST_COMPARED: Final = 10_000_000
"""Names in folders that are held against patterns, which takes 10 s."""


class FoundPhotos(NamedTuple):
    """Picture files, what could not be looked at on the way to them, and names of files beside them that are no pictures."""

    paths: list[Path]
    unread: list[Unread]
    others: list[str]


class EachFound(NamedTuple):
    """By name the picture files that it stands for, or why it stands for none; the rest as in `FoundPhotos`."""

    paths: dict[str, list[Path]]
    refused: dict[str, FileRefusedError]
    unread: list[Unread]
    others: list[str]


class RepeatedSearch(Search):
    """A search for many names, which lead to the same few folders: each is listed once."""

    _compared_left = _MOST_COMPARED

    def listed(self, folder: Path, *, is_plain: bool = False) -> list[FolderEntry]:
        """What a folder holds, as it was when it was first listed.

        Raises:
            FileRefusedError: There are too many files and folders to look at, or to look at again.
        """
        entries = self._kept.get(folder)
        if entries is None:
            entries = super().listed(folder, is_plain=is_plain)
            self._kept[folder] = entries
        self._compared_left -= len(entries)
        if self._compared_left < 0:
            raise FileRefusedError(
                f"The search stopped in {quoted(folder.name)}: too many patterns for so many files.",
                next_step="Name the folders that hold the pictures.",
            )
        return entries

    @functools.cached_property
    def _kept(self) -> dict[Path, list[FolderEntry]]:
        return {}


def each_found(names: Iterable[str], meanings: Sequence[Meaning], search: Search) -> EachFound:
    """The picture files that each name stands for, as the first of several meanings has it, which share a search.

    Raises:
        FileRefusedError: Hundreds of names stand for nothing, or all together for too many files.
    """
    count = 0
    found = EachFound({}, {}, search.unread, search.others)
    for name in names:
        try:
            matches = _first_meant(name, meanings)
            if not matches:
                raise search.unread.pop().error
            found.paths[name] = [Path(match.path) for match in matches]
            count += len(matches)
        except FileRefusedError as error:
            found.refused[name] = error
            if len(found.refused) > _MOST_REFUSED:
                raise FileRefusedError(
                    f"More than {_MOST_REFUSED} names stand for nothing, such as this one: {error}",
                    next_step=error.next_step,
                ) from None
        if count > _MOST_FOUND:
            raise FileRefusedError(
                f"The names stand for more than {_MOST_FOUND:,} pictures.", next_step="Name fewer of them."
            )
    return found


def _first_meant(name: str, meanings: Sequence[Meaning]) -> list[Match]:
    """What the first meaning finds that finds anything; else the last one says why not."""
    *others, last = meanings
    for meaning in others:
        with suppress(FileRefusedError):
            return meaning.pictures(name)
    return last.pictures(name)


def one_of(problems: Sequence[FileRefusedError], more_told: str) -> FileRefusedError:
    """One error for all, with the advice of all where that is the same; `more_told` is what explains them all."""
    first, *more = problems
    advice = {problem.next_step for problem in problems}
    return FileRefusedError(
        f"{first}{more_told}",
        details=[str(one) for one in more],
        next_step=advice.pop() if len(advice) == 1 else None,
    )
