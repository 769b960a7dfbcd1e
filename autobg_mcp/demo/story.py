"""The demo's story: what an agent asks of the server, step by step, over a real MCP connection."""

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import CallToolResult, TextContent

from autobg_mcp.demo.processes import DemoFailedError, Host, Sandbox, pictures, sandbox_process

VEHICLE = "DEMO-AB123"
_SHOWN_CHARS = 320
_STEP_S = 20.0
_UPLOAD_PATH = "/images/uploadWithTemplateCC"

Say = Callable[[str], None]


async def play(output: Path, say: Say) -> None:
    """Play the whole story against a sandbox and a server of its own, all of them processes.

    Args:
        output: Folder that the pictures are saved in.
        say: Takes the transcript, line by line.

    Raises:
        DemoFailedError: A step failed.
    """
    with tempfile.TemporaryDirectory(prefix="autobg-demo-") as state:
        async with sandbox_process() as sandbox:
            say(f"A sandbox stands in for the API at {sandbox.base_url}: no key, no cost.")
            host = Host(sandbox, output, Path(state))
            upload = await _until_killed(host, sandbox, say)
            batch_id = await _to_the_end(host, upload, say)
            await _check(sandbox, output / batch_id, say)


async def _until_killed(host: Host, sandbox: Sandbox, say: Say) -> dict[str, Any]:
    """Make a template and start an upload, in whose middle the server dies; answers the upload's arguments."""
    upload: dict[str, Any] = {}
    try:
        async with host.connected() as client:
            tools = len((await client.list_tools()).tools)
            say(f"autobg-mcp speaks MCP {client.protocol_version} over stdio and offers {tools} tools.")
            agent = _Agent(client, say)
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


async def _on_a_new_template(agent: "_Agent") -> dict[str, Any]:
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
    with anyio.fail_after(_STEP_S):
        while not (await sandbox.state())["credits_spent"]:  # noqa: ASYNC110  # it happens in another process
            await anyio.sleep(0.05)
    host.kill_server()


async def _to_the_end(host: Host, upload: dict[str, Any], say: Say) -> str:
    """Repeat the upload, wait, look, report a picture and ask for the credits; answers the batchID."""
    async with host.connected() as client:
        agent = _Agent(client, say)
        batch = await agent.calls("uploadImagesWithTemplate", **upload)
        status = await agent.calls("waitForBatch", batchID=str(batch["batchID"]))
        if status["pending"]:
            raise DemoFailedError("waitForBatch: the batch was not done in time")
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
    if state["credits_spent"] != photos or state["refused_429"]:
        raise DemoFailedError(f"credits: {state['credits_spent']} were spent on {photos} photos")
    saved = sorted([str(path) async for path in anyio.Path(folder).glob("*")])
    if len(saved) < photos:
        raise DemoFailedError(f"reviewBatch: {len(saved)} of {photos} pictures were saved in {folder}")
    say(f"\nThe API counted: {photos} photos, {state['credits_spent']} credits, 0 refused calls. Saved:")
    for path in saved:
        say(f"  {path}")


class _Agent:
    """Calls tools and tells what it saw."""

    def __init__(self, host: Client, say: Say) -> None:
        self._host = host
        self._say = say

    async def calls(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call one tool, tell what came, and answer its structured content; of pictures, which have none, the `text`.

        Raises:
            DemoFailedError: The tool answered with an error, or not at all.
        """
        self._say(f"\n> {tool} {_short(json.dumps(arguments, ensure_ascii=False))}")
        try:
            with anyio.fail_after(_STEP_S):
                result = await self._host.call_tool(tool, arguments, progress_callback=self._progress)
        except Exception as error:
            raise DemoFailedError(f"{tool}: {str(error) or type(error).__name__}") from error
        for line in _lines(result):
            self._say(f"  {line}")
        if result.is_error:
            raise DemoFailedError(f"{tool}: it answered with an error")
        return result.structured_content or {"text": "\n".join(_texts(result))}

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG002  # MCP's signature
        self._say(f"  … {message}")


def _texts(result: CallToolResult) -> list[str]:
    return [content.text for content in result.content if isinstance(content, TextContent)]


def _lines(result: CallToolResult) -> list[str]:
    lines = []
    for content in result.content:
        if isinstance(content, TextContent):
            lines += [_short(line) for line in content.text.splitlines()]
        else:
            lines.append(f"[{content.type} {getattr(content, 'mime_type', '')}, seen by the model]")
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _first(errors: BaseExceptionGroup[Exception]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__
