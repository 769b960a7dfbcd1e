"""Buckets in Redis or Valkey, shared by every machine that reaches the server.

One script is all the server runs: it writes a bucket only if nobody has written it since it was read, and
otherwise hands out the bucket with the server's time, so the same step serves here as in every other store.
A grant's moment is read before it is written and an answer's after it arrived, so neither can err to the
wrong side, whatever the clocks of the machines say.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from autobg_mcp.errors import ConfigurationError, StateError
from autobg_mcp.throttle.bucket import Bucket
from autobg_mcp.throttle.encoding import decode, encode
from autobg_mcp.throttle.policy import SECOND_US
from autobg_mcp.throttle.store import boot_clock, microseconds

T = TypeVar("T")
_PREFIX = "autobg:throttle:"
_KEPT_S = 30 * 24 * 3600  # longer than any lesson lasts
_TIMEOUT_S = 3.0
_TRIES = 200
_JUMP_US = SECOND_US
_SCRIPT = """
local version, seen, state = unpack(redis.call('HMGET', KEYS[1], 'version', 'seen_us', 'state'))
local now = redis.call('TIME')
version = version or '0'
if ARGV[1] == version then
  local last = version == '0' and now[1] * 1000000 + now[2] or version  -- a key made anew repeats no version
  local next = string.format('%.0f', last + 1)
  redis.call('HSET', KEYS[1], 'version', next, 'seen_us', ARGV[3], 'state', ARGV[4])
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  return {'written', next}
end
if ARGV[2] == version then state = 'known' end
return {'read', version, seen or '0', state or '', now[1], now[2]}
"""
_NO_VERSION = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """A bucket as this process wrote it, which saves reading it again while nobody else writes."""

    version: str
    text: str
    bucket: Bucket


class RedisStore:
    """Keeps buckets on a server; connects when first needed.

    Args:
        address: redis://, rediss://, valkey://, valkeys:// or unix://, with user, password and database as usual.
        clock: Seconds of this machine, never set back; tells when the server's clock was moved.
        pause: Sleeps for seconds while another machine writes.

    Raises:
        ConfigurationError: The address is not one.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], float] = boot_clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._ahead_us: dict[str, int] = {}
        self._known: dict[str, _Known] = {}
        self._address = address.replace("valkey", "redis", 1)
        self._client: redis.Redis | None = None
        try:
            redis.Redis.from_url(self._address).close()  # reads the address without connecting
            parts = urlsplit(address)
            host, port = parts.hostname or "localhost", parts.port or 6379
        except ValueError as error:
            raise ConfigurationError(
                "The throttle address is not like redis://user:password@host:port/db."
            ) from error
        self._place = parts.path if parts.scheme == "unix" else f"{host}:{port}"

    def transact(self, name: str, move: Callable[[Bucket | None, int], tuple[Bucket, T]]) -> tuple[T, int]:
        """Runs `move`, again on a fresher bucket whenever another machine came first."""
        with self._explained():
            known = self._known.pop(name, None)
            reply = self._run(name, _NO_VERSION, known.version if known else _NO_VERSION)
            for _ in range(_TRIES):
                _, version, seen_us, before, seconds, rest_us = reply
                now_us = int(seconds) * SECOND_US + int(rest_us)
                bucket: Bucket | None
                if known is not None and before == "known":
                    bucket, before = known.bucket, known.text
                else:
                    bucket = decode(before, int(seen_us)) if before else None
                self._steady(name, bucket, now_us)
                bucket, result = move(bucket, now_us)
                after = encode(bucket)
                if after == before:
                    return result, int(version)
                reply = self._run(name, version, _NO_VERSION, bucket.seen_us, after, _KEPT_S)
                if reply[0] == "written":
                    self._known[name] = _Known(reply[1], after, bucket)
                    return result, int(reply[1])
                self._pause(random.uniform(0, 0.002))  # noqa: S311 - no secret
        raise StateError(f"The throttle's server {self._place} is written to by too many at once.")

    def read(self, prefix: str) -> tuple[dict[str, Bucket], int]:
        """Every bucket whose name starts with `prefix`, and the server's clock."""
        with self._explained():
            found = {}
            client = self._connect()
            for key in client.scan_iter(match=f"{_PREFIX}*", count=1000):
                name = key.removeprefix(_PREFIX)
                _, _, seen_us, state, *_ = self._run(name, _NO_VERSION, _NO_VERSION)
                if name.startswith(prefix) and state:
                    found[name] = decode(state, int(seen_us))
            seconds, rest_us = client.time()
            return found, seconds * SECOND_US + rest_us

    def version(self, name: str) -> int:
        """A number that changes with the bucket."""
        with self._explained():
            return int(self._connect().hget(_PREFIX + name, "version") or 0)

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                self._address,
                decode_responses=True,
                single_connection_client=True,  # calls come one at a time, and a pool costs a third more
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=0.1, base=0.01), 2),
            )
            self._script = self._client.register_script(_SCRIPT)
        return self._client

    def _run(self, name: str, *arguments: str | int) -> list[str]:
        self._connect()
        reply = self._script(keys=[_PREFIX + name], args=list(arguments))
        assert isinstance(reply, list)
        return reply

    def _steady(self, name: str, bucket: Bucket | None, now_us: int) -> None:
        """Moves a bucket along that was last touched before somebody set the server's clock forward."""
        ahead_us = now_us - microseconds(self._clock())
        jump_us = ahead_us - self._ahead_us.get(name, ahead_us)
        self._ahead_us[name] = ahead_us
        if bucket is not None and _JUMP_US < jump_us <= now_us - bucket.seen_us:
            bucket.shift(jump_us)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            raise StateError(
                f"The throttle's server {self._place} cannot be used ({type(error).__name__}). Start it, correct "
                "AUTOBG_THROTTLE, or allow a local share of the allowance meanwhile."
            ) from error
        except ValueError as error:
            raise StateError(
                f"The throttle's server {self._place} holds something else under {_PREFIX}* ({error}). Use another "
                "database number in AUTOBG_THROTTLE."
            ) from error
