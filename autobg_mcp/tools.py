"""Every tool there is, in the order a model reads them."""

from collections.abc import Iterable

from autobg_mcp.endpoints import ENDPOINTS
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import parse_rate_limits
from autobg_mcp.tool import Result, Tool
from autobg_mcp.workflows import WORKFLOWS

TOOLS: tuple[type[Tool[Result]], ...] = (*ENDPOINTS, *WORKFLOWS)

BY_NAME: dict[str, type[Tool[Result]]] = {tool.tool: tool for tool in TOOLS}


def check_names(settings: Settings) -> None:
    """Hold the names in the settings against the endpoints there are.

    Raises:
        ConfigurationError: A limit, a path or a field is set for an endpoint that does not exist.
    """
    fields = (name.partition(".")[0] for name in settings.field_names)
    _check("AUTOBG_RATE_LIMITS", set(parse_rate_limits(settings.rate_limits)) - {"*"})
    _check("AUTOBG_PATHS", settings.paths)
    _check("AUTOBG_FIELD_NAMES", fields)


def _check(variable: str, names: Iterable[str]) -> None:
    known = {endpoint.tool for endpoint in ENDPOINTS}
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"{variable} names {name!r}, which is no endpoint. See: autobg-mcp tools"
            )
