"""The demo's story: what an agent asks of the server, step by step, over a real MCP connection."""

import json
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.streams.text
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, Implementation, TextContent

VEHICLE = "DEMO-AB123"
_SHOWN_CHARS = 300
_WAIT_S = 15.0

Say = Callable[[str], None]


class DemoFailedError(Exception):
    """A step did not do what the story needs; the message names the step."""


def pictures(kind: str) -> Path:
    """The folder of the demo's `photos` or `branding`: in the installed package, else in the checkout.

    Raises:
        DemoFailedError: It is in neither.
    """
    for folder in (Path(__file__).parent / kind, Path(__file__).parent.parent.parent / "examples" / kind):
        if folder.is_dir():
            return folder
    raise DemoFailedError(f"the demo's {kind} are not installed")


async def play(output: Path, say: Say) -> None:
    """Play the whole story against a sandbox and a server of its own, both processes.

    Args:
        output: Folder that the pictures are saved in.
        say: Takes the transcript, line by line.

    Raises:
        DemoFailedError: A step failed.
    """
    async with _sandbox(say) as base_url, _host(base_url, output) as host:
        say(
            f"autobg-mcp speaks MCP {host.protocol_version} over stdio and offers {len((await host.list_tools()).tools)} tools."
        )
        agent = _Agent(host, say)
        branding = pictures("branding")
        template = await agent.calls(
            "createTemplate",
            name="Showroom",
            background=str(branding / "background-showroom.jpg"),
            brandLogo=str(branding / "logo.png"),
            bAlignment="TL",
            numPlate=True,
        )
        batch = await agent.calls(
            "uploadImagesWithTemplate",
            images=[str(pictures("photos"))],
            numberPlate=VEHICLE,
            templateCC=str(template["templateID"]),
            processType="ai",
        )
        status = await _wait(agent, str(batch["batchID"]))
        pic_ids = [image["picID"] for image in status["images"]]
        for pic_id in pic_ids:
            await agent.calls("getImagesRaw", picID=pic_id)
        await agent.calls(
            "reportImages",
            picIDs=pic_ids[:1],
            reportReason=["Bad clipping", "Window see-through"],
            reportComment="The mirror is cut off.",
        )
        await agent.calls("getUserCreditDetails")
        say(f"\nDone: {len(pic_ids)} pictures are in {output}, and no credit was harmed: it was the sandbox.")


async def _wait(agent: "_Agent", batch_id: str) -> dict[str, Any]:
    with anyio.move_on_after(_WAIT_S):
        while True:
            status = await agent.calls("getImageStatus", batchID=batch_id)
            if not status["pending"]:
                return status
            await anyio.sleep(0.7)
    raise DemoFailedError(f"getImageStatus: the batch was not done within {_WAIT_S:g} s")


class _Agent:
    """Calls tools and tells what it saw."""

    def __init__(self, host: Client, say: Say) -> None:
        self._host = host
        self._say = say

    async def calls(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call one tool, tell what came, and answer its structured content.

        Raises:
            DemoFailedError: The tool answered with an error, or the connection broke.
        """
        self._say(f"\n> {tool} {_short(json.dumps(arguments, ensure_ascii=False))}")
        try:
            result = await self._host.call_tool(tool, arguments, progress_callback=self._progress)
        except Exception as error:
            raise DemoFailedError(f"{tool}: {error}") from error
        for line in _lines(result):
            self._say(f"  {line}")
        if result.is_error:
            raise DemoFailedError(f"{tool} answered with an error")
        return result.structured_content or {}

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG002  # MCP's signature
        self._say(f"  … {message}")


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


@asynccontextmanager
async def _sandbox(say: Say) -> AsyncGenerator[str]:
    """A sandbox in a process of its own; answers its base address and ends it afterwards."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0"]
    async with await anyio.open_process(command, stdin=None, stderr=None) as process:
        try:
            if process.stdout is None:
                raise DemoFailedError("sandbox: it has no output")
            with anyio.fail_after(_WAIT_S):
                line = await anyio.streams.text.TextReceiveStream(process.stdout).receive()
            base_url = line.split()[0].removeprefix("AUTOBG_BASE_URL=")
            say(f"A sandbox stands in for the API at {base_url}.")
            yield base_url
        except (TimeoutError, anyio.EndOfStream):
            raise DemoFailedError("sandbox: it did not start") from None
        finally:
            process.terminate()


@asynccontextmanager
async def _host(base_url: str, output: Path) -> AsyncGenerator[Client]:
    """An MCP host that runs the server as hosts do: a process with a thin environment, over stdio."""
    environment = _thin_environment() | {
        "AUTOBG_BASE_URL": base_url,
        "AUTOBG_API_KEY": "sandbox-key",
        "AUTOBG_IMAGE_DIRS": os.pathsep.join(str(pictures(kind)) for kind in ("photos", "branding")),
        "AUTOBG_OUTPUT_DIR": str(output),
    }
    server = StdioServerParameters(command=sys.executable, args=["-m", "autobg_mcp"], env=environment)
    async with Client(server, client_info=Implementation(name="autobg-demo", version="1")) as client:
        yield client


def _thin_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")}
