"""From one name, as people and hosts write it, to the pictures it stands for; or what to say where it stands for none.

The literal name always wins. Else it is what one other spelling of it leads to; else the one thing in the fence whose
name differs in case, blanks or accents alone. Where several could be meant, none is taken: a wrong photo would be paid.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.files.handles import Identity
from autobg_mcp.files.hints import Hints
from autobg_mcp.files.nearby import Nearby
from autobg_mcp.files.search import ABSENT, Match, Search
from autobg_mcp.files.spelling import spellings
from autobg_mcp.text import quoted

Places = tuple[Path, ...]
"""Where one name may lie: a relative one in each folder of the fence."""


class Meaning:
    """What the names of one call stand for.

    Args:
        roots: The fence's folders.
        holds: Whether a path really lies in one of them.
        search: Finds the pictures.
        nearby: What lies around a name that stands for nothing.
    """

    def __init__(
        self, roots: Sequence[Path], holds: Callable[[Path], bool], search: Search, nearby: Nearby
    ) -> None:
        self._roots = roots
        self._holds = holds
        self._search = search
        self._nearby = nearby
        self._hints = Hints(nearby, roots)

    def pictures(self, name: str) -> list[Match]:
        """The pictures that one name stands for; none only where the search could not look at something.

        Raises:
            FileRefusedError: It stands for no picture, or it could stand for several things.
        """
        unread = self._search.unread
        before = len(unread)
        for readings in self._readings(name):
            noted = len(unread)
            if meant := self._there(name, readings):
                del unread[before:noted]  # of other readings
                return self._only(name, meant, before)
        if foreign := self._hints.foreign(name):
            del unread[before:]
            raise foreign
        if len(unread) > before:
            del unread[before + 1 :]
            return []
        is_inside = all(map(self._can_lie_inside, (name, *spellings(name))))
        raise self._hints.nothing(name, self._places(name), is_inside=is_inside)

    def folder(self, name: str) -> Path:
        """The folder that one name stands for.

        Raises:
            FileRefusedError: It stands for none, or it could stand for several.
        """
        for readings in self._readings(name):
            there = [path for places in readings for path in places if os.path.lexists(path)]
            folders = list(dict.fromkeys(path for path in there if os.path.isdir(path)))  # noqa: PTH112
            if len(folders) > 1:
                raise self._hints.several(name, folders)
            if folders:
                return folders[0]
            if there:
                raise FileRefusedError(
                    f"{quoted(name)} is no folder.", next_step="Name the folder it lies in."
                )
        is_inside = all(map(self._can_lie_inside, (name, *spellings(name))))
        raise self._hints.nothing(name, self._places(name), is_inside=is_inside)

    def _readings(self, name: str) -> Iterator[Iterable[Places]]:
        """How the name can be read, the literal way first."""
        yield [self._held(name)]
        others = spellings(name)
        yield [self._held(text) for text in others]
        places = dict.fromkeys(place for text in (name, *others) for place in self._places(text))
        siblings = (path for place in places for path in self._nearby.siblings(place))
        yield [(path,) for path in dict.fromkeys(siblings) if self._holds(path)]

    def _there(self, name: str, readings: Iterable[Places]) -> dict[Places, list[Match]]:
        """The readings that lead to something, with the pictures there."""
        found = dict[Places, list[Match]]()
        for reading in readings:
            lying = tuple(filter(os.path.lexists, reading))
            places = lying or reading
            matches = [] if places in found else self._at(name, places)
            if lying or matches:
                found.setdefault(places, matches)
        return found

    def _only(self, name: str, meant: Mapping[Places, list[Match]], unread_before: int) -> list[Match]:
        if len(meant) > 1:
            raise self._hints.several(name, [places[0] for places in meant])
        [(places, matches)] = meant.items()
        if not matches and len(self._search.unread) == unread_before:
            raise self._hints.empty(name, places[0])
        return matches

    def _can_lie_inside(self, name: str) -> bool:
        return 0 < len(self._places(name)) == len(self._held(name))

    def _held(self, name: str) -> Places:
        return tuple(filter(self._holds, self._places(name)))

    def _places(self, name: str) -> Places:
        """Where a name may lie, in the fence or not; another machine's share lies nowhere and is not even looked up."""
        far = name.startswith(("//", "\\\\")) and not any(name.startswith(str(root)) for root in self._roots)
        if far or not name.strip() or not _can_be_a_path(name):
            return ()
        is_home = name == "~" or name.startswith("~/")
        path = Path(os.path.expanduser(name) if is_home else name)  # noqa: PTH111  # stays where no home is
        return tuple(dict.fromkeys(root / path for root in self._roots))

    def _at(self, name: str, places: Places) -> list[Match]:
        """The file at one of these places, else the pictures in all folders there or that match patterns."""
        files = dict[Identity | None, Match]()
        for path in places:
            if file := self._looked_up(path):
                files.setdefault(file.identity, file)
        if len(files) > 1:
            raise self._hints.several(name, [Path(file.path) for file in files.values()])
        matches = [*files.values()] or [match for path in places for match in self._below(path)]
        if "\ufffd" in name and len(matches) > 1:
            raise FileRefusedError(
                f"{quoted(name)} stands for {len(matches)} files whose names are not text."
            )
        return matches

    def _looked_up(self, path: Path) -> Match | None:
        """The file that has exactly this path; None for a folder, for nothing, and where nobody can tell."""
        try:
            status = path.stat()
        except OSError as error:
            if error.errno not in ABSENT:
                self._search.note(path, f"cannot be looked up: {error.strerror}")
            return None
        if stat.S_ISREG(status.st_mode):
            return Match(str(path), (status.st_dev, status.st_ino))
        if not stat.S_ISDIR(status.st_mode):
            raise FileRefusedError(f"{quoted(path.name)} is a device, pipe or socket, not a file.")
        return None

    def _below(self, path: Path) -> Iterator[Match]:
        """The pictures in a folder or those that match a pattern."""
        if os.path.isdir(path):  # noqa: PTH112  # which takes an error for a no
            return self._search.pictures_in(path)
        for root in self._roots:
            if path.is_relative_to(root):
                return self._search.matching(root, path.relative_to(root).parts)
        return self._search.matching(Path(path.anchor), path.parts[1:])


def _can_be_a_path(name: str) -> bool:
    """Whether the system can be asked for a name at all: half a character, as JSON can write it, has no bytes."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False
