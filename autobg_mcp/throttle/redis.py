"""Buckets in Redis or Valkey, shared by every machine that reaches the server.

A bucket is a hash of its numbers, a sorted set of its slots by stamp, and a hash of its waiters. One script is all
the server runs: it writes what a step changed only if nobody has written since the step's bucket was read, and
otherwise hands out what the step needs with the server's time, so the same step serves here as in every other store.
A grant's moment is read before it is written and an answer's after it arrived, so neither can err to the
wrong side, whatever the clocks of the machines say.
"""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import redis
from pydantic import SecretStr
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from autobg_mcp.clock import SYSTEM, Clock
from autobg_mcp.errors import ConfigurationError, StateError
from autobg_mcp.state import ImpossibleValueError
from autobg_mcp.throttle.bucket import NUMBERS, Bucket, Waiter, checked
from autobg_mcp.throttle.policy import SECOND_US, microseconds, span_us
from autobg_mcp.throttle.store import Change, run
from autobg_mcp.throttle.wishes import Replies, Wishes

_PREFIX = "autobg:throttle:2:"
_BACKGROUND = (
    " background"  # after the owner, where older versions of this program take it for a part of the name
)
_KEPT_S = 3 * 24 * 3600  # longer than any gate stays closed
_TIMEOUT_S = 3.0
_TRIES = 200
_JUMP_US = SECOND_US
_EVERYTHING = 2**52
_OF_DATA = ("WRONGTYPE", "attempt to ")  # the second is how Lua begins
_READ = """
local want, clock = cjson.decode(ARGV[1]), redis.call('TIME')
local version, seen, ahead, halved = unpack(redis.call('HMGET', KEYS[1], 'version', 'seen_us', 'ahead_us', 'halved'))
clock = clock[1] * 1000000 + clock[2]
seen, ahead, halved = tonumber(seen) or 0, tonumber(ahead) or 0, tonumber(halved) or 0
local counts = string.format('(%.0f', math.max(clock - want.jump_us + ahead, seen) - want.span_us)
local used = redis.call('ZCOUNT', KEYS[2], counts, '+inf')
local waiters = redis.call('HGETALL', KEYS[3])
local least = halved > 0 and math.min(want.calls, halved) or want.calls
local wanted = math.min(used, math.max(0, used - least) + #waiters / 2 + want.extra)
local slots = redis.call('ZRANGEBYSCORE', KEYS[2], counts, '+inf', 'WITHSCORES', 'LIMIT', 0, wanted)
for _, slot in ipairs(want.noted) do
  local stamp = redis.call('ZSCORE', KEYS[2], slot)
  if stamp then table.insert(slots, slot) table.insert(slots, stamp) end
end
local numbers = version and redis.call('HMGET', KEYS[1], unpack(want.names)) or {}
return {version or '', string.format('%.0f', clock), used, wanted, numbers, slots, waiters}
"""
_WRITE = """
local version = redis.call('HGET', KEYS[1], 'version') or ''
if version ~= ARGV[1] then return '' end
local change, time = cjson.decode(ARGV[2]), redis.call('TIME')
local last = version == '' and time[1] * 1000000 + time[2] or version  -- a bucket made anew repeats no version
local next = string.format('%.0f', last + 1)
redis.call('HSET', KEYS[1], 'version', next, unpack(change.numbers))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', change.horizon_us)
for slot, stamp in pairs(change.slots) do redis.call('ZADD', KEYS[2], stamp, slot) end
for _, slot in ipairs(change.freed) do redis.call('ZREM', KEYS[2], slot) end
for place, waiter in pairs(change.waiters) do redis.call('HSET', KEYS[3], place, waiter) end
for _, place in ipairs(change.left) do redis.call('HDEL', KEYS[3], place) end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, change.kept_s) end
return next
"""


class RedisStore:
    """Keeps buckets on a server; connects when first needed.

    Args:
        address: redis://, rediss://, valkey://, valkeys:// or unix://, with user, password and database as usual.
        clock: Time of this machine; tells when the server's clock was moved.

    Raises:
        ConfigurationError: The address is not one.
    """

    def __init__(self, address: str, *, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._ahead_us: dict[str, int] = {}
        self._address = SecretStr(address.replace("valkey", "redis", 1))
        self._client: redis.Redis | None = None
        try:
            client = redis.Redis.from_url(self._address.get_secret_value())
            client.connection_pool.make_connection()  # reads all of the address without connecting
            client.close()
            parts = urlsplit(address)
            host, port = parts.hostname or "localhost", parts.port or 6379
        except (ValueError, TypeError):  # the second: of an option that there is not
            raise ConfigurationError(
                "The throttle address is not like redis://user:password@host:port/db."
            ) from None  # the cause would show the address, and with it the password
        self._place = parts.path if parts.scheme == "unix" else f"{host}:{port}"

    def step(self, name: str, wishes: Wishes) -> tuple[Replies, int]:
        """Runs the step, again on a fresher bucket whenever another machine came first."""
        calls = 0 if wishes.refused else wishes.limit.calls
        want = {"calls": calls, "span_us": wishes.limit.span_us, "extra": wishes.extra, "noted": wishes.noted}
        with self._explained():
            for _ in range(_TRIES):
                version, bucket, now_us, clock_us = self._load(name, want, Bucket.of(wishes.limit))
                replies, change = run(bucket, now_us, clock_us, wishes)
                if change is not None:
                    version = self._write(name, version, bucket, change, now_us - wishes.limit.span_us)
                if version:
                    self._ahead_us[name] = clock_us - microseconds(self._clock.monotonic_s())
                    return replies, int(version)
                time.sleep(random.uniform(0, 0.002))  # noqa: S311 - no secret
        raise StateError(f"The throttle's server {self._place} is written to by too many at once.")

    def read(self, prefix: str) -> dict[str, tuple[Bucket, int]]:
        """Every bucket whose name starts with `prefix`, and its time."""
        want = {"calls": 0, "span_us": _EVERYTHING, "extra": 0, "noted": []}
        found = {}
        with self._explained():
            for key in self._connect().scan_iter(match=f"{_PREFIX}*}}", count=1000):
                name = key.removeprefix(_PREFIX + "{").removesuffix("}")
                if name.startswith(prefix):
                    _, bucket, now_us, _ = self._load(name, want, Bucket(1, 1))
                    horizon_us = now_us - span_us(bucket.window_us)
                    bucket.slots = {slot: stamp for slot, stamp in bucket.slots.items() if stamp > horizon_us}
                    bucket.used = len(bucket.slots)
                    found[name] = bucket, now_us
        return found

    def version(self, name: str) -> int:
        """A number that changes with the bucket."""
        with self._explained():
            return int(self._connect().hget(_keys(name)[0], "version") or 0)

    def close(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connect(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                self._address.get_secret_value(),
                decode_responses=True,
                single_connection_client=True,  # calls come one at a time, and a pool costs a third more
                socket_timeout=_TIMEOUT_S,
                socket_connect_timeout=_TIMEOUT_S,
                retry=Retry(ExponentialBackoff(cap=0.1, base=0.01), 2),
            )
            self._read_script = self._client.register_script(_READ)
            self._write_script = self._client.register_script(_WRITE)
        return self._client

    def _load(self, name: str, want: dict[str, Any], fresh: Bucket) -> tuple[str, Bucket, int, int]:
        """The version of a bucket, what a step needs of it, its time, and the server's clock.

        If somebody has set that clock forward since this process last looked, the bucket's time does not follow.
        """
        self._connect()
        jump_us = 0
        while True:
            text = json.dumps({**want, "jump_us": jump_us, "names": NUMBERS})
            version, clock, used, wanted, numbers, slots, waiters = self._read_script(_keys(name), [text])
            # A bucket that an older version of this program made lacks the newest numbers.
            bucket = Bucket.read(0 if each is None else int(each) for each in numbers) if version else fresh
            bucket.used, clock_us = int(used), int(clock)
            bucket.slots = dict(zip(map(int, slots[::2]), map(int, slots[1::2]), strict=True))
            for place, waiter in zip(waiters[::2], waiters[1::2], strict=True):
                bucket.queue[int(place)] = _waiter(waiter)
            checked(bucket, int(wanted))
            ahead_us = clock_us - microseconds(self._clock.monotonic_s())
            moved_us = ahead_us - self._ahead_us.get(name, ahead_us)
            now_us = bucket.now_us(clock_us - jump_us)
            if jump_us or not _JUMP_US < moved_us <= now_us - bucket.seen_us:
                return version, bucket, now_us, clock_us
            jump_us = moved_us

    def _write(self, name: str, version: str, bucket: Bucket, change: Change, horizon_us: int) -> str:
        """The version that was written, empty if another machine came first. Every number goes as text, unrounded."""
        text = json.dumps(
            {
                "numbers": [
                    str(each) for pair in zip(NUMBERS, bucket.numbers(), strict=True) for each in pair
                ],
                "horizon_us": str(horizon_us),
                "slots": {slot: str(stamp_us) for slot, stamp_us in change.slots.items()},
                "freed": [str(slot) for slot in change.freed],
                "waiters": {place: _text(each) for place, each in change.waiters.items()},
                "left": [str(place) for place in change.left],
                "kept_s": str(_KEPT_S),
            }
        )
        return str(self._write_script(_keys(name), [version, text]))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            if _is_about_data(error):
                raise self._damaged("not of the kind that is kept there") from None
            verb = "Mend" if isinstance(error, redis.ResponseError) else "Start"
            raise StateError(
                f"The throttle's server {self._place} cannot be used ({type(error).__name__}). {verb} it, "
                "or set AUTOBG_THROTTLE to one that runs (sqlite: if this is the only machine with the key)."
            ) from None  # the cause may show the password
        except (ValueError, ImpossibleValueError) as error:
            raise self._damaged(error) from error

    def _damaged(self, what: object) -> StateError:
        return StateError(
            f"What the throttle's server {self._place} holds under {_PREFIX}* is damaged ({what}). Delete those "
            "keys and wait a minute before the next call, or use another database number in AUTOBG_THROTTLE."
        )


def _is_about_data(error: redis.RedisError) -> bool:
    """Whether a script could not work with what the keys hold: a value of another kind, or no number where one belongs."""
    return isinstance(error, redis.ResponseError) and any(mark in str(error) for mark in _OF_DATA)


def _text(waiter: Waiter) -> str:
    return f"{waiter.lease_us} {waiter.owner}{_BACKGROUND if waiter.background else ''}"


def _waiter(text: str) -> Waiter:
    lease_us, _, owner = text.partition(" ")
    return Waiter(owner.removesuffix(_BACKGROUND), int(lease_us), owner.endswith(_BACKGROUND))


def _keys(name: str) -> list[str]:
    """The bucket, its slots and its waiters: keys that a cluster keeps together."""
    key = f"{_PREFIX}{{{name}}}"
    return [key, f"{key}:slots", f"{key}:waiters"]
