"""Changes to a file in TOML, by `tomlkit`, which keeps comments and order."""

from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from autobg_mcp.hosts.absent_library import told_what_to_install

with told_what_to_install("tomlkit", "TOML"):
    import tomlkit
    from tomlkit.exceptions import TOMLKitError


def put(text: str, path: Sequence[str], value: JsonValue) -> str:
    """The text with the value under these names; tables that are missing on the way are made.

    Raises:
        ValueError: The text is broken, or something else stands where a table should.
    """
    try:
        document = tomlkit.parse(text)
        table: Any = document
        for depth, name in enumerate(path[:-1]):
            if name not in table:
                table[name] = tomlkit.table(is_super_table=depth == 0 and len(path) > 2)  # noqa: PLR2004  # no heading of its own
            table = table[name]
            if not isinstance(table, dict):
                raise ValueError(f"{'.'.join(path[: depth + 1])} is no table")  # noqa: TRY004  # the text is wrong, no caller of ours
        table[path[-1]] = value
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(" ".join(str(error).split())) from None


def remove(text: str, path: Sequence[str]) -> str:
    """The text without what stands under these names."""
    document = tomlkit.parse(text)
    table: Any = document
    for name in path[:-1]:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    if path[-1] not in table:
        return text
    del table[path[-1]]
    return tomlkit.dumps(document)
