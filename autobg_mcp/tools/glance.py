"""A free look before a call that cannot be undone: one that fails, takes long, or would have to wait blocks nothing."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

import anyio

from autobg_mcp.api.call import Progress, TimeBudget
from autobg_mcp.errors import AutobgError
from autobg_mcp.toolkit.context import Context

T = TypeVar("T")

_LOOK_TAKES_S: Final = 10.0
"""The longest a free look may take; a call does not wait longer for what it can do without."""


async def glance(run: Callable[[Context], Awaitable[T]], context: Context) -> T | None:
    """What a free call answers; None where it fails, or the same minute does not allow it."""
    brief = replace(context, time=TimeBudget(0.0, context.clock), progress=Progress())
    with anyio.move_on_after(_LOOK_TAKES_S):
        with suppress(AutobgError, OSError):
            return await run(brief)
    return None
