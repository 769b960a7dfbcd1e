"""pydantic-ai: an agent of its own, whose model does as the story says."""

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from story import SERVED, Heard, command, environment, play, run


async def pydantic_ai() -> None:
    tools: set[str] = set()
    wanted: list[ToolCallPart] = []

    def model(_messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        tools.update(tool.name for tool in info.function_tools)
        return ModelResponse(parts=[wanted.pop() if wanted else TextPart("Done.")])

    server = MCPToolset(StdioTransport(command(), SERVED, env=environment()))
    async with Agent(FunctionModel(model), toolsets=[server]) as agent:

        async def call(tool: str, arguments: dict[str, object]) -> Heard:
            wanted.append(ToolCallPart(tool, arguments))
            messages = (await agent.run("Go on.")).new_messages()
            parts = [part for message in messages for part in message.parts]
            (answer,) = (part for part in parts if isinstance(part, ToolReturnPart))
            pictures = [part for part in answer.content_items() if isinstance(part, BinaryContent)]
            return Heard(answer.model_response_str(), len(pictures))

        await agent.run("What is there?")
        await play(tools, call)


run(pydantic_ai)
