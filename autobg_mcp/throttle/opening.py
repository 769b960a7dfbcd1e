"""From the address in a setting to a throttle."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from autobg_mcp.errors import ConfigurationError
from autobg_mcp.throttle.fallback import FallbackStore
from autobg_mcp.throttle.memory import MemoryStore, MemoryThrottle
from autobg_mcp.throttle.shared import SharedThrottle
from autobg_mcp.throttle.slot import Throttle
from autobg_mcp.throttle.sqlite import SqliteStore
from autobg_mcp.throttle.store import Store


def open_throttle(
    address: str,
    *,
    state_dir: Path,
    reach_s: float = 10.0,
    on_store_failure: Literal["refuse", "local"] = "refuse",
    machines: int = 1,
) -> Throttle:
    """The throttle that an address names. Nothing is opened before the first slot is asked for.

    Args:
        address: `sqlite:` (a file in `state_dir`), `memory:`, or a Redis or Valkey address.
        state_dir: The folder of the state file, made if it does not exist.
        reach_s: The longest a request takes from being given its slot until it has reached the server.
        on_store_failure: `refuse` calls while the store cannot be used, or go on with a `local` share of the allowance.
        machines: How many machines share the allowance, which makes the local share.

    Raises:
        ConfigurationError: The address names no store, or the package it needs is not installed.
    """
    if address == "memory:":
        return MemoryThrottle(reach_s=reach_s)
    store: Store
    local: Store
    if address == "sqlite:":
        store, local = SqliteStore(state_dir / "throttle.sqlite3"), MemoryStore()
    elif address.partition("://")[0] in {"redis", "rediss", "valkey", "valkeys", "unix"}:
        store, local = _redis_store(address), SqliteStore(state_dir / "throttle-local.sqlite3")
    else:
        raise ConfigurationError(
            f"The throttle address {address.partition('@')[2] or address!r} names no store. "
            "Use sqlite:, memory: or redis://host:port/db."
        )
    if on_store_failure == "local":
        store = FallbackStore(store, local, machines=machines)
    return SharedThrottle(store, reach_s=reach_s, worker=ThreadPoolExecutor(1, "throttle"))


def _redis_store(address: str) -> Store:
    try:
        from autobg_mcp.throttle.redis import RedisStore  # noqa: PLC0415 - an optional package
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            "A throttle on Redis or Valkey needs a package that is not installed. Run: pip install 'autobg-mcp[redis]'"
        ) from missing
    return RedisStore(address)
