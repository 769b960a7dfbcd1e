"""Lists the tools."""

import argparse
import json

from autobg_mcp.commands.session import declare_sandbox, load_settings

SUMMARY = "list the tools"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    declare_sandbox(parser)
    parser.add_argument("--json", action="store_true", help="exactly what MCP lists")


def run(options: argparse.Namespace) -> int:
    """Print a line a tool, or the listing as JSON."""
    from autobg_mcp.serving.server import listing  # noqa: PLC0415  # --help needs none of it
    from autobg_mcp.tools.offer import offered  # noqa: PLC0415

    tools = list(offered(load_settings(options)).values())
    if options.json:
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listing(tools)]
        print(json.dumps({"tools": listed}, indent=2, ensure_ascii=False))
        return 0
    width = max(len(tool.tool) for tool in tools)
    for tool in tools:
        print(f"{tool.tool:<{width}}  {tool.toolset:<10}  {tool.effect:<7}  {tool.summary()}")
    return 0
