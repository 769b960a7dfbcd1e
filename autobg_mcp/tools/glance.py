"""A free look before a call that cannot be undone: one that fails, or takes long, blocks nothing; nor does a slot for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from autobg_mcp.api.call import Progress, TimeBudget
from autobg_mcp.errors import AutobgError
from autobg_mcp.toolkit.context import Context

T = TypeVar("T")

_LOOK_TAKES_S: Final = 10.0
"""The longest a free look may take; a call does not wait longer for what it can do without."""


async def glance(
    run: Callable[[Context], Awaitable[T]], context: Context, most_s: float = _LOOK_TAKES_S
) -> T | None:
    """What a free call answers; None where it fails, or the same minute does not allow it.

    In the background, where slots come one by one even of an unused budget, it waits for its own.

    Args:
        run: Makes the free call.
        context: Of the call that it serves, with which it ends.
        most_s: The longest it may take, in seconds.
    """
    most_s = min(most_s, _LOOK_TAKES_S, context.time.ends_in_s())
    waits_s = most_s if context.call.background else 0.0
    brief = replace(context, time=TimeBudget(waits_s, context.clock), progress=Progress())
    with suppress(AutobgError, OSError), context.clock.deadline(most_s):  # a TimeoutError is an OSError
        return await run(brief)
    return None
