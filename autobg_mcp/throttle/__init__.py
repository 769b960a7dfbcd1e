"""Slots for calls to a server with a rate limit, shared by every process and machine that uses the same account."""

from autobg_mcp.throttle.memory import MemoryThrottle
from autobg_mcp.throttle.opening import open_throttle
from autobg_mcp.throttle.policy import Limit, parse_rate_limits
from autobg_mcp.throttle.slot import Budget, Slot, Throttle, Waiting

__all__ = [
    "Budget",
    "Limit",
    "MemoryThrottle",
    "Slot",
    "Throttle",
    "Waiting",
    "open_throttle",
    "parse_rate_limits",
]
