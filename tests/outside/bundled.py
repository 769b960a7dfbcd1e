"""The bundle for desktop hosts, made and started as they do it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_S = 90
CHOSEN = {"api_key": "a-key", "image_dirs": "photos", "read_only": "false", "approve": "repeats"}
"""What a person answers to the host."""

OPENING = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "host", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
]


def faults_of_the_bundle(layout: Path) -> Iterator[str]:
    """Lay the bundle out, check its manifest, pack, unpack and start it; says where that goes wrong.

    Args:
        layout: The script that lays it out.
    """
    steps = (
        [sys.executable, str(layout), "laid"],
        ["mcpb", "validate", "laid/manifest.json"],
        ["mcpb", "pack", "laid", "packed.mcpb"],
        ["mcpb", "unpack", "packed.mcpb", "unpacked"],
    )
    for step in steps:
        run = subprocess.run(step, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        if run.returncode:
            yield f"{' '.join(step[:2])}: {run.stdout}{run.stderr}"
            return
    offered = json.loads(Path("unpacked/manifest.json").read_text("utf-8"))["tools"]
    if listed() != {tool["name"] for tool in offered}:
        yield "start: the tools listed are not those of the manifest"


def listed() -> set[str]:
    """The names of the tools that the unpacked bundle's server lists."""
    folder = Path("unpacked").resolve()
    config = json.loads((folder / "manifest.json").read_text("utf-8"))["server"]["mcp_config"]
    command = [config["command"], *(filled(word, folder) for word in config["args"])]
    environment = {name: filled(value, folder) for name, value in config["env"].items()}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | environment, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        server.stdin.write("".join(json.dumps(message) + "\n" for message in OPENING))
        server.stdin.flush()
        # Once the input has ended the server does, too, and answers nothing that is under way.
        answers = (json.loads(line) for line in server.stdout)
        told = next((answer for answer in answers if answer.get("id") == 2), None)
        server.stdin.close()
    return {tool["name"] for tool in told["result"]["tools"]} if told else set()


def filled(text: str, folder: Path) -> str:
    """A word of the manifest, with what the host puts into it."""
    text = text.replace("${__dirname}", str(folder))
    for name, value in CHOSEN.items():
        text = text.replace(f"${{user_config.{name}}}", value)
    return text
