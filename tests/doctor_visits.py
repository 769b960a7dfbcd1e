"""What doctor finds in an environment that a test has drawn up, and an API on this machine for it to ask."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from conftest import KEY
from starlette.types import ASGIApp

from autobg_mcp.commands import main

CERTIFICATE = Path(__file__).parent / "data" / "localhost.pem"
"""A certificate for localhost that nobody has signed but itself, and its key."""


@contextmanager
def served(api: ASGIApp, *, tls: bool = False) -> Iterator[str]:
    """An application at an address on this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        api,
        log_level="critical",
        lifespan="off",
        date_header=False,
        ssl_certfile=CERTIFICATE if tls else None,
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://localhost:{listening.getsockname()[1]}/public/api/v1"
    finally:
        server.should_exit = True
        thread.join()


class Visit:
    """Runs `autobg-mcp doctor` in an environment of its own.

    Args:
        monkeypatch: Sets the environment.
        capsys: Hears what is printed.
        folder: Holds home, state, photos and results.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
    ) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        self.code: object = None
        self.printed = ""

    def says(self, *flags: str, **variables: object) -> str:
        """All that it prints, with these variables set."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, str(value))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["doctor", *flags])
        self.code = ended.value.code
        self.printed = "".join(self._capsys.readouterr())
        return self.printed

    def finds(self, *flags: str, **variables: object) -> dict[str, dict[str, str]]:
        """Its findings by what was checked."""
        told: dict[str, Any] = json.loads(self.says("--json", *flags, **variables))
        return {finding["check"]: finding for finding in told["findings"]}

    def host_starts(self, command: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        """Let a host's file name the server."""
        entry = {"command": command, "args": arguments, "env": env or {}}
        file = self.home / ".cursor" / "mcp.json"
        file.parent.mkdir()
        file.write_text(json.dumps({"mcpServers": {"autobg": entry}}))


BARE = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_CONFIG_HOME",
)
"""What comes from outside and would change what is found."""


def prepared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, photos: Path
) -> Visit:
    """A visit to a machine on which all is well, but for an API, which is not set."""
    for name in BARE:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    visit = Visit(monkeypatch, capsys, folder)
    usual = {
        "HOME": visit.home,
        "COLUMNS": 100,
        "AUTOBG_API_KEY": KEY,
        "AUTOBG_STATE_DIR": folder / "state",
        "AUTOBG_OUTPUT_DIR": folder / "results",
        "AUTOBG_IMAGE_DIRS": photos,
    }
    for name, value in usual.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(folder)
    return visit
