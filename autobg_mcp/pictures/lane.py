"""One lane for all decoding: a large picture takes some hundred MB, so this process decodes one at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from anyio.to_thread import current_default_thread_limiter

P = ParamSpec("P")
T = TypeVar("T")

_LANE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")


async def in_lane(method: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Run a method that decodes pictures in the one thread that does so, for all event loops, first come first served.

    A caller that is cancelled goes at once. Waiting, it leaves the lane; under way, its picture, which nobody can
    stop, keeps the lane until it is done. So the method must change nothing, and be bounded by itself.
    """
    async with current_default_thread_limiter():  # it counts among the threads that the event loop waits for
        return await asyncio.wrap_future(_LANE.submit(partial(method, *arguments, **options)))
