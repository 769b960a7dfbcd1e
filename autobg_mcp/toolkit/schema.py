"""JSON schemas as a model reads them: small, plain, and followed by every host."""

import functools
from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema


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
        if plain.get("default") in (None, False) or self.mode == "serialization":
            plain.pop("default", None)  # what is not said counts as not given
        return plain


@functools.cache
def schema_of(model: type[BaseModel], mode: JsonSchemaMode) -> JsonSchemaValue:
    """The schema of arguments (`validation`) or of a result (`serialization`), without references and titles."""
    schema = model.model_json_schema(by_alias=True, mode=mode, schema_generator=_PlainSchema)
    definitions = cast("dict[str, JsonValue]", schema.pop("$defs", {}))  # pydantic puts nothing else there
    inlined = _inlined(cast("JsonValue", schema), definitions)
    if not isinstance(inlined, dict):
        raise TypeError(f"{model.__name__} has no object schema")
    inlined.pop("description", None)
    if mode == "serialization":
        _without_next(inlined)
    return inlined


def _without_next(schema: dict[str, JsonValue]) -> None:
    """Leave the hint out of a result's schema: every result has it, and a model pays for each mention."""
    properties, required = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        del properties["next"]
        required.remove("next")


def _inlined(node: JsonValue, definitions: Mapping[str, JsonValue]) -> JsonValue:
    """The schema with every reference replaced by what it names, and without the titles of models."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = definitions[reference.rpartition("/")[2]]
        merged = {**target, **node} if isinstance(target, dict) else node
        merged.pop("$ref", None)
        if "description" not in node:
            merged.pop("description", None)
        return _inlined(merged, definitions)
    return {
        name: {key: _inlined(value, definitions) for key, value in child.items()}
        if name == "properties" and isinstance(child, dict)
        else _inlined(child, definitions)
        for name, child in node.items()
        if not (name == "title" and isinstance(child, str)) and name != "readOnly"
    }
