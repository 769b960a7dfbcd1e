"""A car of twelve photos against the sandbox, told as a transcript: sent through a killed process, looked at, one redone."""

from autobg_mcp.demo.processes import DemoFailedError
from autobg_mcp.demo.story import play

__all__ = ["DemoFailedError", "play"]
