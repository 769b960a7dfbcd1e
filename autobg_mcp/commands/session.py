"""What several commands begin with: the settings, and a client for them, against the API or a sandbox."""

import argparse
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from autobg_mcp.client import Client
    from autobg_mcp.settings import Settings

SANDBOX_KEY = "sandbox-key"
"""Any key is a user of the sandbox; this one is nobody's secret. A sandbox in a process of its own shows a new one at each
start, since what the ledger knows of another start's batches would not hold for it."""

SANDBOX_SETTINGS = {
    "api_key": SANDBOX_KEY,
    "base_url": "http://localhost/public/api/v1",
    "throttle": "memory:",
}
"""What `--sandbox` sets, whatever the operator did."""


def declare_sandbox(parser: argparse.ArgumentParser) -> None:
    """The flag of every command that can do without the API."""
    parser.add_argument(
        "--sandbox", action="store_true", help="use the built-in fake API: no key, no network, no cost"
    )


def load_settings(options: argparse.Namespace) -> "Settings":
    """What the operator set; with `--sandbox`, what the sandbox needs.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    from autobg_mcp.settings import Settings
    from autobg_mcp.tools.offer import check_names

    settings = Settings.load(**SANDBOX_SETTINGS) if options.sandbox else Settings.load()
    check_names(settings)
    return settings


@asynccontextmanager
async def open_client(
    settings: "Settings", *, sandbox: bool, unfenced: bool = False
) -> AsyncGenerator["Client"]:
    """A client for the settings: against the API, or against a sandbox of its own that lives as long as it does.

    Args:
        settings: What the operator set.
        sandbox: True for the fake API in this process, with budgets and records that vanish with it.
        unfenced: True where a person named the paths, so that any readable picture may be uploaded.
    """
    from autobg_mcp.client import Client
    from autobg_mcp.files.fence import Fence

    fence = Fence(settings.image_dirs, unfenced=unfenced, results=settings.output_folder())
    if not sandbox:
        async with Client(settings, fence=fence) as client:
            yield client
        return
    with tempfile.TemporaryDirectory(prefix="autobg-sandbox-") as folder:
        own = settings.model_copy(update={"state_dir": Path(folder), "output_dir": settings.output_folder()})
        async with Client(own, fence=fence, app=sandbox_app(2.0, 60.0)) as client:
            yield client


def sandbox_app(turnaround_s: float, window_s: float, credits_left: int = 100) -> "Starlette":
    """The fake API, with a turnaround and a window of limits in seconds, and what each user has to spend."""
    from autobg_mcp.sandbox import SandboxOptions, build_sandbox

    options = SandboxOptions(turnaround_s=turnaround_s, window_s=window_s, credits=credits_left)
    return build_sandbox(options)


def leave(code: int = 0) -> NoReturn:
    """End this process at once: Python itself would wait for threads, such as one that waits for a host's next line."""
    import logging
    import os

    logging.shutdown()
    os._exit(code)
