"""OpenAI's agents with strict schemas: the model must write every option, and writes the empty value of what it leaves."""

import json

from agents.mcp import MCPServerStdio, MCPUtil
from agents.tool_context import ToolContext
from story import SERVED, Heard, command, environment, play, run

EMPTY: dict[str, object] = {"string": "", "boolean": False, "array": []}


def filled(schema: dict[str, dict[str, dict[str, object]]], arguments: dict[str, object]) -> str:
    """The arguments as a strict model writes them: every key, those it has no value for empty."""
    empty = {name: EMPTY.get(str(about.get("type"))) for name, about in schema["properties"].items()}
    return json.dumps(empty | arguments)


async def openai_agents() -> None:
    params = {"command": command(), "args": SERVED, "env": environment()}
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
        found = await MCPUtil.get_function_tools(server, True, None, None)
        tools = {tool.name: tool for tool in found}
        loose = [tool.name for tool in found if not tool.strict_json_schema]
        assert loose == ["getUserCreditDetails"], (
            loose
        )  # no object without keys is strict; it takes no arguments

        async def call(tool: str, arguments: dict[str, object]) -> Heard:
            written = filled(tools[tool].params_json_schema, arguments)
            context = ToolContext(context=None, tool_name=tool, tool_call_id="1", tool_arguments=written)
            answer = await tools[tool].on_invoke_tool(context, written)
            parts = answer if isinstance(answer, list) else [answer]
            return Heard(json.dumps(parts), sum(part.get("type") == "image" for part in parts))

        await play(tools, call)


run(openai_agents)
