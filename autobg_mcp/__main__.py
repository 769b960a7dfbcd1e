"""Lets `python -m autobg_mcp` be the command."""

from autobg_mcp.cli import main

main()
