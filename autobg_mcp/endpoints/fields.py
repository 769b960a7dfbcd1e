"""Types of arguments and answers that several endpoints share."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PlainSerializer, WithJsonSchema

ItemT = TypeVar("ItemT")

LONGEST_LINE_CHARS = 1000


def _some(items: list[ItemT]) -> list[ItemT]:
    if not items:
        raise ValueError("at least 1")
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


def _number_if_digits(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value


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

Text = Annotated[str, AfterValidator(_text)]

Colour = Annotated[str, AfterValidator(_colour)]

Link = Annotated[str, AfterValidator(_link)]

Vehicle = Annotated[
    Line,
    Field(description="Vehicle id, equal for all its photos: joins them into a batch."),
]

TemplateCC = Annotated[Line, Field(description="A templateID.")]

ProcessType = Annotated[Literal["ai", "collab"], Field(description="collab: checked by people, slower.")]

NumPlateProcessor = Annotated[
    Literal[0, 1, 2],
    BeforeValidator(_whole_number),
    Field(description="1: cover the plate white. 0 (leave it), 2: unverified."),
]

PlateReplacement = Annotated[
    Literal[1, 2],
    BeforeValidator(_whole_number),
    Field(description="1: cover the plate white. 2: put your picture over it."),
]

Images = Annotated[
    list[Line],
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
    AfterValidator(_unique),
    Field(description="Public https links to the photos."),
]

LogoAlignment = Annotated[Line, Field(description="Logo corner, e.g. TL, TR (undocumented).")]

LogoPath = Annotated[Line, Field(description="Path of the logo.")]

BatchID = Annotated[Line, Field(description="From an upload.")]

PicID = Annotated[int, AfterValidator(_natural), Field(description="From getImageStatus.")]

PicIDs = Annotated[
    list[Annotated[int, AfterValidator(_natural)]], AfterValidator(_some), AfterValidator(_unique)
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
    AfterValidator(_unique),
    Field(
        min_length=1,
        max_length=6,
        json_schema_extra={"uniqueItems": True},
        description="All that apply.",
    ),
]

AnswerID = Annotated[
    int | str, BeforeValidator(_number_if_digits), WithJsonSchema({"type": ["integer", "string"]})
]
"""An id in an answer: a number in the documents; digits become one, anything else is kept as it came."""

Flag = Annotated[bool, BeforeValidator(lambda value: False if value in (None, "") else value)]
"""A boolean in an answer; left out, null or empty it is false."""

Words = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
"""A text in an answer; null is empty."""

Number = Annotated[int | float, WithJsonSchema({"type": "number"})]
"""A number in an answer, also as text."""
