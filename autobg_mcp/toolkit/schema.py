"""JSON schemas as a model reads them: small, plain, and followed by every host."""

import functools
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

_UNLISTED = {"additionalProperties", "readOnly", "pattern", "minLength", "minItems"}
"""What is held at the call and not listed: some hosts refuse the first, and a model need not pay for the others."""

_LARGEST_LISTED = 1000


class _PlainSchema(GenerateJsonSchema):
    """Schemas without titles and null alternatives: smaller, and every host can follow them."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # the answer is always no
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        null_is_left_out = self.mode == "serialization" and field["schema"]["type"] == "nullable"
        return not null_is_left_out and super().field_is_required(field, total)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        plain = super().default_schema(schema)
        if plain.get("default") in (None, False, "") or self.mode == "serialization":
            plain.pop("default", None)  # what is not said counts as not given
        return plain


@functools.cache
def schema_of(model: type[BaseModel], mode: JsonSchemaMode) -> JsonSchemaValue:
    """The schema of arguments (`validation`) or of a result (`serialization`), without references and titles."""
    schema = model.model_json_schema(by_alias=True, mode=mode, schema_generator=_PlainSchema)
    definitions = cast("dict[str, JsonValue]", schema.pop("$defs", {}))  # pydantic puts nothing else there
    plain = _plain(cast("JsonValue", schema), definitions)
    if not isinstance(plain, dict):
        raise TypeError(f"{model.__name__} has no object schema")
    plain.pop("description", None)
    if mode == "serialization":
        _without_next(plain)
    return plain


def _without_next(schema: dict[str, JsonValue]) -> None:
    """Leave the hint out of a result's schema: every result has it, and a model pays for each mention."""
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        del properties["next"]
        required.remove("next")


def _plain(node: JsonValue, definitions: Mapping[str, JsonValue]) -> JsonValue:
    """The schema with every reference replaced by what it names, and without what need not be listed."""
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rpartition("/")[2]]
        merged = {**target, **node} if isinstance(target, dict) else node
        merged.pop("$ref", None)
        if "description" not in node:
            merged.pop("description", None)
        return _plain(merged, definitions)
    return {
        name: {key: _plain(value, definitions) for key, value in child.items()}
        if name == "properties" and isinstance(child, dict)
        else _plain(child, definitions)
        for name, child in node.items()
        if _is_listed(name, node)
    }


def _is_listed(keyword: str, schema: Mapping[str, JsonValue]) -> bool:
    """Whether a model pays for a keyword: not for titles, nor for bounds that every sensible value keeps."""
    if keyword == "title":
        return not isinstance(schema["title"], str)
    if keyword in ("minimum", "maximum"):
        highest = schema.get("maximum")
        return isinstance(highest, int | float) and highest <= _LARGEST_LISTED
    return keyword not in _UNLISTED and not (keyword == "maxLength" and "type" in schema)
