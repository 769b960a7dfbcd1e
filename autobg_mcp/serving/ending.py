"""The end of a process that is told to go: nothing new is begun, and the photo on the wire has a moment left."""

import asyncio
import signal
import threading
from collections.abc import Callable
from typing import Final

import anyio

ANSWER_WITHIN_S: Final = 1.5
"""How long the photo on the wire may go on once this process is told to end.

Hosts' SDKs close standard input, send SIGTERM 2 s later and SIGKILL 2 s after that; what is known must be written by then.
"""

_GONE_WITHIN_S: Final = 1.9
"""After that the process ends whatever still runs; an entry that is under way then counts as unknown at the next look."""


async def end_when_told(
    begin_nothing_new: Callable[[signal.Signals], None],
    leave: Callable[[], None],
    *,
    signals: tuple[signal.Signals, ...] = (signal.SIGTERM,),
) -> None:
    """At the first signal begin nothing new and, when the time is over, break off what is on the wire; others change nothing.

    Args:
        begin_nothing_new: Told which signal it was.
        leave: Ends the process at once.
        signals: What tells this process to end. Windows, which knows no such signals, is not for this.
    """
    with anyio.open_signal_receiver(*signals) as told:
        first = await anext(aiter(told))
        last = threading.Timer(_GONE_WITHIN_S, leave)  # whatever this loop waits for then
        last.daemon = True
        last.start()
        begin_nothing_new(first)
        await anyio.sleep(ANSWER_WITHIN_S)
        _break_off()
        await anyio.sleep_forever()


def _break_off() -> None:
    """Cancel every task, also where a photo on the wire is shielded from its caller: its entry is then settled as unknown."""
    own = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not own:
            task.cancel()
