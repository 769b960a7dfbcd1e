"""Two protocols by which models are asked with tools: chat completions, and messages."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
from mcp.types import CallToolResult, ImageContent, TextContent, Tool

MOST_TOKENS = 2_000


@dataclass(frozen=True)
class Wanted:
    """A call that a model wants."""

    id: str
    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True)
class Turn:
    """What a model says: words, calls, and the tokens of the exchange as the API counts them."""

    text: str
    calls: Sequence[Wanted]
    tokens: int


class Talk(ABC):
    """One conversation."""

    @abstractmethod
    async def turn(self) -> Turn:
        """The model's next turn."""

    @abstractmethod
    def hear(self, answers: Mapping[str, CallToolResult]) -> None:
        """Take the answers to the calls of the last turn, by id."""


@dataclass
class ChatTalk(Talk):
    """A conversation by chat completions."""

    http: httpx.AsyncClient
    url: str
    body: dict[str, Any]

    async def turn(self) -> Turn:
        answer = (
            (await self.http.post(f"{self.url}/chat/completions", json=self.body)).raise_for_status().json()
        )
        message = answer["choices"][0]["message"]
        self.body["messages"].append(message)
        calls = [
            Wanted(one["id"], one["function"]["name"], _object(one["function"].get("arguments")))
            for one in message.get("tool_calls") or []
        ]
        return Turn(message.get("content") or "", calls, answer.get("usage", {}).get("total_tokens", 0))

    def hear(self, answers: Mapping[str, CallToolResult]) -> None:
        shown: list[dict[str, Any]] = []
        for called, result in answers.items():
            self.body["messages"].append({"role": "tool", "tool_call_id": called, "content": _words(result)})
            shown += [
                {"type": "image_url", "image_url": {"url": f"data:{one.mime_type};base64,{one.data}"}}
                for one in _pictures(result)
            ]
        if shown:  # pictures stand in no tool message of this protocol
            self.body["messages"].append({"role": "user", "content": shown})


@dataclass
class MessagesTalk(Talk):
    """A conversation by messages."""

    http: httpx.AsyncClient
    url: str
    body: dict[str, Any]

    async def turn(self) -> Turn:
        answer = (await self.http.post(f"{self.url}/messages", json=self.body)).raise_for_status().json()
        blocks = answer["content"]
        self.body["messages"].append({"role": "assistant", "content": blocks})
        calls = [Wanted(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]
        text = "\n".join(one["text"] for one in blocks if one["type"] == "text")
        used = answer.get("usage", {})
        return Turn(text, calls, used.get("input_tokens", 0) + used.get("output_tokens", 0))

    def hear(self, answers: Mapping[str, CallToolResult]) -> None:
        blocks = [
            {
                "type": "tool_result",
                "tool_use_id": called,
                "is_error": bool(result.is_error),
                "content": [
                    {"type": "text", "text": _words(result)},
                    *(
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": one.mime_type, "data": one.data},
                        }
                        for one in _pictures(result)
                    ),
                ],
            }
            for called, result in answers.items()
        ]
        self.body["messages"].append({"role": "user", "content": blocks})


@dataclass(frozen=True)
class Api(ABC):
    """A model at an address."""

    http: httpx.AsyncClient
    url: str
    model: str

    URL: ClassVar[str]
    KEY: ClassVar[str]

    @staticmethod
    @abstractmethod
    def headers(key: str) -> dict[str, str]:
        """The headers that carry a key; none for a model that wants none."""

    @abstractmethod
    def talk(self, system: str, asked: str, tools: Sequence[Tool]) -> Talk:
        """Begin a conversation."""


class ChatApi(Api):
    """Chat completions, which most vendors and local servers speak."""

    URL = "https://api.openai.com/v1"
    KEY = "OPENAI_API_KEY"

    @staticmethod
    def headers(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def talk(self, system: str, asked: str, tools: Sequence[Tool]) -> Talk:
        functions = [
            {"name": one.name, "description": one.description, "parameters": one.input_schema}
            for one in tools
        ]
        messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
        listed = [{"type": "function", "function": one} for one in functions]
        return ChatTalk(self.http, self.url, {"model": self.model, "messages": messages, "tools": listed})


class MessagesApi(Api):
    """Messages."""

    URL = "https://api.anthropic.com/v1"
    KEY = "ANTHROPIC_API_KEY"

    @staticmethod
    def headers(key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"} if key else {}

    def talk(self, system: str, asked: str, tools: Sequence[Tool]) -> Talk:
        listed = [
            {"name": one.name, "description": one.description, "input_schema": one.input_schema}
            for one in tools
        ]
        body = {
            "model": self.model,
            "max_tokens": MOST_TOKENS,
            "system": system,
            "messages": [{"role": "user", "content": asked}],
            "tools": listed,
        }
        return MessagesTalk(self.http, self.url, body)


APIS: dict[str, type[Api]] = {"openai": ChatApi, "anthropic": MessagesApi}


def _words(result: CallToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, TextContent))


def _pictures(result: CallToolResult) -> list[ImageContent]:
    return [one for one in result.content if isinstance(one, ImageContent)]


def _object(text: str | None) -> dict[str, object]:
    """Arguments as a model writes them; what is no object becomes an argument that the server refuses."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"arguments": found}
