"""From the address in a setting to a throttle."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import ConfigurationError
from autobg_mcp.installation import adding
from autobg_mcp.throttle.memory import MemoryThrottle
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.slot import Throttle
from autobg_mcp.throttle.sqlite import SqliteStore
from autobg_mcp.throttle.store import Store

SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")
"""The first words of addresses that name a Redis or Valkey server."""


def open_throttle(address: str, *, state_dir: Path, reach_s: float = 10.0, clock: Clock = SYSTEM) -> Throttle:
    """The throttle that an address names. Nothing is opened before the first slot is asked for.

    Args:
        address: `sqlite:` (a file in `state_dir`), `memory:`, or a Redis or Valkey address.
        state_dir: The folder of the state file, made if it does not exist.
        reach_s: The longest a request takes from being given its slot until it has reached the server.
        clock: Tells the time.

    Raises:
        ConfigurationError: The address names no store, or the package it needs is not installed.
    """
    if address == "memory:":
        return MemoryThrottle(reach_s=reach_s, clock=clock)
    store: Store
    if address == "sqlite:":
        store = SqliteStore(state_dir / "throttle.sqlite3", clock=clock)
    elif address.partition("://")[0] in SCHEMES:
        store = _redis_store(address, clock)
    else:
        raise ConfigurationError(
            "The throttle address names no store. Use sqlite:, memory: or redis://host:port/db."
        )
    return SharedThrottle(store, reach_s=reach_s, clock=clock, worker=ThreadPoolExecutor(1, "throttle"))


def _redis_store(address: str, clock: Clock) -> Store:
    try:
        from autobg_mcp.throttle.redis import RedisStore  # noqa: PLC0415 - an optional package
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"A throttle on Redis or Valkey needs a package that is not installed. Run: {adding('redis')}"
        ) from missing
    return RedisStore(address, clock=clock)
