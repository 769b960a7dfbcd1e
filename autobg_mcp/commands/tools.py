"""Lists the tools."""

import argparse
import json
import sys

from autobg_mcp.commands.session import declare_sandbox, load_settings

SUMMARY = "list the tools"


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    declare_sandbox(parser)
    parser.add_argument("--json", action="store_true", help="exactly what MCP lists")


def run(options: argparse.Namespace) -> int:
    """Print a line a tool, or the listing as JSON."""
    from autobg_mcp.tools.offer import Offer

    tools = Offer(load_settings(options)).tools
    if options.json:
        listed = {"tools": [tool.listed for tool in tools.values()]}
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return 0
    if not tools:
        print("AUTOBG_TOOLSETS and AUTOBG_READ_ONLY together leave no tool.", file=sys.stderr)
    width = max(map(len, tools), default=0)
    for name, tool in tools.items():
        print(f"{name:<{width}}  {tool.toolset:<10}  {tool.effect:<7}  {tool.summary}")
    return 0
