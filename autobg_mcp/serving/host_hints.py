"""What single hosts read of a tool beside what MCP knows."""

from typing import TYPE_CHECKING, Final

from autobg_mcp.tools.offer import Offered

if TYPE_CHECKING:
    from pydantic import JsonValue

NEEDS_A_PERSON: Final = "anthropic/requiresUserInteraction"
"""Claude Code asks its user before every call of such a tool, whatever else they have allowed. Seen in version 2.1.331."""


def offered_as(tool: Offered, *, asks: bool) -> "dict[str, JsonValue]":
    """A tool as it is listed.

    Args:
        tool: The tool.
        asks: Whether the operator wants a person asked before any credit is spent (`AUTOBG_APPROVE=paid`).
    """
    listed = dict(tool.listed)
    return listed | {"_meta": {NEEDS_A_PERSON: True}} if asks and tool.effect == "spends" else listed
