"""LangChain's adapters: every tool becomes one of LangChain, and its answer a message for the model."""

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from story import SERVED, Heard, command, environment, play, run


async def langchain() -> None:
    server = {"transport": "stdio", "command": command(), "args": SERVED, "env": environment()}
    async with MultiServerMCPClient({"autobg": server}).session("autobg") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(tool: str, arguments: dict[str, object]) -> Heard:
            asked = {"type": "tool_call", "id": "1", "name": tool, "args": arguments}
            message = await tools[tool].ainvoke(asked)
            assert message.status == "success", message.content
            blocks = message.content_blocks
            text = " ".join(block["text"] for block in blocks if block["type"] == "text")
            return Heard(text, sum(block["type"] == "image" for block in blocks))

        await play(tools, call)


run(langchain)
