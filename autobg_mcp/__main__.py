"""Lets `python -m autobg_mcp` be the command."""

from autobg_mcp.commands import main

main()
