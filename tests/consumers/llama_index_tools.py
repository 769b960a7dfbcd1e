"""LlamaIndex: every tool gets a model of its arguments, whose unset options arrive as null."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from story import Heard, command, environment, play, run


async def llama_index() -> None:
    """Every call starts a server of its own, so the sandbox stands beside them."""
    with sandbox() as settings:
        await _llama_index(BasicMCPClient(command(), env=environment() | settings))


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own, and the settings with which servers find it."""
    process = subprocess.Popen([command(), "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield dict(setting.split("=", 1) for setting in process.stdout.readline().split())
    finally:
        process.terminate()
        process.wait(10)


async def _llama_index(client: BasicMCPClient) -> None:
    tools = {tool.metadata.name: tool for tool in await McpToolSpec(client).to_tool_list_async()}

    async def call(tool: str, arguments: dict[str, object]) -> Heard:
        model = tools[tool].metadata.fn_schema
        answer = (await tools[tool].acall(**model(**arguments).model_dump())).raw_output
        assert not answer.is_error, answer.content
        text = " ".join(block.text for block in answer.content if block.type == "text")
        return Heard(text, sum(block.type == "image" for block in answer.content))

    for tool in tools.values():
        assert tool.metadata.to_openai_tool()["function"]["parameters"]["type"] == "object"
    await play(tools, call)


run(llama_index)
