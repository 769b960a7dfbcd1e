"""The demo's story: a car of twelve photos, a process that is killed, a bad picture that is found and redone."""

import re
import tempfile
from pathlib import Path
from typing import Any, Final

import anyio

from autobg_mcp.demo.agent import STEP_S, Agent, Say
from autobg_mcp.demo.processes import DemoFailedError, Host, Sandbox, pictures, sandbox_process

PHOTOS: Final = 12
MINUTE_S: Final = 6
"""How long the sandbox's minute lasts, so that nobody has to wait for a whole one."""

_OPTIONS: Final = ("--window", str(MINUTE_S), "--turnaround", "0")
_TOOL: Final = "uploadImagesWithTemplate"
_UPLOAD_PATH: Final = "/images/uploadWithTemplateCC"
_SETTINGS: Final = {
    "AUTOBG_RATE_LIMITS": f"{_TOOL}=10/{MINUTE_S}s",
    "AUTOBG_MAX_WAIT_S": "4",  # shorter than that minute, as a call's time is shorter than a real one
}
_KILLED_AT: Final = 5
_BAD: Final = "03-front-right.jpg"
_COMPLAINT: Final = {
    "reportReason": ["Bad clipping"],
    "reportComment": "Brick wall left behind the roof, mirror cut off.",
}


async def play(output: Path, say: Say) -> None:
    """Play the whole story against a sandbox and a server of its own, all of them processes.

    Args:
        output: Folder that the pictures and the sheets are saved in.
        say: Takes the transcript, line by line.

    Raises:
        DemoFailedError: A step failed.
    """
    _check_folder(output)
    with tempfile.TemporaryDirectory(prefix="autobg-demo-") as state:
        async with sandbox_process(*_OPTIONS) as sandbox:
            say("A sandbox stands in for the API: no key, no cost.")
            say(f"Its minute lasts {MINUTE_S} s and its pictures no time, so that nobody has to wait.")
            host = Host(sandbox, output, Path(state), _SETTINGS)
            upload = await _until_killed(host, sandbox, output, say)
            try:
                async with host.connected() as client:
                    await _to_the_end(Agent(client, output, say), upload)
            except* Exception as errors:
                raise DemoFailedError(_first(errors)) from errors
            await _check(sandbox, output, say)


def _check_folder(output: Path) -> None:
    """Nobody waits for a story whose pictures cannot be saved."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise DemoFailedError(f"output: nothing can be saved in {str(output)!r}: {error.strerror}") from None


async def _until_killed(host: Host, sandbox: Sandbox, output: Path, say: Say) -> dict[str, Any]:
    """Make a template and start an upload, in whose middle the server dies; answers the upload's arguments."""
    upload: dict[str, Any] = {}
    try:
        async with host.connected() as client:
            tools = len((await client.list_tools()).tools)
            say(f"The server speaks MCP {client.protocol_version} over stdio and offers {tools} tools.")
            agent = Agent(client, output, say)
            upload = await _on_a_new_template(agent)
            await sandbox.hang_next(_UPLOAD_PATH, after=_KILLED_AT - 1)
            agent.tells(f"A car of {PHOTOS} photos, in one call.")
            async with anyio.create_task_group() as group:
                group.start_soon(_kill_in_flight, host, sandbox)
                await agent.calls(_TOOL, **upload)
    except* Exception as errors:  # a connection may die in many ways, and here it has to
        if not upload or errors.subgroup(TimeoutError):
            step = "kill" if upload else "createTemplate"
            raise DemoFailedError(f"{step}: {_first(errors)}") from errors
    else:
        raise DemoFailedError("kill: the server survived")
    say(f"\n*** Killed, with photo {_KILLED_AT} on the wire: it is paid for, and no answer came. ***")
    return upload


async def _on_a_new_template(agent: Agent) -> dict[str, Any]:
    """Make the template Showroom; answers the arguments of an upload onto it."""
    agent.tells("The dealer's look: a showroom, a logo in the corner, a plate of its own.")
    branding = pictures("branding")
    template = await agent.calls(
        "createTemplate",
        name="Showroom",
        background=str(branding / "background-showroom.jpg"),
        brandLogo=str(branding / "logo.png"),
        bAlignment="TL",
        numPlate=True,
        numberPlate=str(branding / "plate.png"),
    )
    return {
        "images": [str(pictures("photos"))],
        "numberPlate": "DEMO-AB123",
        "templateCC": str(template["templateID"]),
        "processType": "ai",
    }


async def _kill_in_flight(host: Host, sandbox: Sandbox) -> None:
    with anyio.fail_after(STEP_S):
        while (await sandbox.state())["credits_spent"] < _KILLED_AT:  # noqa: ASYNC110  # it happens in another process
            await anyio.sleep(0.05)
    host.kill_server()


async def _to_the_end(agent: Agent, upload: dict[str, Any]) -> None:
    """Repeat the upload, look at the pictures, have the bad one redone, and ask for the credits."""
    agent.tells("A new process. The agent repeats the same call: what is paid for is not sent again.")
    answer = await agent.calls(_TOOL, **upload)
    agent.tells(f"Receipt: {answer['receipt']}")
    batch_id = str(answer["batchID"])
    if answer.get("queued"):
        agent.tells(f"What did not fit into the minute goes on by itself: {answer['queued']} photos.")
    await agent.waits_for(batch_id, PHOTOS)
    agent.tells("The agent looks at all of them on one sheet.")
    sheet = await agent.calls("reviewBatch", batchID=batch_id)
    picture_id = _found(sheet["text"])
    agent.tells("Picture 3 is bad: the old brick wall is left behind the roof, and a mirror is gone.")
    await agent.calls("reportManyImages", reports=[{"picID": picture_id, **_COMPLAINT}])
    await agent.waits_for(batch_id, PHOTOS)
    agent.tells("Is it better? The agent looks again.")
    sheet = await agent.calls("reviewBatch", batchID=batch_id)
    if not re.search(rf"picID {picture_id} .*reported.*, changed since", sheet["text"]):
        raise DemoFailedError("reviewBatch: the reported picture was not redone")
    agent.tells("It is: wall gone, mirror back, and redoing cost nothing.")
    await agent.calls("getCreditSummary", pictures=40)


def _found(sheet: str) -> str:
    """The picID of the bad picture among the lines of a sheet, which name each photo once."""
    named: list[tuple[str, str]] = re.findall(r"picID (\d+) “([^”]+)”", sheet)
    if len({name for _, name in named}) != PHOTOS:
        raise DemoFailedError(f"reviewBatch: it names {len(named)} pictures")
    return next(picture_id for picture_id, name in named if name == _BAD)


async def _check(sandbox: Sandbox, output: Path, say: Say) -> None:
    """Hold what the sandbox counted and what was saved against what the story promises."""
    state = await sandbox.state()
    saved = [path async for path in anyio.Path(output).glob("*/*.jpg")]
    if len(saved) < PHOTOS:
        raise DemoFailedError(f"reviewBatch: {len(saved)} of {PHOTOS} pictures were saved in {output}")
    sent = sum(batch["pictures"] for batch in state["batches"])
    spent, refused = state["credits_spent"], state["refused_429"]
    if (sent, spent, refused) != (PHOTOS, PHOTOS, 0):
        raise DemoFailedError(f"credits: {spent} were spent on {sent} photos, {refused} calls were refused")
    say(f"\nThe API's own count, balance {state['credits_left'] + spent} → {state['credits_left']}:")
    say(f"{sent} photos, {spent} credits, none twice, {refused} refused")


def _first(errors: BaseExceptionGroup[Exception]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__
