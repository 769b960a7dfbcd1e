"""Every tool there is, in the order a model reads them."""

import difflib
from collections.abc import Collection, Iterable

from autobg_mcp.errors import ArgumentsRefusedError, ConfigurationError
from autobg_mcp.settings import Settings
from autobg_mcp.text import cleaned
from autobg_mcp.throttle import parse_rate_limits
from autobg_mcp.toolkit.tool import Result, Tool
from autobg_mcp.tools import ENDPOINTS, TOOLS

BY_NAME: dict[str, type[Tool[Result]]] = {tool.tool: tool for tool in TOOLS}


def offered(settings: Settings) -> dict[str, type[Tool[Result]]]:
    """The tools that the settings offer by name, in the order of the documents."""
    return {
        tool.tool: tool
        for tool in TOOLS
        if tool.toolset in settings.toolsets and (tool.effect == "reads" or not settings.read_only)
    }


def find(name: str, settings: Settings) -> type[Tool[Result]]:
    """The tool of that name.

    Raises:
        ArgumentsRefusedError: There is none, or a setting hides it.
    """
    tool, there = BY_NAME.get(name), offered(settings)
    if tool is None:
        close = difflib.get_close_matches(name, there, n=1)
        hint = f"; did you mean {close[0]}?" if close else "."
        raise ArgumentsRefusedError(
            f"There is no tool {cleaned(name, 60)}{hint}", next_step="Choose a listed tool."
        )
    if name not in there:
        setting = "AUTOBG_READ_ONLY" if tool.toolset in settings.toolsets else "AUTOBG_TOOLSETS"
        raise ArgumentsRefusedError(
            f"{name} is switched off by {setting}.",
            next_step="Tell the user; only the operator can change that.",
        )
    return tool


def check_names(settings: Settings) -> None:
    """Hold the names in the settings against the endpoints there are.

    Raises:
        ConfigurationError: A limit, a path or a field is set for an endpoint or a field that does not exist.
    """
    endpoints = {endpoint.tool: endpoint for endpoint in ENDPOINTS}
    fields = {f"{tool}.{wire}" for tool, endpoint in endpoints.items() for wire in endpoint.wire_names()}
    _check("AUTOBG_RATE_LIMITS", parse_rate_limits(settings.rate_limits), {*endpoints, "*"})
    _check("AUTOBG_PATHS", settings.paths, endpoints)
    _check("AUTOBG_FIELD_NAMES", settings.field_names, fields)


def _check(variable: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ". See: autobg-mcp tools"
            raise ConfigurationError(f"{variable} names {name!r}, which does not exist{hint}")
