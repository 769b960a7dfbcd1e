"""The vehicles that a call names, by a folder, a manifest or a list, with the photos of each, every photo once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from autobg_mcp.api.link_rules import check_hosts
from autobg_mcp.errors import ArgumentsRefusedError, FileRefusedError
from autobg_mcp.files.cells import Named
from autobg_mcp.files.fleet import Fleet
from autobg_mcp.files.found import EachFound
from autobg_mcp.files.manifest import Manifest
from autobg_mcp.text import counted, expected, local_path, quoted, some
from autobg_mcp.toolkit.arguments import Arguments
from autobg_mcp.tools.fields import BETWEEN_LINKS, Link, PicturePath, TemplateCC, Vehicle

ID_CHARS: Final = 40
"""How much of a vehicle's id is told."""

_VEHICLE: TypeAdapter[str] = TypeAdapter(Vehicle)
_TEMPLATE: TypeAdapter[str] = TypeAdapter(TemplateCC)
_LINK: TypeAdapter[str] = TypeAdapter(Link)

Paths = Annotated[list[PicturePath], Field(description="Files, folders or globs.")]
Links = Annotated[list[str], BETWEEN_LINKS, Field(description="Public https links.")]


class VehicleGiven(Arguments):
    """One vehicle and where its photos are."""

    vehicle: Vehicle
    photos: Paths = Field(default_factory=list)
    links: Links = Field(default_factory=list)
    template: TemplateCC | None = None

    def named(self) -> Named:
        """The same as a row of a manifest."""
        return Named(self.vehicle, tuple(self.photos), tuple(self.links), self.template)


@dataclass
class Source:
    """One vehicle as it was named.

    Attributes:
        vehicle: Its id as it was written.
        template: Its template; None for none.
        photos: Its local photos in order.
        links: Its linked photos in order.
    """

    vehicle: str
    template: str | None
    photos: dict[Path, None] = field(default_factory=dict)
    links: dict[str, None] = field(default_factory=dict)


class Sources:
    """All vehicles of a call.

    Args:
        template: The template of vehicles that name none; None for none.
        link_hosts: Hosts that links may lead to; none allows all.
    """

    def __init__(self, template: str | None, link_hosts: Sequence[str]) -> None:
        self._template, self._link_hosts = template, link_hosts
        self._by_id: dict[tuple[str, str | None], Source] = {}
        self.refused: list[str] = []
        """What is not sent, a line each, with the reason."""
        self.odd: list[str] = []
        """What a person should look at."""
        self.others = 0
        """Files beside that are no pictures."""

    @property
    def vehicles(self) -> list[Source]:
        """The vehicles with photos, in the order in which they were named."""
        return [source for source in self._by_id.values() if source.photos or source.links]

    def take_fleet(self, fleet: Fleet) -> None:
        """Each folder below that holds photos is a vehicle; where there is none, the folder itself is.

        Raises:
            FileRefusedError: There is no photo.
        """
        held = {folder.path: folder.photos for folder in fleet.folders if folder.photos}
        loose = held.pop(fleet.top, [])
        if not held and loose:
            held, loose = {fleet.top: loose}, []
        self.others = len(fleet.others)
        self.refused += [str(one.error) for one in fleet.unread]
        for path, photos in held.items():
            self._take_folder(path, photos)
        if not self.vehicles:
            raise FileRefusedError(
                f"{quoted(local_path(fleet.top))} holds no photo of a vehicle, nor does a folder below it.",
                details=self.refused,
            )
        empty = [folder.path for folder in fleet.folders if not folder.photos and folder.path != fleet.top]
        self._tell_folders(held, loose, empty)

    def _take_folder(self, path: Path, photos: Iterable[Path]) -> None:
        try:
            source = self._source(path.name or path.resolve().name, None)
        except ValueError as error:
            self.refused.append(
                f"folder {quoted(local_path(path.name), 60)}: its name is no vehicle id, {error}"
            )
        else:
            source.photos |= dict.fromkeys(photos)

    def _tell_folders(
        self, held: Mapping[Path, object], loose: Sequence[Path], empty: Sequence[Path]
    ) -> None:
        """What is odd about folders."""
        places = defaultdict[str, list[Path]](list)
        for path in held:
            places[path.name].append(path)
        self.odd += [
            f"{quoted(name, ID_CHARS)} lies in {len(paths)} folders, taken for one vehicle: {_some(paths)}"
            for name, paths in places.items()
            if len(paths) > 1
        ]
        inside = [path for path in held if any(folder in held for folder in path.parents)]
        if inside:
            self.odd.append(f"{_some(inside)}: inside a vehicle's folder, taken for a vehicle of its own")
        if loose:
            self.odd.append(
                f"{counted(len(loose), 'photo')} beside the vehicles' folders: of no vehicle, not sent"
            )
        if empty:
            self.odd.append(f"{counted(len(empty), 'folder')} without photos: {_some(empty)}")

    def take_manifest(self, manifest: Manifest, found: EachFound) -> None:
        """Each row names photos of a vehicle; one that cannot be read costs itself alone.

        Raises:
            FileRefusedError: Not one names a photo that can be sent.
        """
        self.refused += [f"row {number}: {reason}" for number, reason in manifest.unread.items()]
        repeated = [row for row in manifest.rows if self._take_named(row.named, f"row {row.number}", found)]
        if repeated:
            self.odd.append(
                f"{counted(len(repeated), 'row')} without anything new, such as row {repeated[0].number}"
            )
        if manifest.left_alone:
            told = ", ".join(quoted(name, ID_CHARS) for name in manifest.left_alone[:5])
            self.odd.append(f"{counted(len(manifest.left_alone), 'column')} left alone: {told}")
        self._finish(found, manifest.path.name)

    def take_list(self, given: Sequence[VehicleGiven], found: EachFound) -> None:
        """Each item names photos of a vehicle.

        Raises:
            FileRefusedError: Not one names a photo that can be sent.
        """
        for one in given:
            if not (one.photos or one.links):
                self.odd.append(f"{quoted(one.vehicle, ID_CHARS)}: no photo is named")
            self._take_named(one.named(), quoted(one.vehicle, ID_CHARS), found)
        self._finish(found, "vehicles")

    def _finish(self, found: EachFound, name: str) -> None:
        self.others = len(found.others)
        self.refused += [str(one.error) for one in found.unread]
        if not self.vehicles:
            raise FileRefusedError(
                f"{quoted(name)} names no photo that can be sent.", details=list(dict.fromkeys(self.refused))
            )

    def _take_named(self, named: Named, place: str, found: EachFound) -> bool:
        """Take what one row names; answers whether all of it stood in rows above."""
        try:
            source = self._source(named.vehicle, named.template)
        except ValueError as error:
            self.refused.append(f"{place}: {error}")
            return False
        before = len(source.photos) + len(source.links)
        for name in named.photos:
            if refusal := found.refused.get(name):
                self.refused.append(f"{place}: {refusal}")
            source.photos |= dict.fromkeys(found.paths.get(name, ()))
        links = list(filter(None, (self._sendable(link, place) for link in named.links)))
        source.links |= dict.fromkeys(links)
        has_some = bool(links) or any(name in found.paths for name in named.photos)
        return has_some and len(source.photos) + len(source.links) == before

    def _sendable(self, link: str, place: str) -> str | None:
        """A link as it may be sent; None where it is refused."""
        try:
            sendable = _checked(_LINK, link, "link")
            check_hosts({"link": sendable}, self._link_hosts)
        except (ValueError, ArgumentsRefusedError) as error:
            self.refused.append(f"{place}: {error}")
            return None
        return sendable

    def _source(self, vehicle: str, template: str | None) -> Source:
        """The vehicle of this id and template.

        Raises:
            ValueError: The id or the template is none.
        """
        own = self._template if template is None else _checked(_TEMPLATE, template, "template")
        known = _checked(_VEHICLE, vehicle, "vehicle")
        return self._by_id.setdefault((known, own), Source(known, own))


def _checked(rule: TypeAdapter[str], text: str, what: str) -> str:
    """A text as a rule has it.

    Raises:
        ValueError: It is none; the text says what would be right.
    """
    try:
        return rule.validate_python(text)
    except ValidationError as error:
        raise ValueError(f"the {what} must be {expected(error.errors(include_url=False)[0])}") from None


def _some(paths: Sequence[Path]) -> str:
    """The first of some folders by name, with the folder above it, and how many more there are."""
    return some([quoted(local_path(Path(*path.parts[-2:])), 60) for path in paths], most=3)
