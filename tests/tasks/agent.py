"""An agent that reads answers: it calls tools through an MCP client and goes on as the last answer says."""

import json
import re
from dataclasses import dataclass
from typing import Any

from conftest import Clock
from documented import text_of
from mcp import Client as McpClient
from mcp import MCPError
from mcp.types import CallToolResult, ImageContent, TextContent
from tokens import tokens

MOST_HINTS = 12
SHEET_TOKENS = 1_500
"""What a picture costs a model, roughly: a contact sheet of 1024 px is not above it."""

_GIVEN = re.compile(r"(?: with|,| and)? (\w+)=([^\s,;]+)")


@dataclass(frozen=True)
class Answer:
    """What a call answers, as a model reads it."""

    result: CallToolResult

    @property
    def text(self) -> str:
        return text_of(self.result)

    @property
    def is_error(self) -> bool:
        return bool(self.result.is_error)

    @property
    def pictures(self) -> int:
        """How many pictures the model sees."""
        return sum(isinstance(one, ImageContent) for one in self.result.content)

    @property
    def next(self) -> str:
        """What to do next, in the server's words; empty where it says nothing."""
        told = (self.result.structured_content or {}).get("next") if not self.is_error else None
        return str(told or "\n".join(re.findall(r"Next: (.*)", self.text)))

    def __getitem__(self, name: str) -> Any:
        """A field of an answer that is a success."""
        assert not self.is_error, self.text
        return (self.result.structured_content or {})[name]

    def find(self, pattern: str) -> str:
        """The first group of what the text says."""
        found = re.search(pattern, self.text)
        assert found, f"{pattern!r} is not in: {self.text}"
        return found[1]

    def hint(self, tool: str) -> dict[str, str]:
        """The arguments with which the answer names a tool as the next step.

        Raises:
            AssertionError: It does not name it.
        """
        named = re.search(rf"\b{tool}\b", self.next)
        assert named, f"{tool} is not what comes next: {self.next or self.text}"
        given, at = {}, named.end()
        while found := _GIVEN.match(self.next, at):
            given[found[1]], at = found[2].rstrip(".:"), found.end()
        return given


class Agent:
    """Calls tools, counts calls and tokens, and keeps what it heard.

    Args:
        host: The client.
        clock: The time that passes while it rests.
    """

    def __init__(self, host: McpClient, clock: Clock) -> None:
        self._host, self._clock = host, clock
        self.calls = 0
        self.tokens = 0
        self.heard: list[str] = []
        self._last: Answer | None = None

    @property
    def last(self) -> Answer:
        """The last answer."""
        assert self._last is not None
        return self._last

    async def call(self, tool: str, **arguments: object) -> Answer:
        """One call; what the protocol refuses is read like any other error."""
        try:
            answer = Answer(await self._host.call_tool(tool, arguments))
        except MCPError as refused:
            answer = Answer(CallToolResult(content=[TextContent(text=refused.message)], is_error=True))
        self.calls += 1
        self.tokens += tokens(json.dumps([tool, arguments])) + tokens(answer.text)
        self.tokens += SHEET_TOKENS * answer.pictures
        self.heard.append(answer.text)
        self._last = answer
        return answer

    async def nothing(self) -> str:
        """Make no call, and tell nothing."""
        return ""

    async def rest(self, minutes: float) -> None:
        """Do something else for so long."""
        await self._clock.sleep(60 * minutes)

    async def follow(self, tool: str, **more: object) -> Answer:
        """The call that the last answer names next, with what the agent itself knows beside that."""
        return await self.call(tool, **{**self.last.hint(tool), **more})

    async def go_on(self, tool: str) -> Answer:
        """Follow the first step that each answer names until this tool has answered."""
        for _ in range(MOST_HINTS):
            named = re.search(r"\b[a-z]+[A-Z]\w+", self.last.next)
            assert named, f"nothing is named next: {self.last.text}"
            await self.follow(named[0])
            if named[0] == tool:
                return self.last
        raise AssertionError(f"{MOST_HINTS} steps do not lead to {tool}: {self.last.text}")
