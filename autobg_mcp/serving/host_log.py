"""Warnings of this server for a host of the older era that asks for them: most show nobody what is on standard error."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

import anyio
import mcp_types as types
from mcp.server.session import ServerSession

from autobg_mcp.serving.door import Door

_OURS: Final = logging.getLogger("autobg_mcp")
_MOST_WAITING: Final = 100
_LEVELS: Final[dict[types.LoggingLevel, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.WARNING,  # Python has none between
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emergency": logging.CRITICAL,
}
_TOLD_AS: Final[dict[int, types.LoggingLevel]] = {
    number: name for name, number in _LEVELS.items() if name not in ("notice", "alert", "emergency")
}


class _Told(NamedTuple):
    """One line on its way to a host."""

    session: ServerSession
    level: types.LoggingLevel
    text: str


class HostLog(logging.Handler):
    """Passes on what this package logs, to the host that asked last; a server over stdio has one.

    Args:
        door: Lets the words out.
    """

    def __init__(self, door: Callable[[], Door]) -> None:
        super().__init__()
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._session: ServerSession | None = None
        self._put, self._waiting = anyio.create_memory_object_stream[_Told](_MOST_WAITING)

    def listen(self, session: ServerSession, level: types.LoggingLevel) -> None:
        """Pass on what is logged from now on, at this level and above it."""
        self._session = session
        self.setLevel(_LEVELS[level])
        _OURS.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record, from any thread; its traceback stays here."""
        level = _TOLD_AS.get(record.levelno, "warning")
        with suppress(RuntimeError):  # the loop has ended, and the host with it
            self._loop.call_soon_threadsafe(self._keep, level, record.getMessage())

    def _keep(self, level: types.LoggingLevel, text: str) -> None:
        with suppress(
            anyio.WouldBlock, anyio.ClosedResourceError
        ):  # a host that does not read loses the newest
            if self._session is not None:
                self._put.send_nowait(_Told(self._session, level, text))

    async def pass_on(self) -> None:
        """Send what comes, until this is cancelled."""
        try:
            async for told in self._waiting:
                params = types.LoggingMessageNotificationParams(
                    level=told.level, logger=_OURS.name, data=self._door().line(told.text)
                )
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # the host is gone
                    await told.session.send_notification(types.LoggingMessageNotification(params=params))
        finally:
            _OURS.removeHandler(self)
            self._put.close()
            self._waiting.close()
