"""What calls tools in the demo, and tells what it saw."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

import anyio
from mcp import Client
from mcp.types import CallToolResult, TextContent

from autobg_mcp.demo.processes import DemoFailedError

STEP_S: Final = 20.0
"""How long a step may take."""

_SHOWN_CHARS: Final = 320
_MOST_WAITS: Final = 3

Say = Callable[[str], None]
"""Takes the transcript, line by line."""


class Agent:
    """Calls tools of one server.

    Args:
        host: Where the server is connected.
        say: Takes the transcript.
    """

    def __init__(self, host: Client, say: Say) -> None:
        self._host = host
        self.say = say
        self._told = self._held = ""

    async def calls(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call one tool, tell what came, and answer its structured content; of pictures, which have none, the `text`.

        Raises:
            DemoFailedError: The tool answered with an error, or not at all.
        """
        self.say(f"\n> {tool} {short(json.dumps(arguments, ensure_ascii=False))}")
        try:
            with anyio.fail_after(STEP_S):
                result = await self._host.call_tool(tool, arguments, progress_callback=self._progress)
        except Exception as error:
            raise DemoFailedError(f"{tool}: {str(error) or type(error).__name__}") from error
        finally:
            self._progress_ends()
        for line in _lines(result):
            self.say(f"  {line}")
        if result.is_error:
            raise DemoFailedError(f"{tool}: it answered with an error")
        return result.structured_content or {"text": "\n".join(_texts(result))}

    async def waits_for(self, batch_id: str) -> int:
        """Wait for a batch until none of its pictures is pending; answers how many are processed.

        Raises:
            DemoFailedError: Some still are after several calls.
        """
        for _ in range(_MOST_WAITS):
            status = await self.calls("waitForBatch", batchID=batch_id)
            if not status["pending"]:
                return int(status["processed"])
        raise DemoFailedError("waitForBatch: the batch was not done in time")

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG002  # MCP's signature
        """Tell the first and the last of reports in the same words, which differ in a number alone."""
        words = re.sub(r"\d+", "", message or "")
        if words == self._told:
            self._held = f"  … {message}"
            return
        self._progress_ends()
        self._told = words
        self.say(f"  … {message}")

    def _progress_ends(self) -> None:
        if self._held:
            self.say(self._held)
        self._told = self._held = ""


def short(text: str) -> str:
    """A text cut to what a terminal shows at a glance."""
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _texts(result: CallToolResult) -> list[str]:
    return [content.text for content in result.content if isinstance(content, TextContent)]


def _lines(result: CallToolResult) -> list[str]:
    lines = []
    for content in result.content:
        if isinstance(content, TextContent):
            lines += [short(line) for line in content.text.splitlines()]
        else:
            lines.append(f"[{content.type} {getattr(content, 'mime_type', '')}, seen by the model]")
    return lines
