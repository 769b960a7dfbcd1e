"""A sandbox over HTTP whose limits no test reaches; ends when its standard input is closed."""

import sys
import threading
from types import MappingProxyType

import anyio

from autobg_mcp.sandbox import SandboxOptions, build_sandbox
from autobg_mcp.sandbox.listening import listen, serve_http

PLENTY = 1_000_000
PATHS = ("/images/uploadWithoutTemplateCC", "/images/imagesStatus", "/user/getUserCreditDetails")


async def main() -> None:
    options = SandboxOptions(  # whose usage settles nothing
        turnaround_s=20,
        credits=PLENTY,
        limits=MappingProxyType(dict.fromkeys(PATHS, PLENTY)),
        usage_rows="day",
    )
    listening = listen("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)  # noqa: T201  # whoever started it reads the port
    async with anyio.create_task_group() as group:
        group.start_soon(serve_http, build_sandbox(options), listening)
        ended = anyio.Event()
        token = anyio.lowlevel.current_token()

        def wait_for_end() -> None:
            sys.stdin.read()
            anyio.from_thread.run_sync(ended.set, token=token)

        threading.Thread(target=wait_for_end, daemon=True).start()
        await ended.wait()
        group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)
