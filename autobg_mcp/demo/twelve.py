"""The demo's second chapter: what does not fit into a call goes on by itself, whoever is killed."""

from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread

from autobg_mcp.demo.agent import STEP_S, Agent, Say
from autobg_mcp.demo.processes import DemoFailedError, Host, pictures

MINUTE_S: Final = 6
"""How long the sandbox's minute lasts, so that nobody has to wait for a whole one."""

PHOTOS: Final = 12
VEHICLE: Final = "DEMO-CD456"

_TOOL: Final = "uploadImagesWithoutTemplate"  # of which none has used up anything of its minute

SETTINGS: Final = {
    "AUTOBG_RATE_LIMITS": f"{_TOOL}=10/{MINUTE_S}s",
    "AUTOBG_MAX_WAIT_S": "4",  # shorter than that minute, as a call's time is shorter than a real one
}
"""What a server needs to know of that minute."""

_PIXELS_NEARER: Final = 40


async def until_killed(agent: Agent, host: Host, folder: Path) -> dict[str, Any]:
    """Upload twelve photos in one call, and kill the server; answers what the call answered.

    Args:
        agent: Calls.
        host: Runs the server.
        folder: Where the photos are put.

    Raises:
        DemoFailedError: The call failed, or queued nothing.
    """
    await anyio.to_thread.run_sync(_draw, folder)
    agent.say(
        f"\n*** {PHOTOS} photos in one call. 10 fit into a minute, which this sandbox has shortened to {MINUTE_S} s. ***"
    )
    answer = await agent.calls(
        _TOOL, images=[str(folder)], numberPlate=VEHICLE, numPlateProcessor=1, processType="ai"
    )
    if not answer.get("job"):
        raise DemoFailedError(f"{_TOOL}: it queued nothing")
    host.kill_server()
    return answer


async def carried_on(host: Host, answer: dict[str, Any], say: Say) -> None:
    """Let the next process send the rest, and look at the job and at its batch.

    Args:
        host: Runs the server.
        answer: What the call answered.
        say: Takes the transcript.

    Raises:
        DemoFailedError: A step failed.
    """
    say(
        "\n*** The server was killed with photos still to be sent. Any process goes on; this one has no host. ***"
    )
    await _worked(host, say)
    async with host.connected() as client:
        await Agent(client, say).calls("getJobs", job=answer["job"])
        processed = await Agent(client, say).waits_for(str(answer["batchID"]))
    if processed != PHOTOS:
        raise DemoFailedError(f"waitForBatch: {processed} of {PHOTOS} pictures are done")


async def _worked(host: Host, say: Say) -> None:
    """Let `autobg-mcp work --once` carry the jobs out, and tell what it says."""
    say("\n$ autobg-mcp work --once")
    try:
        with anyio.fail_after(STEP_S):
            async for line in host.command("work", "--once"):
                say(f"  {line}")
    except TimeoutError:
        raise DemoFailedError("work: it did not end") from None


def _draw(folder: Path) -> None:
    """Twelve photos: each that ships as it is, nearer, and nearer still; blocks."""
    from PIL import Image  # noqa: PLC0415  # only the demo's photos need it

    folder.mkdir()
    for path in sorted(pictures("photos").glob("*.jpg")):
        with Image.open(path) as photo:
            for step in range(3):
                inset = step * _PIXELS_NEARER
                box = (inset, inset, photo.width - inset, photo.height - inset)
                photo.crop(box).save(folder / f"{path.stem}-{step + 1}.jpg", quality=80)
