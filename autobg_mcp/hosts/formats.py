"""What hosts' files are written in: read, and changed in named places while the rest stays as it is."""

import copy
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import JsonValue

from autobg_mcp.errors import FileRefusedError
from autobg_mcp.hosts import json_edits, jsonc
from autobg_mcp.hosts.table import Format
from autobg_mcp.text import local_path

MOST_BYTES: Final = 2**25
"""A host's file that is larger is not read."""

_BOM = "\ufeff"
_MEND = "Mend the file by hand, or move it away, and repeat the command. Nothing was changed."


@dataclass(frozen=True)
class FileChange:
    """A change to a file.

    Attributes:
        path: The names that lead to what is changed.
        value: What is to stand there.
        kind: Whether the value is put there, or whatever is there taken away.
    """

    path: tuple[str, ...]
    value: JsonValue = None
    kind: Literal["put", "remove"] = "put"


def text_of(path: Path) -> str:
    """The text of a host's file as it stands there, line ends and byte order mark included.

    Raises:
        FileRefusedError: It is no plain file, too large, or not UTF-8.
        OSError: It is not there, or cannot be read.
    """
    status = path.stat()
    if not path.is_file():
        raise FileRefusedError(f"{local_path(path)} is no plain file.", next_step=_MEND)
    if status.st_size > MOST_BYTES:
        raise FileRefusedError(f"{local_path(path)} is larger than {MOST_BYTES:,} bytes.", next_step=_MEND)
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise FileRefusedError(f"{local_path(path)} is not in UTF-8.", next_step=_MEND) from None


def load(text: str, format_: Format, path: Path) -> dict[str, JsonValue]:
    """What stands in a host's file; an empty one is an empty table.

    Args:
        text: The file's text, with or without a byte order mark.
        format_: What it is written in.
        path: The file, for the words of an error.

    Raises:
        FileRefusedError: It is broken; the message says where.
        ConfigurationError: It is YAML, and the extra `config` is not installed.
    """
    text = text.removeprefix(_BOM)
    try:
        document = _parsed(text, format_) if text.strip() else {}
    except ValueError as error:
        raise FileRefusedError(f"{local_path(path)} is broken: {error}.", next_step=_MEND) from None
    except RecursionError:
        raise FileRefusedError(f"{local_path(path)} is nested too deeply.", next_step=_MEND) from None
    if not isinstance(document, dict):
        raise FileRefusedError(f"{local_path(path)} holds no table of settings.", next_step=_MEND)
    return document


def _parsed(text: str, format_: Format) -> JsonValue:
    if format_ == "json":
        return jsonc.parse(text).plain()
    if format_ == "toml":
        document: JsonValue = tomllib.loads(text)
        return document
    written: JsonValue = _library("yaml").load(text)
    return written


def changed(text: str, format_: Format, changes: Sequence[FileChange], path: Path) -> str:
    """The text of a host's file with changes; byte order mark and line ends stay as they are.

    Raises:
        FileRefusedError: The file is broken, or cannot be changed without changing anything else.
        ConfigurationError: It takes a library that is not installed.
    """
    before = load(text, format_, path)
    try:
        expected = _applied(before, changes)
        after = text if expected == before else _rewritten(text, format_, changes)
    except ValueError as error:
        raise FileRefusedError(f"{local_path(path)} cannot be changed: {error}.", next_step=_MEND) from None
    if _without_hollow(load(after, format_, path)) != _without_hollow(expected):
        raise FileRefusedError(
            f"{local_path(path)} cannot be changed without changing something else in it.",
            next_step="Add the block by hand; the command without --write prints it. Nothing was changed.",
        )
    return after


def _rewritten(text: str, format_: Format, changes: Sequence[FileChange]) -> str:
    """The text with changes, and with the byte order mark and the line ends that it had."""
    mark = _BOM if text.startswith(_BOM) else ""
    bare = text.removeprefix(_BOM)
    ends = "\r\n" if "\r\n" in bare and bare.count("\r\n") == bare.count("\n") else "\n"
    return mark + _edited(bare.replace(ends, "\n"), format_, changes).replace("\n", ends)


def _applied(document: dict[str, JsonValue], changes: Sequence[FileChange]) -> dict[str, JsonValue]:
    """What a file holds after changes: what its text is checked against."""
    whole = copy.deepcopy(document)
    for change in changes:
        _apply(whole, change, lambda _: {})
    return whole


def _apply(document: Any, change: FileChange, table: Callable[[bool], Any]) -> None:
    """Make a change in what a file holds, whatever has read it.

    Args:
        document: Tables in tables.
        change: What to change.
        table: Makes a table that is missing on the way; told whether that is to hold nothing but another one.

    Raises:
        ValueError: Something else stands where a table should.
    """
    *way, last = change.path
    for depth, name in enumerate(way):
        if change.kind == "put" and document.get(name) is None:
            document[name] = table(depth == 0 and len(way) > 1)
        document = document.get(name)
        if not isinstance(document, dict):
            if change.kind == "put":
                raise ValueError(f"{name} is no table")
            return
    if change.kind == "put":
        document[last] = change.value
    elif last in document:
        del document[last]


def _without_hollow(value: JsonValue) -> JsonValue:
    """The value without tables that hold nothing, which TOML does not write."""
    if not isinstance(value, dict):
        return value
    kept = {name: _without_hollow(one) for name, one in value.items()}
    return {name: one for name, one in kept.items() if one != {}}


def _edited(text: str, format_: Format, changes: Sequence[FileChange]) -> str:
    """The text with changes one after the other; it may be empty."""
    if format_ != "json":
        library = _library(format_)

        def apply(document: Any) -> None:
            for change in changes:
                _apply(document, change, library.table)

        edited: str = library.edited(text, apply)
        return edited
    text = text if text.strip() else "{}\n"
    for change in changes:
        is_put = change.kind == "put"
        text = (
            json_edits.put(text, change.path, change.value)
            if is_put
            else json_edits.remove(text, change.path)
        )
    return text


def _library(format_: Format) -> Any:
    """The module that changes a format by a library, which is an extra and for one host."""
    return import_module(f"autobg_mcp.hosts.{format_}_edits")
