"""Every tool there is, in the order a model reads them."""

from autobg_mcp.endpoints import ENDPOINTS
from autobg_mcp.tool import Result, Tool
from autobg_mcp.workflows import WORKFLOWS

TOOLS: tuple[type[Tool[Result]], ...] = (*ENDPOINTS, *WORKFLOWS)

BY_NAME: dict[str, type[Tool[Result]]] = {tool.tool: tool for tool in TOOLS}
