"""Changes to a file in TOML, by `tomlkit`, which keeps comments and order."""

from collections.abc import Callable
from typing import Any

from autobg_mcp.hosts.absent_library import told_what_to_install

with told_what_to_install("tomlkit", "TOML"):
    import tomlkit
    from tomlkit.exceptions import TOMLKitError


def edited(text: str, apply: Callable[[Any], None]) -> str:
    """The text after changes to what it holds.

    Raises:
        ValueError: The text is broken, or cannot be changed so.
    """
    try:
        document = tomlkit.parse(text)
        apply(document)
        return tomlkit.dumps(document)
    except TOMLKitError as error:
        raise ValueError(" ".join(str(error).split())) from None


def table(holds_one_table: bool) -> Any:
    """A new table; one that holds nothing but another has no heading of its own."""
    return tomlkit.table(is_super_table=holds_one_table)
