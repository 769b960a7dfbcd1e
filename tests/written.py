"""The files that the code decides, or decides parts of; `python tests/documents.py` writes them."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bundle_described import MANIFEST, manifest
from readme_parts import EXAMPLES, PAGES, SERVER_JSON, example, filled, page
from settings_described import environment_variables

import autobg_mcp
from autobg_mcp import __version__
from autobg_mcp.serving.introduction import WEBSITE
from autobg_mcp.serving.listing import prepare
from autobg_mcp.tools import TOOLS
from autobg_mcp.tools.offer import PREPARED

TASKS = Path(__file__).parent / "tasks" / "README.md"
STUB = Path(autobg_mcp.__file__).with_suffix(".pyi")


def listing() -> str:
    """Every tool as the server must know it before it loads one."""
    return _json({tool.tool: prepare(tool) for tool in TOOLS})


def stub() -> str:
    """The public names for type checkers."""
    homes: dict[str, str] = vars(autobg_mcp)["_HOMES"]
    names = sorted(homes, key=lambda name: (homes[name], name.casefold()))
    lines = [f"from {homes[name]} import {name} as {name}" for name in names]
    return "\n".join(["# Written by `python tests/documents.py`.", "", *lines, "", "__version__: str", ""])


def server() -> str:
    """The text of server.json: name and words as they stand there, version, website and variables from the code."""
    written = json.loads(SERVER_JSON.read_text("utf-8"))
    (package,) = written["packages"]
    package |= {"version": __version__, "environmentVariables": environment_variables()}
    written |= {"version": __version__, "websiteUrl": WEBSITE, "packages": [package]}
    return _json(written)


def tasks() -> str:
    """The page of the tasks that an agent gets."""
    if str(TASKS.parent) not in sys.path:
        sys.path.append(str(TASKS.parent))
    import tables  # noqa: PLC0415  # a folder of its own, which only pytest knows by itself

    return filled(TASKS, {"tasks": tables.tasks, "blunders": tables.blunders})


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


WRITTEN: dict[Path, Callable[[], str]] = {
    PREPARED: listing,
    STUB: stub,
    SERVER_JSON: server,
    MANIFEST: lambda: _json(manifest()),
    **{path: partial(example, path) for path in sorted(EXAMPLES.iterdir())},
    TASKS: tasks,
    **{path: partial(page, path) for path in PAGES},
}
"""Every file that the code decides, or decides parts of."""
