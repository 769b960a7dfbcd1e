"""Which column of a sheet says what, by its heading as people write it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from autobg_mcp.files.xlsx import Cell
from autobg_mcp.text import cleaned, folded

_VEHICLE: Final = (
    *("vehicle", "vehicleid", "vehicleno", "numberplate", "stockno", "stocknumber", "stock", "stockid"),
    *("plate", "plateno", "platenumber", "licenseplate", "licenceplate", "registration", "registrationno"),
    *("registrationnumber", "regno", "reg", "vrm", "vin", "vinnumber", "chassisno", "chassisnumber", "carid"),
    *("fahrzeug", "fahrzeugid", "fahrzeugnr", "fahrzeugnummer", "bestandsnr", "bestandsnummer", "lagernr"),
    *("lagernummer", "kennzeichen", "nummernschild", "fin", "fahrgestellnummer", "fahrgestellnr", "fgnr"),
    *("immatriculation", "vehicule", "matricula", "targa", "kenteken", "car", "auto", "id"),
)
"""Of several columns that name the vehicle the one that stands first here counts."""

_FOLDERS: Final = ("folder", "folders", "directory", "dir", "ordner", "verzeichnis", "dossier", "carpeta")
_PHOTOS: Final = (
    *(
        "photo",
        "photos",
        "image",
        "images",
        "picture",
        "pictures",
        "pic",
        "pics",
        "file",
        "files",
        "filename",
    ),
    *(
        "filenames",
        "path",
        "paths",
        "filepath",
        "filepaths",
        "photopath",
        "imagepath",
        "imagefile",
        "photofile",
        "cc",
    ),
    *("foto", "fotos", "bild", "bilder", "bilddatei", "datei", "dateien", "dateiname", "pfad", "dateipfad"),
)
_LINKS: Final = (
    *(
        "link",
        "links",
        "url",
        "urls",
        "uri",
        "uris",
        "href",
        "photourl",
        "photourls",
        "imageurl",
        "imageurls",
    ),
    *("pictureurl", "pictureurls", "photolink", "photolinks", "imagelink", "imagelinks", "clients3uris"),
    *("s3uri", "s3uris", "s3url", "s3urls", "bildurl", "bildurls", "bildlink", "bildlinks", "fotourl"),
)
_TEMPLATE: Final = (
    "templatecc",
    "template",
    "templateid",
    "vorlage",
    "vorlageid",
    "background",
    "hintergrund",
)
_LONGEST_CHARS = 100
_NUMBERED = re.compile(r"\d+$")  # photo 1, photo 2


@dataclass(frozen=True)
class Headings:
    """The columns of a sheet, by number from 0.

    Attributes:
        vehicle: Names the vehicle.
        photos: Name files, folders or patterns.
        folders: Name folders that the files of the same row lie in.
        links: Hold links.
        template: Names the template; None where no column does.
        left_alone: Headings that say nothing of these, as they may be read.
    """

    vehicle: int
    photos: tuple[int, ...]
    folders: tuple[int, ...]
    links: tuple[int, ...]
    template: int | None
    left_alone: tuple[str, ...]

    @classmethod
    def of(cls, row: Sequence[Cell]) -> Self | None:
        """The columns that a row heads; None where none of it names a vehicle and where its photos are."""
        names = _spread([folded(str(cell)[:_LONGEST_CHARS]) if cell is not None else "" for cell in row])
        vehicle = _first(_VEHICLE, names)
        found = {kind: _all(kind, names) for kind in (_PHOTOS, _FOLDERS, _LINKS)}
        if vehicle is None or not any(found.values()):
            return None
        template = _first(_TEMPLATE, names)
        taken = {vehicle, template, *(column for columns in found.values() for column in columns)}
        return cls(
            vehicle=vehicle,
            photos=found[_PHOTOS],
            folders=found[_FOLDERS],
            links=found[_LINKS],
            template=template,
            left_alone=tuple(
                cleaned(str(row[column]), 60)
                for column, name in enumerate(names)
                if name and column not in taken
            ),
        )


def _spread(names: Sequence[str]) -> list[str]:
    """A heading that is merged over several columns stands in the first of them alone."""
    spread = list[str]()
    for name in names:
        before = spread[-1] if spread else ""
        plain = _NUMBERED.sub("", before)
        spread.append(before if not name and plain in (*_PHOTOS, *_LINKS) else name)
    return spread


def _first(kind: Sequence[str], names: Sequence[str]) -> int | None:
    return next((names.index(name) for name in kind if name in names), None)


def _all(kind: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    return tuple(
        column for column, name in enumerate(names) if name in kind or _NUMBERED.sub("", name) in kind
    )
