"""The processes of the demo: a sandbox over HTTP, and the server as a host starts it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.streams.text import TextReceiveStream
from mcp import Client, StdioServerParameters
from mcp.types import Implementation

_START_S = 15.0
_RUN = "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid())); from autobg_mcp.commands import main; main(['serve'])"


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


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox and its address."""

    base_url: str

    async def state(self) -> dict[str, Any]:
        """What it counted: credits, requests, batches."""
        return await self._ask("state")

    async def hang_next(self, path: str, *, after: int) -> None:
        """Let a request to a path be carried out, but not answered: the next one once `after` more have passed."""
        await self._ask("failures", {"path": path, "kind": "hang", "times": 1, "delay_s": 60, "after": after})

    async def _ask(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = self.base_url.removesuffix("/public/api/v1") + f"/_sandbox/{what}"
        content = None if body is None else json.dumps(body).encode()

        def ask() -> dict[str, Any]:
            with urllib.request.urlopen(url, content, timeout=5) as answer:  # noqa: S310  # our own process on loopback
                answered: dict[str, Any] = json.load(answer)
                return answered

        return await anyio.to_thread.run_sync(ask)


@asynccontextmanager
async def sandbox_process(*options: str) -> AsyncGenerator[Sandbox]:
    """A sandbox in a process of its own, ended afterwards and where this one is killed; `options` are those of `autobg-mcp sandbox`.

    Raises:
        DemoFailedError: It did not start.
    """
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0", "--until-input-ends", *options]
    async with await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None) as process:
        try:
            with anyio.fail_after(_START_S):
                line = await TextReceiveStream(process.stdout).receive() if process.stdout else ""
            yield Sandbox(line.split()[0].removeprefix("AUTOBG_BASE_URL="))
        except (TimeoutError, anyio.EndOfStream, IndexError):
            raise DemoFailedError("sandbox: it did not start") from None
        finally:
            with suppress(ProcessLookupError):
                process.terminate()


class Host:
    """An MCP host that runs the server as hosts do: a process of its own, over stdio, with its settings in `env`.

    Args:
        sandbox: What stands in for the API.
        output: Folder that results are saved in.
        own: Folder for what is this host's alone.
        settings: Further settings of the server, or others.
    """

    def __init__(self, sandbox: Sandbox, output: Path, own: Path, settings: Mapping[str, str]) -> None:
        own.mkdir(parents=True, exist_ok=True)
        self._pid_file = own / "server.pid"
        folders = (pictures("photos"), pictures("branding"))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOBG_")}
        self._environment = kept | {
            "AUTOBG_BASE_URL": sandbox.base_url,
            "AUTOBG_API_KEY": "sandbox-key",
            "AUTOBG_IMAGE_DIRS": os.pathsep.join(map(str, folders)),
            "AUTOBG_OUTPUT_DIR": str(output),
            "AUTOBG_STATE_DIR": str(own),
            **settings,
        }

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Client]:
        """A new server process and a client connected to it."""
        arguments = ["-c", _RUN, str(self._pid_file)]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=self._environment)
        async with Client(server, client_info=Implementation(name="autobg-demo", version="1")) as client:
            yield client

    def kill_server(self) -> None:
        """End the server process at once, without a chance to tidy up."""
        os.kill(int(self._pid_file.read_text("utf-8")), getattr(signal, "SIGKILL", signal.SIGTERM))
