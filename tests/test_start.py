"""What a start waits for, and what it does not."""

import subprocess
import sys
from contextlib import AbstractAsyncContextManager

import pytest
from conftest import KEY
from documented import text_of
from mcp import Client as McpClient

import autobg_mcp
from autobg_mcp.client import Client
from autobg_mcp.errors import StateError
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings
from autobg_mcp.tools import TOOLS

PUBLIC: list[str] = vars(autobg_mcp)["__all__"]
LISTS = """
import anyio, mcp
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings

async def main():
    async with mcp.Client(build_server(Settings.load(), lambda: 1 / 0)) as host:
        assert (await host.list_tools()).tools

anyio.run(main)
"""


def loaded(code: str) -> set[str]:
    """The modules that some code loads in a new Python."""
    code = f"import sys; before = set(sys.modules)\n{code}\nprint(*sys.modules.keys() - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("autobg_mcp")}


def test_the_import_loads_the_table_of_contents_and_nothing_of_others() -> None:
    modules = loaded("import autobg_mcp")
    assert ours(modules) == {"autobg_mcp", "autobg_mcp.tools"}
    assert not modules & {"pydantic", "anyio", "mcp", "httpx", "importlib.metadata"}


def test_help_loads_only_commands_and_errors() -> None:
    modules = loaded(
        "import autobg_mcp.commands\ntry: autobg_mcp.commands.main(['--help'])\nexcept SystemExit: pass"
    )
    assert not modules & {"pydantic", "anyio", "mcp", "httpx", "importlib.metadata", "autobg_mcp.hosts"}


def test_a_server_that_only_lists_loads_no_tool_no_client_and_no_pillow() -> None:
    modules = loaded(LISTS)
    assert not modules & {"autobg_mcp.client", "autobg_mcp.toolkit", "PIL", "httpx", "sqlite3"}
    assert {name for name in ours(modules) if name.startswith("autobg_mcp.tools.")} == {
        "autobg_mcp.tools.offer"
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_when_it_is_used(name: str) -> None:
    assert name in dir(autobg_mcp)
    assert getattr(autobg_mcp, name)


def test_every_tool_is_a_public_name() -> None:
    assert {tool.__name__ for tool in TOOLS} <= set(PUBLIC)


def test_a_name_that_is_none_of_ours_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Templates'"):
        autobg_mcp.Templates  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.anyio
async def test_a_client_that_cannot_be_opened_ends_calls_and_not_the_server() -> None:
    def open_client() -> AbstractAsyncContextManager[Client]:
        raise StateError("The state folder cannot be used.")

    async with McpClient(build_server(Settings.load(api_key=KEY), open_client)) as host:
        assert (await host.list_tools()).tools
        refused = await host.call_tool("listTemplates", {})
    assert refused.is_error
    assert "The state folder cannot be used." in text_of(refused)
