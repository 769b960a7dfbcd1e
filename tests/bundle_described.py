"""The manifest of the bundle for desktop hosts (MCPB), written from the code."""

import json
import tomllib
from pathlib import Path

from readme_parts import ROOT, SERVER_JSON
from settings_described import default_of, meanings, variable

from autobg_mcp.settings import TOOLSETS, Settings
from autobg_mcp.text import first_sentence
from autobg_mcp.tools import TOOLS

MANIFEST = ROOT / "examples" / "deploy" / "mcpb" / "manifest.json"
EXTRAS = ("heic", "xlsx")
"""What a person's photos and lists need."""

# A host writes what the person chose in place of a setting's name, and leaves the name where nothing was chosen: so each
# of these is required or has a default. Of several folders it could write none.
ASKED = {
    "api_key": {"type": "string", "title": "API key", "sensitive": True, "required": True},
    "image_dirs": {"type": "directory", "title": "Folder of photos", "required": True},
    "read_only": {"type": "boolean", "title": "Read only", "default": Settings.model_fields["read_only"].default},
    "approve": {"type": "string", "title": "When to ask before paying", "default": default_of(Settings.model_fields["approve"])},
}  # fmt: skip


def manifest() -> dict[str, object]:
    """What the bundle is, how it is started, and what the person is asked for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    registered = json.loads(SERVER_JSON.read_text("utf-8"))
    return {
        "manifest_version": "0.4",
        "name": project["name"],
        "display_name": registered["title"],
        "version": project["version"],
        "description": project["description"],
        "author": {"name": "autobg-mcp"},
        "repository": {"type": "git", "url": registered["repository"]["url"]},
        "homepage": registered["websiteUrl"],
        "documentation": project["urls"]["Documentation"],
        "support": project["urls"]["Issues"],
        "icon": Path(registered["icons"][0]["src"]).name,
        "keywords": project["keywords"],
        "license": project["license"],
        "server": {"type": "uv", "entry_point": "autobg_mcp/__main__.py", "mcp_config": _start()},
        "tools": [
            {"name": tool.tool, "description": first_sentence(tool.description())}
            for tool in TOOLS
            if tool.toolset in TOOLSETS
        ],
        "user_config": {name: _asked(name) for name in ASKED},
        "compatibility": {
            "platforms": ["darwin", "linux", "win32"],
            "runtimes": {"python": project["requires-python"]},
        },
    }


def _start() -> dict[str, object]:
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    return {
        "command": "uv",
        "args": ["run", "--directory", "${__dirname}", *extras, "autobg-mcp"],
        "env": {variable(name): f"${{user_config.{name}}}" for name in ASKED},
    }


def _asked(name: str) -> dict[str, object]:
    meaning = "The photos in it may be uploaded." if name == "image_dirs" else meanings()[name]
    return {**ASKED[name], "description": meaning.replace("`", "")}
