"""mcp-use with its own adapter for LangChain: unset options arrive as null, nested schemas lose their keys."""

from mcp_use import MCPClient
from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter
from story import SERVED, Heard, command, environment, play, run


async def mcp_use() -> None:
    server = {"command": command(), "args": SERVED, "env": environment()}
    client = MCPClient(config={"mcpServers": {"autobg": server}})
    try:
        tools = {tool.name: tool for tool in await LangChainAdapter().create_tools(client)}

        async def call(tool: str, arguments: dict[str, object]) -> Heard:
            answer = await tools[tool].ainvoke(arguments)
            blocks = [{"type": "text", "text": answer}] if isinstance(answer, str) else answer
            assert isinstance(blocks, list), blocks  # what went wrong is told as an object
            text = " ".join(block["text"] for block in blocks if block["type"] == "text")
            return Heard(text, sum(block["type"] == "image" for block in blocks))

        await play(tools, call)
    finally:
        await client.close_all_sessions()


run(mcp_use)
