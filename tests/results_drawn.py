"""Results of any tool, drawn from their models: every field can hold whatever its type allows, and optional ones can lack."""

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from autobg_mcp.toolkit.tool import Result

TEXT = st.text(st.characters(), max_size=30)
"""Any text, also such as no transport can send: halves of characters, controls, line breaks."""

_BY_TYPE: dict[object, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(10**30), 10**30),
    float: st.floats(),
    bool: st.booleans(),
    bytes: st.binary(max_size=9),
    type(None): st.none(),
    JsonValue: st.recursive(
        st.none() | TEXT | st.integers() | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=6,
    ),
}


def results(kind: type[Result]) -> st.SearchStrategy[Result]:
    """Results with any values, each optional field there or not."""
    return _models(kind)


def variants(kind: type[Result]) -> Iterator[frozenset[str]]:
    """Which optional fields a result has: none, each alone, all."""
    optional = frozenset(name for name, field in kind.model_fields.items() if not field.is_required())
    yield from {frozenset(), optional, *(frozenset({name}) for name in optional)}


def example(kind: Any, fields: frozenset[str] = frozenset()) -> Any:
    """The plainest result of a type; of its optional fields only `fields` are there."""
    chosen = {n: f.annotation for n, f in kind.model_fields.items() if f.is_required() or n in fields}
    return kind(**{name: _plain(annotation) for name, annotation in chosen.items()})


def _plain(annotation: Any) -> Any:
    """The plainest value of a type; None within a part of a result where one may be."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, Union, types.UnionType):
        return _plain(inner[0])
    if origin in (list, dict):
        return [_plain(inner[0])] if origin is list else {"name": _plain(inner[1])}
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        parts = {n: None if type(None) in get_args(kind) else _plain(kind) for n, kind in hints.items()}
        return annotation(**parts)  # type: ignore[operator]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example(annotation)
    return {str: "text", int: 7, float: 1.5, bool: True, bytes: b"", JsonValue: {"a": [None]}}.get(annotation)


def _models(kind: Any) -> st.SearchStrategy[Any]:
    fields = {True: {}, False: {}}  # type: dict[bool, dict[str, st.SearchStrategy[Any]]]
    for name, field in kind.model_fields.items():
        fields[field.is_required()][name] = _any(field.annotation)
    values = st.fixed_dictionaries(fields[True], optional=fields[False])
    return values.map(lambda drawn: kind.model_construct(**drawn))


def _any(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value of a type."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in _BY_TYPE:
        return _BY_TYPE[annotation]
    if origin in (Annotated, Union, types.UnionType):
        return st.one_of([_any(one) for one in (inner[:1] if origin is Annotated else inner)])
    if origin is list:
        return st.lists(_any(inner[0]), max_size=4)
    if origin is dict:
        return st.dictionaries(TEXT, _any(inner[1]), max_size=4)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _models(annotation)
    return st.builds(annotation, **{n: _any(kind) for n, kind in typing.get_type_hints(annotation).items()})
