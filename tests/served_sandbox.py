"""A sandbox in a process of its own, and what leads other processes to it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def sandbox_served(photos: Path, folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads a process to a sandbox, to photos, and to a state and results of its own."""
    command = [sys.executable, "-m", "autobg_mcp", "sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout
        pairs = [pair.partition("=") for pair in sandbox.stdout.readline().split()]
        try:
            yield {name: value for name, _, value in pairs} | {
                "AUTOBG_IMAGE_DIRS": str(photos),
                "AUTOBG_STATE_DIR": str(folder / "state"),
                "AUTOBG_OUTPUT_DIR": str(folder / "results"),
            }
        finally:
            sandbox.terminate()


def steer(environment: dict[str, str], what: str, body: object = None) -> dict[str, Any]:
    """Ask or steer the sandbox."""
    url = environment["AUTOBG_BASE_URL"].removesuffix("/public/api/v1") + f"/_sandbox/{what}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
