"""An operator's word on the fields of a request: other names, places and forms, and fields that are always sent.

The fields of some endpoints are undocumented. Who learns what they are called says so in `AUTOBG_FIELDS`, by tool and field:

- `"logo"`: the field's name; `"branding.logo"`: inside an object, where the body is JSON; `["logo", "badge"]`: under each.
- `{"to": "logos", "as": "list"}`: as a list, or as `text`; `to` may be left out.
- `null`: not sent.
- a field whose name begins with `+` is added, with its value; in a form `{"file": "plate.png"}` adds a picture of the image
  folders.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from autobg_mcp.api.exchange import FilePart
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.text import expected

ADDED = "+"
"""What the name of an added field begins with."""

FieldValue = JsonValue | FilePart

_Name = Annotated[str, Field(pattern=r"^[\w$\[\]-]+(\.[\w$\[\]-]+)*$", max_length=100)]


def _as_rule(value: object) -> object:
    """The short ways to write a rule."""
    if value is None:
        return {"to": []}
    return {"to": value} if isinstance(value, str | list) else value


class FieldRule(BaseModel):
    """How one field is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    to: Annotated[
        tuple[_Name, ...] | None, BeforeValidator(lambda to: [to] if isinstance(to, str) else to)
    ] = None
    """The names it is sent under; none sends it not at all, None sends it under its own."""

    form: Annotated[Literal["list", "text"] | None, Field(alias="as")] = None


_RULE: TypeAdapter[FieldRule] = TypeAdapter(Annotated[FieldRule, BeforeValidator(_as_rule)])
_NAME: TypeAdapter[str] = TypeAdapter(_Name)


@dataclass(frozen=True)
class Reshaping:
    """What the operator says about the fields of one tool."""

    rules: Mapping[str, FieldRule]
    added: Mapping[str, JsonValue]
    """Fields that are always sent, under names that begin with `+`."""

    @classmethod
    def of(cls, said: Mapping[str, JsonValue]) -> Self:
        """Read what the setting says of one tool.

        Raises:
            ConfigurationError: A rule is none; it is named by its number, and its text is not shown.
        """
        rules, added = {}, {}
        for number, (name, value) in enumerate(said.items(), 1):
            try:
                if name.startswith(ADDED):
                    _NAME.validate_python(name.removeprefix(ADDED))
                    added[name] = value
                else:
                    rules[name] = _RULE.validate_python(value)
            except ValidationError as error:
                wrong = expected(error.errors()[0])
                raise ConfigurationError(
                    f"AUTOBG_FIELDS: field {number} has no usable rule: {wrong}"
                ) from None
        return cls(rules, added)

    def names(self, field: str) -> tuple[str, ...]:
        """The names that a field is sent under; none where it is not sent."""
        rule = self.rules.get(field)
        return (field.removeprefix(ADDED),) if rule is None or rule.to is None else rule.to

    def files(self) -> dict[str, str]:
        """The paths of pictures that are added to a form."""
        return {
            name: str(value["file"])
            for name, value in self.added.items()
            if isinstance(value, dict) and value.keys() == {"file"}
        }

    def applied(self, values: Mapping[str, FieldValue], *, nests: bool) -> dict[str, FieldValue]:
        """The fields as they are sent.

        Args:
            values: The declared fields, and files that are added.
            nests: Whether a dot in a name leads into an object; else the name goes out as it is written.
        """
        sent: dict[str, FieldValue] = {}
        for field, value in {**values, **self.added, **values}.items():
            rule = self.rules.get(field)
            for name in self.names(field):
                _put(sent, name.split(".") if nests else [name], _shaped(value, rule.form if rule else None))
        return sent


def text_of(value: JsonValue) -> str:
    """A value where only text goes: booleans as `true` and `false`, as the one known caller of the API sends them."""
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shaped(value: FieldValue, form: Literal["list", "text"] | None) -> FieldValue:
    if form == "list" and not isinstance(value, list):
        return [value]  # type: ignore[list-item]  # a file in a list is a part of a form
    return text_of(value) if form == "text" and not isinstance(value, FilePart) else value


def _put(sent: dict[str, FieldValue], path: list[str], value: FieldValue) -> None:
    """Put a value where the path leads to, making the objects on the way."""
    inside: dict[str, JsonValue] = sent  # type: ignore[assignment]  # only JSON is nested
    for name in path[:-1]:
        inside = inside.setdefault(name, {})  # type: ignore[assignment]  # checked: no name is both
    inside[path[-1]] = value  # type: ignore[assignment]


def parts_of(sent: Mapping[str, FieldValue]) -> Iterator[tuple[str, str | FilePart]]:
    """The fields as parts of a form: a list is a part for each of its items."""
    for name, value in sent.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one if isinstance(one, FilePart) else text_of(one)
