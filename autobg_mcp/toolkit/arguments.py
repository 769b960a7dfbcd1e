"""What a caller gives: bounded first, undone from the ways hosts write it, and only then checked."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator
from pydantic.fields import FieldInfo

from autobg_mcp.text import folded

MOST_CHARS = 1_000_000
"""Characters in all texts of one call: 500 signed links fit."""

MOST_VALUES = 20_000
"""Values in one call, whatever holds them: 500 reports with all their reasons fit."""

_MOST_NAMES = 100
_LONGEST_NAME_CHARS = 100
_DEEPEST = 8
_LARGEST_NUMBER = 2**63


class Arguments(BaseModel):
    """What a caller gives, in any of the ways that hosts send it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _decode(cls, values: object) -> object:
        """Lists and objects also come as JSON text, lists as one lone item, choices in any spelling; what is null is not there.

        Hosts' adapters send null, an empty text or an empty list for every optional argument that a model left out.
        """
        decoded = _from_json(values, "{") if isinstance(values, str) else values
        if not isinstance(decoded, dict):
            return decoded
        return {
            name: _as_declared(value, cls.model_fields.get(name))
            for name, value in decoded.items()
            if not _is_absent(value, cls.model_fields.get(name))
        }


@dataclass(frozen=True)
class Separated:
    """A list that may also come as one text, for items that never hold what separates them.

    Args:
        by: The regular expression of where two items part, simple enough to take linear time; blanks and commas
            around an item are left off.
    """

    by: str


def bounded(arguments: Mapping[str, JsonValue]) -> None:
    """Look at size and depth alone, which is cheap, before anything that takes time.

    Raises:
        ValueError: The arguments are too large, too deep, or hold a number that nobody can mean.
    """
    level: list[JsonValue] = [dict(arguments)]
    values_left, chars_left = MOST_VALUES, MOST_CHARS
    for _ in range(_DEEPEST):
        values_left -= len(level)
        if values_left < 0:
            raise ValueError(f"at most {MOST_VALUES:,} values")
        chars_left -= sum(len(value) for value in level if isinstance(value, str))
        if chars_left < 0:
            raise ValueError(f"at most {MOST_CHARS:,} characters")
        level = list(islice(chain.from_iterable(map(_inner, level)), values_left + 1))
    if level:
        raise ValueError(f"at most {_DEEPEST} levels")


def _inner(value: JsonValue) -> Iterable[JsonValue]:
    """What a value holds."""
    if isinstance(value, dict):
        if len(value) > _MOST_NAMES or any(len(name) > _LONGEST_NAME_CHARS for name in value):
            raise ValueError(f"at most {_MOST_NAMES} names of at most {_LONGEST_NAME_CHARS} characters")
        return value.values()
    if isinstance(value, int | float) and not abs(value) < _LARGEST_NUMBER:
        raise ValueError("a number that is too large")
    return value if isinstance(value, list) else ()


def _is_absent(value: object, field: FieldInfo | None) -> bool:
    """Whether a value says no more than that the argument was left out."""
    if field is None or value is None:
        return field is not None
    is_empty = value in ("", [], {}) or (isinstance(value, str) and value.isspace())
    return is_empty and not field.is_required()


def _as_declared(value: object, field: FieldInfo | None) -> object:
    """The value in the shape and spelling that the field takes, where that is beyond doubt; else as it is."""
    if field is None:
        return value
    if _takes_list(field):
        value = _as_list(value, field)
    elif isinstance(value, list) and len(value) == 1:
        (value,) = value
    choices = {folded(choice): choice for choice in _choices(field.annotation)}
    if not choices or (isinstance(value, list) and len(value) > _MOST_NAMES):
        return value
    return [_chosen(one, choices) for one in value] if isinstance(value, list) else _chosen(value, choices)


def _as_list(value: object, field: FieldInfo) -> list[object]:
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return [value]
    decoded = _from_json(value, "[")
    if isinstance(decoded, list):
        return decoded
    marks = (*field.metadata, *_parts_of(field.annotation))
    separators = [mark.by for mark in marks if isinstance(mark, Separated)]
    if not separators:
        return [value]
    parts = re.split(separators[0], value, maxsplit=MOST_VALUES)
    return [item for part in parts if (item := part.strip(" ,\t\r\n"))]


def _choices(annotation: object) -> Iterator[str]:
    """The texts that a field chooses from, in it or in its list."""
    if get_origin(annotation) is Literal:
        yield from (choice for choice in get_args(annotation) if isinstance(choice, str))
    else:
        yield from chain.from_iterable(map(_choices, get_args(annotation)))


def _chosen(value: object, choices: Mapping[str, str]) -> object:
    """The choice that a text means, if it is one in another spelling."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME_CHARS:
        return value
    return choices.get(folded(value), value)


def _takes_list(field: FieldInfo) -> bool:
    return any(get_origin(one) is list for one in _parts_of(field.annotation))


def _parts_of(annotation: object) -> Iterator[object]:
    """An annotation and what it is made of down to its list: of an optional one the list is a part of a part."""
    yield annotation
    if get_origin(annotation) is not list:
        yield from chain.from_iterable(map(_parts_of, get_args(annotation)))


def _from_json(text: str, opening: str) -> object:
    """What a JSON text says, if it begins as it should and its size is bounded; else the text itself."""
    if text.lstrip().startswith(opening) and sum(map(text.count, "[{,")) <= MOST_VALUES:
        with suppress(ValueError, RecursionError):
            return json.loads(text)
    return text
