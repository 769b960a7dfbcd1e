"""What autobg-mcp is measured beside, each a process: python examples/bench_peers.py sandbox|list|call|openapi|described [address]."""

import sys
from importlib import import_module
from typing import Any

import anyio

KEY = "sandbox-key"
TOOL = "getUserCreditDetails"
PATH = f"/user/{TOOL}"
UNLIMITED = 1_000_000


async def sandbox() -> None:
    """The fake API without limits over loopback HTTP; prints its address."""
    from autobg_mcp.sandbox import SandboxOptions, build_sandbox  # noqa: PLC0415  # peers load none of ours
    from autobg_mcp.sandbox.app import endpoints  # noqa: PLC0415
    from autobg_mcp.sandbox.listening import listen, serve_http  # noqa: PLC0415

    listening = listen("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/public/api/v1", flush=True)
    limits = {endpoint.path: UNLIMITED for endpoint in endpoints()}
    await serve_http(build_sandbox(SandboxOptions(limits=limits, turnaround_s=0)), listening)


async def bare(address: str) -> None:
    """One tool on the bare SDK; with an address it sends the request and answers the body."""
    import mcp_types as types  # noqa: PLC0415
    from mcp.server.context import ServerRequestContext  # noqa: PLC0415
    from mcp.server.lowlevel import Server  # noqa: PLC0415
    from mcp.server.stdio import stdio_server  # noqa: PLC0415

    httpx = import_module("httpx2") if address else None
    http = httpx.AsyncClient(base_url=address, headers={"Authorization": KEY}) if httpx else None

    async def list_tools(
        _context: ServerRequestContext[Any, Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        tool = types.Tool(name=TOOL, description="Credits left.", input_schema={"type": "object"})
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _context: ServerRequestContext[Any, Any], _params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        assert http is not None
        answer = await http.post(PATH)
        return types.CallToolResult(content=[types.TextContent(type="text", text=answer.text)])

    server = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def openapi(address: str) -> None:
    """The same endpoint as FastMCP makes a tool of it: no throttle, no ledger."""
    answers = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
    spec = {
        "openapi": "3.1.0",
        "info": {"title": "Autobg", "version": "1"},
        "servers": [{"url": address}],
        "paths": {PATH: {"post": {"operationId": TOOL, "responses": answers}}},
    }
    http = import_module("httpx2").AsyncClient(base_url=address, headers={"Authorization": KEY})
    server = import_module("fastmcp").FastMCP.from_openapi(spec, client=http)
    await server.run_async(transport="stdio", show_banner=False)


async def described(address: str) -> None:
    """Every endpoint as FastMCP makes tools of a whole description."""
    from autobg_openapi import description  # noqa: PLC0415  # other peers do without it

    http = import_module("httpx2").AsyncClient(base_url=address, headers={"Authorization": KEY})
    server = import_module("fastmcp").FastMCP.from_openapi(description(address), client=http)
    await server.run_async(transport="stdio", show_banner=False)


if __name__ == "__main__":
    kind, address = (*sys.argv[1:], "", "")[:2]
    if kind == "sandbox":
        anyio.run(sandbox)
    elif kind == "openapi":
        anyio.run(openapi, address)
    elif kind == "described":
        anyio.run(described, address)
    else:
        anyio.run(bare, address)
