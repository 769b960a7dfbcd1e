"""One lane for all decoding: a large picture takes 100 MB and more."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

P = ParamSpec("P")


T = TypeVar("T")


_decoders: RunVar[anyio.CapacityLimiter] = RunVar("autobg_mcp_decoders")


async def alone(method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Run a method that decodes pictures in a worker thread, one at a time: a large one takes 100 MB and more."""
    try:
        decoders = _decoders.get()
    except LookupError:
        decoders = anyio.CapacityLimiter(1)
        _decoders.set(decoders)
    return await anyio.to_thread.run_sync(partial(method, *arguments, **options), limiter=decoders)
