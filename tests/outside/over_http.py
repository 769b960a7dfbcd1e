"""The server over streamable HTTP on loopback, for the checkers that know no other way: `python over_http.py`.

It prints its address. The product itself serves over stdio; here the SDK's transport carries the same server.
"""

import tempfile
from pathlib import Path

import anyio

from autobg_mcp.commands.session import SANDBOX_KEY, open_client
from autobg_mcp.sandbox.listening import listen, serve_http
from autobg_mcp.serving.server import build_server
from autobg_mcp.settings import Settings


def main() -> None:
    settings = Settings.load(
        api_key=SANDBOX_KEY,
        base_url="http://localhost/public/api/v1",
        throttle="memory:",
        state_dir=Path(tempfile.mkdtemp(prefix="over-http-")),
    )
    server = build_server(settings, lambda: open_client(settings, sandbox=True))
    listening = listen("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    anyio.run(serve_http, server.streamable_http_app(), listening)


if __name__ == "__main__":
    main()
