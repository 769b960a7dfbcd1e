"""What the cells of a sheet say: the id of a vehicle, names of photos, links."""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import NamedTuple

from pydantic import JsonValue

from autobg_mcp.files.headings import Headings
from autobg_mcp.files.spelling import is_link
from autobg_mcp.text import quoted

_MOST_PHOTOS = 2_000
"""Photos of one row."""

_PARTS = re.compile(r"[;|\r\n]+|(?<=\.\w{3}),|(?<=\.\w{4}),")
_LINKS = re.compile(r"[\s,;|]+(?=(?:https?|s3)://)", re.IGNORECASE)
_WHOLE = re.compile(r"(\d+)\.0+")
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_TEXT_FORMULA = re.compile(r'="([^"]*)"')  # how a table keeps a spreadsheet from reading a number


class Named(NamedTuple):
    """What one row names.

    Attributes:
        vehicle: The id of the vehicle.
        photos: Files, folders or patterns.
        links: What reads like links.
        template: The template's id; None where none is named.
    """

    vehicle: str
    photos: tuple[str, ...]
    links: tuple[str, ...]
    template: str | None


def named(cells: Sequence[JsonValue], headings: Headings) -> Named:
    """What a row names.

    Raises:
        ValueError: It names no vehicle or no photo, or a cell cannot be read; the text says which.
    """
    vehicle = _id(_cell(cells, headings.vehicle), "vehicle")
    if not vehicle:
        raise ValueError("no vehicle is named")
    template = None if headings.template is None else _id(_cell(cells, headings.template), "template")
    names = _parts(cells, headings.photos)
    photos = [name for name in names if not is_link(name)]
    folders = _parts(cells, headings.folders)
    if len(folders) > 1 and photos:
        raise ValueError("several folders are named beside files")
    if folders:
        photos = [str(PurePath(folders[0], name)) for name in photos] or folders
    links = [name for name in names if is_link(name)] + _links(cells, headings.links)
    if not photos and not links:
        raise ValueError(f"no photo of {quoted(vehicle, 60)} is named")
    if len(photos) + len(links) > _MOST_PHOTOS:
        raise ValueError(f"more than {_MOST_PHOTOS:,} photos in one row")
    return Named(vehicle, tuple(photos), tuple(links), template or None)


def _cell(cells: Sequence[JsonValue], column: int) -> JsonValue:
    return cells[column] if column < len(cells) else None  # rows end with their last cell


def _id(cell: JsonValue, what: str) -> str:
    """An id as it was meant before a spreadsheet took it for a number."""
    texts = _texts(cell)
    if len(texts) > 1:
        raise ValueError(f"several {what}s are named")
    text = texts[0].strip(" ") if texts else ""
    if _SHORTENED.fullmatch(text):
        raise ValueError(f"the {what} {quoted(text, 40)} is a number that a spreadsheet has shortened")
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _parts(cells: Sequence[JsonValue], columns: Iterable[int]) -> list[str]:
    texts = (text for column in columns for text in _texts(_cell(cells, column)))
    parts = (part.strip() for text in texts for part in ([text] if is_link(text) else _PARTS.split(text)))
    return [link for part in parts if part for link in (_LINKS.split(part) if is_link(part) else [part])]


def _links(cells: Sequence[JsonValue], columns: Iterable[int]) -> list[str]:
    texts = (text for column in columns for text in _texts(_cell(cells, column)))
    return [link for text in texts for part in _LINKS.split(text) if (link := part.strip(" \t\r\n,;|"))]


def _texts(cell: JsonValue) -> list[str]:
    """The texts of a cell, of a list those of its items.

    Raises:
        ValueError: It is no text and no number.
    """
    if isinstance(cell, list):
        return [text for item in cell for text in _texts(item)] if not _is_deep(cell) else _refuse()
    if cell is None or cell == "":
        return []
    if isinstance(cell, bool | dict):
        return _refuse()
    text = f"{cell:.15g}" if isinstance(cell, float) else str(cell)
    text = _TEXT_FORMULA.sub(r"\1", text) if isinstance(cell, str) else text
    if text.startswith("="):
        raise ValueError("a cell holds a formula and not its value")
    return [text]


def _is_deep(cell: list[JsonValue]) -> bool:
    return any(isinstance(item, list) for item in cell)


def _refuse() -> list[str]:
    raise ValueError("a cell holds neither text nor a number")
