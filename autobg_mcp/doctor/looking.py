"""A look at a disk that may not answer, such as a share that is gone."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import Final, TypeVar

import anyio
from anyio import from_thread
from anyio.lowlevel import current_token

LOOK_S: Final = 15.0
"""How long a disk may take."""

NO_ANSWER: Final = f"the disk does not answer within {LOOK_S:g} s"
CONNECT_IT: Final = "Look whether a drive or share is connected."

Found = TypeVar("Found")


async def look(at_disk: Callable[[], Found]) -> Found:
    """What a look at a disk finds; one that does not answer is left behind, and keeps no process from ending.

    Raises:
        TimeoutError: The disk does not answer within `LOOK_S`.
    """
    looked, found = anyio.Event(), Future[Found]()
    token = current_token()

    def go() -> None:
        try:
            found.set_result(at_disk())
        except Exception as error:  # noqa: BLE001  # raised below, by who asked
            found.set_exception(error)
        with suppress(RuntimeError):  # nobody waits any more
            from_thread.run_sync(looked.set, token=token)

    Thread(target=go, daemon=True).start()
    with anyio.fail_after(LOOK_S):
        await looked.wait()
    return found.result()
