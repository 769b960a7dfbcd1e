"""Autobg for agents and for Python: the API's endpoints as typed tools, throttled, never paid twice.

    async with Client(Settings.load()) as client:
        templates = await client.call(ListTemplates())

Every error that a call raises is an `AutobgError`; its kinds stand in `autobg_mcp.errors`. A name is loaded when it is
first used. `__init__.pyi`, which tells type checkers where each stands, is written by `python tests/documents.py`.
"""

from importlib import import_module

from autobg_mcp.tools import MODULES, class_name

_HOMES = {
    "AutobgError": "autobg_mcp.errors",
    "Call": "autobg_mcp.api.call",
    "Client": "autobg_mcp.client",
    "Settings": "autobg_mcp.settings",
    "TOOLS": "autobg_mcp.tools",
    **{class_name(tool): f"autobg_mcp.tools.{module}" for tool, module in MODULES.items()},
}
"""The module of each public name."""

__all__ = sorted([*_HOMES, "__version__"])  # noqa: PLE0605  # read from the table of contents


def __getattr__(name: str) -> object:
    """A public name, loaded now."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415  # 30 ms, for those who ask

        value: object = version("autobg-mcp")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
