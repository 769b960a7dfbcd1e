"""Types of arguments that several tools share."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from autobg_mcp.api.link_rules import checked_link
from autobg_mcp.api.same_link import same_link
from autobg_mcp.text import folded
from autobg_mcp.toolkit.arguments import Separated

ItemT = TypeVar("ItemT")

LONGEST_LINE_CHARS = 1000
LONGEST_PATH_CHARS = 4096
MOST_ITEMS = 500
"""Photos, links or pictures that one call names."""

LARGEST_ID = 2**53 - 1
"""The largest number that every JSON reader keeps whole (RFC 8259, section 6)."""


def _once(items: list[ItemT]) -> list[ItemT]:
    """What stands twice counts once; of two links to one picture the first stays."""
    kept: dict[object, ItemT] = {}
    for item in items:
        kept.setdefault(same_link(item) if isinstance(item, str) else item, item)
    return list(kept.values())


def _worded(words: str) -> WrapValidator:
    """Says in words what would have been right, where the rule is a pattern that only machines read."""

    def check(value: object, rule: ValidatorFunctionWrapHandler) -> object:
        try:
            return rule(value)
        except ValidationError:
            raise ValueError(words) from None

    return WrapValidator(check)


def _whole_number_as_text(value: object) -> object:
    """Ids that the documents show as text also come as numbers, `1004` or `1004.0`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else value


def _no_boolean(value: object) -> object:
    """True is a whole number for pydantic, but nobody's id."""
    if isinstance(value, bool):
        raise ValueError("a whole number")  # noqa: TRY004  # pydantic turns only this into a refusal
    return value


def _no_other_id(value: object) -> object:
    """What names a picture elsewhere is often given as its id."""
    if isinstance(value, str) and re.search(r"[^\s\d+.-]", value[:LONGEST_LINE_CHARS]):
        raise ValueError(
            "a whole number, the picID that getImageStatus tells; a batchID or a file name is none"
        )
    return value


def _no_replacement(value: object) -> object:
    """2 stands for the plate picture of another tool."""
    if str(value).strip() in ("2", "2.0"):
        raise ValueError("2 needs a plate picture, which this tool does not take; replaceNumPlate does")
    return value


_ROWS = {"t": "T", "top": "T", "upper": "T", "b": "B", "bottom": "B", "lower": "B"}
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}
_CORNERS = {
    spelled: _ROWS[row] + _SIDES[side]
    for row in _ROWS
    for side in _SIDES
    for spelled in (row + side, side + row)
}
"""Corners as people write them, by their letters alone. TL and TR are seen in a caller's code, BL and BR inferred."""


def _corner(value: str) -> str:
    """What is not understood would be guessed by the API, which puts the logo somewhere."""
    corner = _CORNERS.get(folded(value).removesuffix("corner"))
    if corner is None:
        raise ValueError("one of TL, TR, BL and BR, or a corner in words such as top right")
    return corner


def first(items: Sequence[str]) -> str:
    """The first item: a request carries one picture."""
    return items[0]


def _plain_blanks(value: object) -> object:
    """Blanks that only look like one, as web pages and telephones write them, become one."""
    if not isinstance(value, str) or len(value) > LONGEST_LINE_CHARS:  # which is refused
        return value
    return "".join(" " if unicodedata.category(one) == "Zs" else one for one in value)


def _no_zero_byte(value: str) -> str:
    if "\x00" in value:
        raise ValueError("a path")
    return value


# Bounds that every sensible value keeps are checked but not listed: a model pays for each word of a schema.
OneLine = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=LONGEST_LINE_CHARS,
        pattern=r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$",
    ),
    _worded(f"one line of 1 to {LONGEST_LINE_CHARS} visible characters"),
    BeforeValidator(_plain_blanks),
]

# The bounds stand behind a function, where Python checks them: pydantic's own text takes no name that is not UTF-8.
PicturePath = Annotated[
    str,
    AfterValidator(_no_zero_byte),
    Field(min_length=1, max_length=LONGEST_PATH_CHARS),
    _worded(f"a path of 1 to {LONGEST_PATH_CHARS} characters; pictures are named by path, not sent as data"),
]

Text = Annotated[str, Field(max_length=LONGEST_LINE_CHARS)]

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), _worded("a colour such as #FFFFFF")]

Link = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    AfterValidator(checked_link),
]

ID = r"^[\w.-]{1,64}$"
"""The pattern of an id that is no number."""

NO_BOOLEAN = BeforeValidator(_no_boolean)
"""Stands last in the annotation of a whole number."""

Vehicle = Annotated[
    OneLine,
    Field(description="Vehicle id, equal for all its photos: joins them into a batch."),
]

TemplateCC = Annotated[OneLine, BeforeValidator(_whole_number_as_text), Field(description="A templateID.")]

ProcessType = Annotated[Literal["ai", "collab"], Field(description="collab: checked by people, slower.")]

NumPlateProcessor = Annotated[
    int,
    Field(ge=0, le=1, description="1: cover the plate white. 0: leave it (inferred)."),
    BeforeValidator(_no_replacement),
    NO_BOOLEAN,
]

PlateReplacement = Annotated[
    int,
    Field(ge=1, le=2, description="1: cover the plate white. 2: put your picture over it."),
    NO_BOOLEAN,
]

Images = Annotated[
    list[PicturePath],
    Field(
        min_length=1,
        max_length=MOST_ITEMS,
        fail_fast=True,
        serialization_alias="cc",
        description="Paths of photos, folders or globs in AUTOBG_IMAGE_DIRS.",
    ),
    PlainSerializer(first, return_type=str),
]

BETWEEN_LINKS = Separated(r"(?<=[\s,])(?=https?://|s3://)")

ClientS3Uris = Annotated[
    list[Link],
    BETWEEN_LINKS,
    Field(
        min_length=1, max_length=MOST_ITEMS, fail_fast=True, description="Public https links to the photos."
    ),
    AfterValidator(_once),
]

LogoAlignment = Annotated[
    OneLine, AfterValidator(_corner), Field(description="Logo corner: TL, TR, BL or BR (undocumented).")
]

LogoPath = Annotated[PicturePath, Field(description="Path of the logo.")]

BatchID = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=ID),
    _worded("an id of 1 to 64 letters, digits, dots and dashes"),
    BeforeValidator(_whole_number_as_text),
    Field(description="From an upload."),
]
"""The same as an answer's id, since it also stands in sentences of ours."""

_PICTURE = (WithJsonSchema({"type": "string"}), BeforeValidator(_no_other_id), NO_BOOLEAN)

_WHERE_FROM = "From reviewBatch, or getImageStatus with all."

PicID = Annotated[int, Field(ge=0, le=LARGEST_ID, description=_WHERE_FROM), *_PICTURE]

PicIDs = Annotated[
    list[Annotated[int, Field(ge=0, le=LARGEST_ID), *_PICTURE]],
    Separated(r"[\s,;]+"),
    Field(min_length=1, max_length=MOST_ITEMS, fail_fast=True, description=_WHERE_FROM),
    AfterValidator(_once),
]

PicIDsAsText = Annotated[
    PicIDs, PlainSerializer(lambda ids: [str(pic_id) for pic_id in ids], return_type=list[str])
]
"""Picture ids where the documents show them as texts."""

ReportReason = Literal[
    "Bad clipping", "Alignment of Road", "Number plate", "Window see-through", "Logo", "Other"
]
"""The six reasons a picture can be reported for. Source: the page of Report Images."""

ReportReasons = Annotated[
    list[ReportReason],
    Separated(r"[,;\n]"),
    Field(min_length=1, max_length=6, fail_fast=True, description="All that apply."),
    AfterValidator(_once),
]
