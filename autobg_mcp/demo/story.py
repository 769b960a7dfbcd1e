"""The demo's story: what an agent asks of the server, step by step, over a real MCP connection."""

import re
import tempfile
from pathlib import Path
from typing import Any

import anyio

from autobg_mcp.demo.agent import STEP_S, Agent, Say
from autobg_mcp.demo.processes import DemoFailedError, Host, Sandbox, pictures, sandbox_process
from autobg_mcp.demo.twelve import MINUTE_S, PHOTOS, SETTINGS, carried_on, until_killed

VEHICLE = "DEMO-AB123"
_UPLOAD_PATH = "/images/uploadWithTemplateCC"


async def play(output: Path, say: Say) -> None:
    """Play the whole story against a sandbox and a server of its own, all of them processes.

    Args:
        output: Folder that the pictures are saved in.
        say: Takes the transcript, line by line.

    Raises:
        DemoFailedError: A step failed.
    """
    with tempfile.TemporaryDirectory(prefix="autobg-demo-") as state:
        async with sandbox_process("--window", str(MINUTE_S)) as sandbox:
            say(f"A sandbox stands in for the API at {sandbox.base_url}: no key, no cost.")
            folder = Path(state) / "twelve"
            host = Host(sandbox, output, Path(state), photos=folder, settings=SETTINGS)
            upload = await _until_killed(host, sandbox, say)
            batch_id, answer = await _until_killed_again(host, upload, folder, say)
            await carried_on(host, answer, say)
            await _check(sandbox, output / batch_id, say)


async def _until_killed(host: Host, sandbox: Sandbox, say: Say) -> dict[str, Any]:
    """Make a template and start an upload, in whose middle the server dies; answers the upload's arguments."""
    upload: dict[str, Any] = {}
    try:
        async with host.connected() as client:
            tools = len((await client.list_tools()).tools)
            say(f"autobg-mcp speaks MCP {client.protocol_version} over stdio and offers {tools} tools.")
            agent = Agent(client, say)
            upload = await _on_a_new_template(agent)
            await sandbox.hang_next(_UPLOAD_PATH)
            async with anyio.create_task_group() as group:
                group.start_soon(_kill_in_flight, host, sandbox)
                await agent.calls("uploadImagesWithTemplate", **upload)
    except* Exception as errors:  # a connection may die in many ways, and here it has to
        if not upload or errors.subgroup(TimeoutError):
            raise DemoFailedError(
                f"{'createTemplate' if not upload else 'kill'}: {_first(errors)}"
            ) from errors
    else:
        raise DemoFailedError("kill: the server survived")
    say(
        "\n*** The server was killed in the middle of the first upload: paid for, and no answer. It starts again. ***"
    )
    return upload


async def _on_a_new_template(agent: Agent) -> dict[str, Any]:
    """Make the template Showroom; answers the arguments of an upload onto it."""
    background, logo = (str(pictures("branding") / name) for name in ("background-showroom.jpg", "logo.png"))
    template = await agent.calls(
        "createTemplate",
        background=background,
        brandLogo=logo,
        bAlignment="TL",
        numPlate=True,
        name="Showroom",
    )
    return {
        "images": [str(pictures("photos"))],
        "numberPlate": VEHICLE,
        "templateCC": str(template["templateID"]),
        "processType": "ai",
    }


async def _kill_in_flight(host: Host, sandbox: Sandbox) -> None:
    with anyio.fail_after(STEP_S):
        while not (await sandbox.state())["credits_spent"]:  # noqa: ASYNC110  # it happens in another process
            await anyio.sleep(0.05)
    host.kill_server()


async def _until_killed_again(
    host: Host, upload: dict[str, Any], folder: Path, say: Say
) -> tuple[str, dict[str, Any]]:
    """Bring one car to its end, and send more photos than fit; answers the car's batchID, and what the last call answered."""
    batch_id, answer = "", dict[str, Any]()
    try:
        async with host.connected() as client:
            agent = Agent(client, say)
            batch_id = await _to_the_end(agent, upload)
            answer = await until_killed(agent, host, folder)
    except* Exception as errors:  # as above
        if not answer:
            raise DemoFailedError(_first(errors)) from errors
    return batch_id, answer


async def _to_the_end(agent: Agent, upload: dict[str, Any]) -> str:
    """Repeat the upload, wait, look, report a picture and ask for the credits; answers the batchID."""
    batch = await agent.calls("uploadImagesWithTemplate", **upload)
    await agent.waits_for(str(batch["batchID"]))
    sheet = await agent.calls("reviewBatch", batchID=str(batch["batchID"]))
    seen = re.search(r"picID (\d+)", sheet["text"])
    if seen is None:
        raise DemoFailedError("reviewBatch: it names no picture")
    reasons = ["Bad clipping", "Window see-through"]
    report = {
        "picID": int(seen[1]),
        "reportReason": reasons,
        "reportComment": "Mirror cut off.",
    }
    await agent.calls("reportManyImages", reports=[report])
    await agent.calls("listBatches", find=VEHICLE)
    await agent.calls("getCreditSummary", pictures=40)
    return str(batch["batchID"])


async def _check(sandbox: Sandbox, folder: Path, say: Say) -> None:
    """Hold what the sandbox counted and what was saved against what the story promises."""
    state, photos = await sandbox.state(), len(list(pictures("photos").glob("*.jpg")))
    sent = photos + PHOTOS
    if state["credits_spent"] != sent or state["refused_429"]:
        raise DemoFailedError(f"credits: {state['credits_spent']} were spent on {sent} photos")
    saved = sorted([str(path) async for path in anyio.Path(folder).glob("*")])
    if len(saved) < photos:
        raise DemoFailedError(f"reviewBatch: {len(saved)} of {photos} pictures were saved in {folder}")
    say(f"\nThe API counted: {sent} photos, {state['credits_spent']} credits, 0 refused calls. Saved:")
    for path in saved:
        say(f"  {path}")


def _first(errors: BaseExceptionGroup[Exception]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__
