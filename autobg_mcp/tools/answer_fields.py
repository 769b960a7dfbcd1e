"""Types in answers that several tools share: whatever the API says, as a model may read it."""

import re
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from autobg_mcp.text import cleaned
from autobg_mcp.tools.fields import ID, LARGEST_ID, NO_BOOLEAN

_MOST_SHOWN = 100
_LONGEST_SHOWN_CHARS = 300


def _number_if_digits(value: object) -> object:
    """Digits become a number, unless that would lose leading zeros or, where numbers are floats, digits."""
    digits = isinstance(value, str) and re.fullmatch(r"0|-?[1-9][0-9]{0,15}", value)
    number = int(value) if isinstance(value, str) and digits else value
    is_too_large = isinstance(number, int) and abs(number) > LARGEST_ID
    return str(number) if is_too_large else number


def _words(value: object) -> object:
    """A text of an answer as a model may read it; null is empty."""
    if isinstance(value, str):
        return cleaned(value)
    return "" if value is None else str(value) if isinstance(value, int | float) else value


def listed(data: JsonValue, noun: str) -> JsonValue:
    """The list in an answer's `data`, which is a bare list in the documents; also found under its noun."""
    if isinstance(data, dict) and noun in data:
        return data[noun]
    return [] if data in (None, "", {}) else data


def _id_or_words(value: object, rule: ValidatorFunctionWrapHandler) -> object:
    """Where neither form of an id fits, pydantic would name its own parts."""
    try:
        return rule(value)
    except ValidationError:
        raise ValueError("an id") from None


AnswerID = Annotated[
    Annotated[int, NO_BOOLEAN, Field(ge=-(2**63), lt=2**63)]
    | Annotated[str, StringConstraints(strip_whitespace=True, pattern=ID)],
    BeforeValidator(_number_if_digits),
    WrapValidator(_id_or_words),
    PlainSerializer(str, return_type=str),
]
"""An id in an answer: a number in the documents; digits become one, anything else is kept as it came.

It is told as text, so that an id has one type everywhere; arguments take it as text and as a number.
"""

ToldPicID = Annotated[int, PlainSerializer(str, return_type=str)]
"""The id of a picture that a call named, told as every id is."""

Flag = Annotated[bool, BeforeValidator(lambda value: False if value in (None, "") else value)]
"""A boolean in an answer; left out, null or empty it is false."""

Words = Annotated[str, BeforeValidator(_words)]
"""A text in an answer, on one line and shortened."""

Number = Annotated[
    Annotated[int, Field(ge=-(2**63), lt=2**63)] | Annotated[float, Field(allow_inf_nan=False)],
    NO_BOOLEAN,
    WithJsonSchema({"type": "number"}),
]
"""A number in an answer, also as text."""

Pruned = Annotated[JsonValue, WithJsonSchema({"maxItems": _MOST_SHOWN})]
"""JSON of unknown shape in an answer, once `pruned`; a schema without any bound counts as a fault at some hosts."""


def pruned(value: JsonValue, depth: int = 12) -> JsonValue:
    """JSON of unknown shape as a model may read it: texts cleaned and shortened, at most 100 entries a list, 12 levels deep."""
    if isinstance(value, str):
        return cleaned(value, _LONGEST_SHOWN_CHARS)
    if isinstance(value, list | dict) and not depth:
        return "…"
    if isinstance(value, list):
        return [pruned(item, depth - 1) for item in value[:_MOST_SHOWN]]
    if isinstance(value, dict):
        shown = list(value.items())[:_MOST_SHOWN]
        return {cleaned(name, 60): pruned(item, depth - 1) for name, item in shown}
    return value
