"""Types of arguments and answers that several endpoints share."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PlainSerializer, WithJsonSchema

from autobg_mcp.text import cleaned

ItemT = TypeVar("ItemT")

LONGEST_LINE_CHARS = 1000
LONGEST_PATH_CHARS = 4096
MOST_LINKS = 500


def _some(items: list[ItemT]) -> list[ItemT]:
    if not items:
        raise ValueError("at least 1")
    return items


def _not_too_many(items: list[ItemT]) -> list[ItemT]:
    if len(items) > MOST_LINKS:
        raise ValueError(f"at most {MOST_LINKS}")
    return items


def _unique(items: list[ItemT]) -> list[ItemT]:
    if any(item in items[:index] for index, item in enumerate(items)):
        raise ValueError("each item may stand only once")
    return items


def _whole_number(value: object) -> object:
    """Literals compare exactly; hosts also send `"1"` and `1.0`."""
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole_number_as_text(value: object) -> object:
    """Ids that the documents show as text also come as numbers, `1004` or `1004.0`."""
    number = value if isinstance(value, str) else _whole_number(value)
    return str(number) if isinstance(number, int) and not isinstance(number, bool) else number


def _number_if_digits(value: object) -> object:
    """Digits become a number, unless that would lose leading zeros."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]{0,17}", value) else value


def _no_boolean(value: object) -> object:
    """True is a whole number for pydantic, but nobody's id."""
    if isinstance(value, bool):
        raise ValueError("a whole number")  # noqa: TRY004  # pydantic turns only this into a refusal
    return value


def _words(value: object) -> object:
    """A text of an answer as a model may read it; null is empty."""
    if isinstance(value, str):
        return cleaned(value)
    return "" if value is None else str(value) if isinstance(value, int | float) else value


def first(items: Sequence[str]) -> str:
    """The first item: a request carries one picture."""
    return items[0]


def listed(data: JsonValue, noun: str) -> JsonValue:
    """The list in an answer's `data`, which is a bare list in the documents; also found under its noun."""
    if isinstance(data, dict) and noun in data:
        return data[noun]
    return [] if data in (None, "", {}) else data


def _natural(value: int) -> int:
    if value < 0:
        raise ValueError("a number from 0 up")
    return value


def _line(value: str) -> str:
    if not value.strip() or not value.isprintable() or len(value) > LONGEST_LINE_CHARS:
        raise ValueError(f"one line of 1 to {LONGEST_LINE_CHARS} visible characters")
    return value.strip()


def _path(value: str) -> str:
    if not value or "\x00" in value or len(value) > LONGEST_PATH_CHARS:
        raise ValueError("a path")
    return value


def _text(value: str) -> str:
    if len(value) > LONGEST_LINE_CHARS:
        raise ValueError(f"at most {LONGEST_LINE_CHARS} characters")
    return value


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError("a colour such as #FFFFFF")
    return value


def _link(value: str) -> str:
    if not re.fullmatch(r"(https?|s3)://[^\s\x00-\x1f\x7f]{1,2000}", value):
        raise ValueError("a link that begins with https://, http:// or s3://")
    return value


# Bounds that every sensible value keeps are checked but not listed: a model pays for each word of a schema.
Line = Annotated[str, AfterValidator(_line)]

PicturePath = Annotated[str, AfterValidator(_path)]

Text = Annotated[str, AfterValidator(_text)]

Colour = Annotated[str, AfterValidator(_colour)]

Link = Annotated[str, AfterValidator(_link)]

Vehicle = Annotated[
    Line,
    Field(description="Vehicle id, equal for all its photos: joins them into a batch."),
]

TemplateCC = Annotated[Line, BeforeValidator(_whole_number_as_text), Field(description="A templateID.")]

ProcessType = Annotated[Literal["ai", "collab"], Field(description="collab: checked by people, slower.")]

NumPlateProcessor = Annotated[
    Literal[0, 1, 2],
    BeforeValidator(_whole_number),
    Field(description="1: cover the plate white. 0: leave it (inferred)."),
]

PlateReplacement = Annotated[
    Literal[1, 2],
    BeforeValidator(_whole_number),
    Field(description="1: cover the plate white. 2: put your picture over it."),
]

Images = Annotated[
    list[PicturePath],
    AfterValidator(_some),
    Field(
        serialization_alias="cc",
        description="Paths of photos, folders or globs in AUTOBG_IMAGE_DIRS.",
    ),
    PlainSerializer(first, return_type=str),
]

ClientS3Uris = Annotated[
    list[Link],
    AfterValidator(_some),
    AfterValidator(_not_too_many),
    AfterValidator(_unique),
    Field(description="Public https links to the photos."),
]

LogoAlignment = Annotated[Line, Field(description="Logo corner, e.g. TL, TR (undocumented).")]

LogoPath = Annotated[PicturePath, Field(description="Path of the logo.")]

BatchID = Annotated[Line, BeforeValidator(_whole_number_as_text), Field(description="From an upload.")]

_PicID = Annotated[int, BeforeValidator(_no_boolean), AfterValidator(_natural)]

PicID = Annotated[_PicID, Field(description="From getImageStatus.")]

PicIDs = Annotated[list[_PicID], AfterValidator(_some), AfterValidator(_unique)]

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
    AfterValidator(_unique),
    Field(
        min_length=1,
        max_length=6,
        json_schema_extra={"uniqueItems": True},
        description="All that apply.",
    ),
]

AnswerID = Annotated[
    int | Annotated[str, AfterValidator(_line)],
    BeforeValidator(_number_if_digits),
    WithJsonSchema({"type": ["integer", "string"]}),
]
"""An id in an answer: a number in the documents; digits become one, anything else is kept as it came."""

Flag = Annotated[bool, BeforeValidator(lambda value: False if value in (None, "") else value)]
"""A boolean in an answer; left out, null or empty it is false."""

Words = Annotated[str, BeforeValidator(_words)]
"""A text in an answer, on one line and shortened."""

Number = Annotated[int | Annotated[float, Field(allow_inf_nan=False)], WithJsonSchema({"type": "number"})]
"""A number in an answer, also as text."""

MOST_SHOWN = 100
_LONGEST_SHOWN_CHARS = 300


def pruned(value: JsonValue) -> JsonValue:
    """JSON of unknown shape as a model may read it: texts cleaned and shortened, at most 100 entries a list."""
    if isinstance(value, str):
        return cleaned(value, _LONGEST_SHOWN_CHARS)
    if isinstance(value, list):
        return [pruned(item) for item in value[:MOST_SHOWN]]
    if isinstance(value, dict):
        return {cleaned(name, 60): pruned(item) for name, item in list(value.items())[:MOST_SHOWN]}
    return value
