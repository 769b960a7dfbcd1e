"""The settings in words: their variables, defaults and meanings, read from the settings' own source."""

import ast
import itertools
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import autobg_mcp.settings
from autobg_mcp.settings import Settings


def meanings() -> dict[str, str]:
    """What stands under each field of the settings."""
    module = ast.parse(Path(autobg_mcp.settings.__file__).read_text("utf-8"))
    (body,) = (
        node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Settings"
    )
    return {
        field.target.id: " ".join(meaning.value.value.split())
        for field, meaning in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(meaning, ast.Expr) and isinstance(meaning.value, ast.Constant)
        if isinstance(meaning.value.value, str)
    }


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"AUTOBG_{name.upper()}"


def default_of(field: FieldInfo) -> str:
    """The default as an operator would write it; empty where there is none, or the platform decides."""
    value = field.default
    if field.default_factory is not None or value in (None, "", (), {}):
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _kinds(field: FieldInfo) -> set[object]:
    """The types that a setting takes, unions taken apart."""
    is_union = get_origin(field.annotation) in (Union, UnionType)
    return set(get_args(field.annotation)) if is_union else {field.annotation}


def environment_variables() -> list[dict[str, object]]:
    """The settings as the registry's schema describes inputs."""
    meaning = meanings()
    return [
        _environment_variable(name, field, meaning[name]) for name, field in Settings.model_fields.items()
    ]


def _environment_variable(name: str, field: FieldInfo, meaning: str) -> dict[str, object]:
    kinds = _kinds(field)
    formats: dict[object, str] = {bool: "boolean", int: "number", float: "number", Path: "filepath"}
    format_ = next((word for kind, word in formats.items() if kind in kinds), "string")
    entry: dict[str, object] = {
        "name": variable(name),
        "description": meaning.replace("`", ""),
        "format": format_,
    }
    if name == "api_key":
        entry["isRequired"] = True
    if SecretStr in kinds:
        entry["isSecret"] = True
    if get_origin(field.annotation) is Literal:
        entry["choices"] = [str(choice) for choice in get_args(field.annotation)]
    if default_of(field):
        entry["default"] = default_of(field)
    return entry
