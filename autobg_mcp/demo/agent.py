"""What calls tools in the demo, and tells what it does, what came, and what it saw."""

import base64
import json
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

import anyio
from mcp import Client
from mcp.types import CallToolResult, ImageContent, TextContent

from autobg_mcp.demo.processes import DemoFailedError, pictures

STEP_S: Final = 20.0
"""How long a step may take."""

_SHOWN_CHARS: Final = 220
_MOST_WAITS: Final = 6
_USUAL: Final = ": done, processed"
_MOST_USUAL: Final = 2

Say = Callable[[str], None]
"""Takes the transcript, line by line."""


class Agent:
    """Calls tools of one server.

    Args:
        host: Where the server is connected.
        output: Folder that what the model sees is saved in.
        say: Takes the transcript.
    """

    def __init__(self, host: Client, output: Path, say: Say) -> None:
        self._host = host
        self._output = output
        self._say = say
        self._told = self._held = ""

    def tells(self, sentence: str) -> None:
        """Say in plain words what comes next."""
        self._say(f"\n{sentence}")

    async def calls(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call one tool, tell what came, and answer its structured content; of pictures, which have none, the `text`.

        Raises:
            DemoFailedError: The tool answered with an error, or not at all.
        """
        self._say(f"> {tool} {self._short(json.dumps(arguments, ensure_ascii=False))}")
        try:
            with anyio.fail_after(STEP_S):
                result = await self._host.call_tool(tool, arguments, progress_callback=self._progress)
        except Exception as error:
            raise DemoFailedError(f"{tool}: {str(error) or type(error).__name__}") from error
        finally:
            self._progress_ends()
        await self._show(result)
        if result.is_error:
            raise DemoFailedError(f"{tool}: it answered with an error")
        return result.structured_content or {"text": "\n".join(_texts(result))}

    async def waits_for(self, batch_id: str, wanted: int) -> None:
        """Wait for a batch until so many of its pictures are processed and none is pending.

        Raises:
            DemoFailedError: They are not after several calls.
        """
        for _ in range(_MOST_WAITS):
            status = await self.calls("waitForBatch", batchID=batch_id)
            if status["processed"] == wanted and not status["pending"]:
                return
            await anyio.sleep(1)  # the batch may be done with photos still to come
        raise DemoFailedError("waitForBatch: the batch was not done in time")

    async def _show(self, result: CallToolResult) -> None:
        """Tell an answer's lines, and save what the model saw so that a person can look too.

        Raises:
            DemoFailedError: It cannot be saved.
        """
        for line in _without_the_usual("\n".join(_texts(result)).splitlines()):
            self._say(f"  {self._short(line)}")
        for content in result.content:
            if isinstance(content, ImageContent):
                try:
                    path = await anyio.to_thread.run_sync(_keep, self._output, base64.b64decode(content.data))
                except OSError as error:
                    raise DemoFailedError(f"sheet: it cannot be saved: {error.strerror}") from error
                self._say(f"  The sheet that the model saw: {_near(path)}")

    def _short(self, text: str) -> str:
        """A line cut to what a terminal shows at a glance, its folders by their last names."""
        for folder, name in (
            (pictures("photos"), "photos"), (pictures("branding"), "branding"), (self._output, _near(self._output)),
        ):  # fmt: skip
            for written in (json.dumps(str(folder), ensure_ascii=False)[1:-1], str(folder)):
                text = text.replace(written, name)
        return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"

    async def _progress(self, progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG002  # MCP's signature
        """Tell the first and the last of reports in the same words, which differ in a number alone."""
        words = re.sub(r"\d+", "", message or "")
        if words == self._told:
            self._held = f"  … {message}"
            return
        self._progress_ends()
        self._told = words
        self._say(f"  … {message}")

    def _progress_ends(self) -> None:
        if self._held:
            self._say(self._held)
        self._told = self._held = ""


def _without_the_usual(lines: list[str]) -> list[str]:
    """The lines of an answer, but of those that say of a picture that nothing is the matter only the first two."""
    usual = [line for line in lines if line.endswith(_USUAL)]
    if len(usual) <= _MOST_USUAL:
        return lines
    kept = [line for line in lines if line not in usual[_MOST_USUAL:]]
    kept.insert(
        1 + max(map(kept.index, _pictures(kept))), f"… {len(usual) - _MOST_USUAL} more: done, processed"
    )
    return kept


def _pictures(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"\d+\. picID ", line)]


def _keep(folder: Path, sheet: bytes) -> Path:
    """Save a sheet under the first name that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / f"sheet-{number}.jpg"
        try:
            with path.open("xb") as file:
                file.write(sheet)
        except FileExistsError:
            continue
        return path
    raise AssertionError


def _near(path: Path) -> str:
    """A path as a person would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _texts(result: CallToolResult) -> list[str]:
    return [content.text for content in result.content if isinstance(content, TextContent)]
