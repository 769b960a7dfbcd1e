"""What is missing where a tool is declared: each mistake in a line that begins with the file to mend."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import autobg_mcp.tools
from autobg_mcp.sandbox import exchanges
from autobg_mcp.sandbox.app import endpoints
from autobg_mcp.toolkit.tool import Result, Tool
from autobg_mcp.tools import MODULES, class_name

TABLE_OF_CONTENTS = "autobg_mcp/tools/__init__.py"


def mistakes() -> list[str]:
    """Everything that is missing; the later lines are only sought where the earlier ones are in order."""
    return [*_contents()] or [*_undescribed()]


def _declared() -> dict[str, tuple[str, type[Tool[Result]]]]:
    """Every class that declares a tool, by the name it should have, with its module."""
    modules = [
        import_module(f"autobg_mcp.tools.{module.name}") for module in iter_modules(autobg_mcp.tools.__path__)
    ]
    return {
        name[0].lower() + name[1:]: (module.__name__.rpartition(".")[2], value)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__ and "tool" in vars(value)
    }


def _contents() -> Iterator[str]:
    declared = _declared()
    for tool, (module, cls) in declared.items():
        if cls.tool != tool:
            yield f"autobg_mcp/tools/{module}.py: {cls.__name__} is the class of {tool}, not of {cls.tool}"
        elif MODULES.get(tool) != module:
            yield f'{TABLE_OF_CONTENTS}: MODULES lacks "{tool}": "{module}"'
    for tool, module in MODULES.items():
        if tool not in declared:
            yield f"autobg_mcp/tools/{module}.py: there is no class {class_name(tool)}, which {TABLE_OF_CONTENTS} names"


def _undescribed() -> Iterator[str]:
    from autobg_mcp.tools import ENDPOINTS  # noqa: PLC0415  # only once every tool can be loaded

    ours = {endpoint.tool for endpoint in ENDPOINTS}
    shown, served = exchanges().keys(), {line.tool for line in endpoints()}
    for tool in sorted(ours - shown):
        yield f"autobg_mcp/sandbox/exchanges/{tool}.json: missing; it holds the documented request and answer"
    for tool in sorted(ours - served):
        yield f"autobg_mcp/sandbox/app.py: TABLE lacks a line for {tool}"
    for tool in sorted(shown - ours):
        yield f"autobg_mcp/sandbox/exchanges/{tool}.json: belongs to no endpoint"
    for tool in sorted(served - ours):
        yield f"autobg_mcp/sandbox/app.py: TABLE serves {tool}, which is no endpoint"
