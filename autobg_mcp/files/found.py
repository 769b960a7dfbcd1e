"""What names stand for, all together or each by itself, and the one error for those that stand for nothing."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.meaning import Meaning
from autobg_mcp.files.search import Match, Search, Unread

_MOST_REFUSED: Final = 300
"""Names that stand for nothing: each takes a look around."""


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


def each_found(names: Iterable[str], meanings: Sequence[Meaning], search: Search) -> EachFound:
    """The picture files that each name stands for, as the first of several meanings has it, which share a search.

    Raises:
        FileRefusedError: Hundreds of names stand for nothing.
    """
    found = EachFound({}, {}, search.unread, search.others)
    for name in names:
        try:
            matches = _first_meant(name, meanings)
            if not matches:
                raise search.unread.pop().error
            found.paths[name] = [Path(match.path) for match in matches]
        except FileRefusedError as error:
            found.refused[name] = error
            if len(found.refused) > _MOST_REFUSED:
                raise FileRefusedError(
                    f"More than {_MOST_REFUSED} names stand for nothing, such as this one: {error}",
                    next_step=error.next_step,
                ) from None
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
