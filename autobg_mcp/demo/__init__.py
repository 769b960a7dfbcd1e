"""A host's day against the sandbox, told as a transcript: photos in, pictures out, one reported, credits asked."""

from autobg_mcp.demo.processes import DemoFailedError
from autobg_mcp.demo.story import play

__all__ = ["DemoFailedError", "play"]
