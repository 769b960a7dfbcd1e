"""The work that goes on beside the calls of a host: jobs, once there is one."""

import logging
from typing import Final

from autobg_mcp.clock import Clock
from autobg_mcp.errors import AutobgError
from autobg_mcp.serving.on_demand import ClientOnDemand
from autobg_mcp.settings import Settings

LOOK_EVERY_S: Final = 2.0
"""How often a server looks whether there is a job at all, which costs it nothing and opens no file."""

_log = logging.getLogger(__name__)


async def work_beside(client: ClientOnDemand, settings: Settings, clock: Clock) -> None:
    """Carry out the account's jobs for as long as a server runs, if its settings let it send anything by itself.

    Args:
        client: Opened when there is a job.
        settings: Where jobs are kept.
        clock: Tells the time.
    """
    if settings.forbids_background():
        return
    told = ""
    while True:
        while not (client.is_open or settings.jobs_file().exists()):
            await clock.sleep(LOOK_EVERY_S)
        try:
            await (await client()).work()
        except AutobgError as error:  # a key may still come, and every call says that there is none
            if str(error) != told:
                _log.warning("Jobs stand still: %s", error)
            told = str(error)
        await clock.sleep(LOOK_EVERY_S)
