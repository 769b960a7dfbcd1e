"""The memory that photos of jobs take at once, whatever number of vehicles and tools is under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

MOST_HELD_BYTES: Final = 50_000_000
"""Two photos of 20 MB: one on the wire, and one that is looked at, which takes three times as much for that while."""


class HeldPhotos:
    """Photos that are held in memory for requests of jobs; a call that somebody waits for does not ask.

    Args:
        most_bytes: How much they take at once; one that is larger goes alone.
    """

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def room_for(self, size_bytes: int) -> AsyncIterator[None]:
        """Wait until there is room for so many bytes, and take it for the block."""
        while self._held_bytes and self._held_bytes + size_bytes > self._most_bytes:
            await self._freed.wait()
        self._held_bytes += size_bytes
        try:
            yield
        finally:
            self._held_bytes -= size_bytes
            self._freed.set()
            self._freed = asyncio.Event()
