"""The command line: serve, demo, sandbox, call, tools. The only module that prints or exits."""

import argparse
import json
import logging
import secrets
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import anyio
from pydantic import JsonValue

from autobg_mcp import __version__
from autobg_mcp.context import Call
from autobg_mcp.errors import ArgumentsRefusedError, AutobgError, ConfigurationError
from autobg_mcp.settings import Settings
from autobg_mcp.tools import check_names, find, offered

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from autobg_mcp.client import Client
    from autobg_mcp.tool import Result, Tool

Run = Callable[[argparse.Namespace], int]
"""What a command does; answers the exit code."""

FAILED = 1
WRONG_USAGE = 2

SANDBOX_KEY = "sandbox-key"
"""Any key is a user of the sandbox; this one is nobody's secret. A sandbox in a process of its own shows a new one at each
start, since what the ledger knows of another start's batches would not hold for it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 a tool or a step failed, 2 wrong usage."""
    options = _parsed(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        sys.exit(options.run(options))
    except (ArgumentsRefusedError, ConfigurationError) as error:
        _fail(error, WRONG_USAGE)
    except AutobgError as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    options, late = parser.parse_known_args(arguments)
    # argparse takes no positionals after a flag: `call TOOL --sandbox name=value`
    if late and (not hasattr(options, "pairs") or any(part.startswith("-") for part in late)):
        parser.error(f"unrecognized arguments: {' '.join(late)}")
    if late:
        options.pairs += late
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autobg-mcp",
        description="MCP server for the Autobg API. Without a command it serves over stdio.",
    )
    parser.add_argument("--version", action="version", version=f"autobg-mcp {__version__}")
    parser.set_defaults(run=_serve, sandbox=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    sandboxed = argparse.ArgumentParser(add_help=False)
    sandboxed.add_argument(
        "--sandbox", action="store_true", help="use the built-in fake API: no key, no network, no cost"
    )

    def command(name: str, text: str, run: Run, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        described = text[:1].upper() + text[1:] + "."
        added = commands.add_parser(name, parents=parents, help=text, description=described)
        added.set_defaults(run=run)
        return added

    command("serve", "serve MCP over stdio (the default)", _serve, sandboxed)

    demo = command("demo", "show what an agent sees: photos in, pictures out, against the sandbox", _demo)
    demo.add_argument("--output", type=Path, default=Path("autobg-output"), help="folder for the pictures")

    sandbox = command("sandbox", "serve the fake API over HTTP on 127.0.0.1", _sandbox)
    sandbox.add_argument("--port", type=_port, default=8321, help="0 takes a free one (default: %(default)s)")
    sandbox.add_argument(
        "--turnaround", type=_seconds, default=2.0, metavar="S", help="seconds a picture takes (default: 2)"
    )
    sandbox.add_argument(
        "--window", type=_window, default=60.0, metavar="S", help="seconds of a limit's window (default: 60)"
    )

    call = command("call", "call one tool, as a host would", _call, sandboxed)
    call.add_argument("tool", metavar="TOOL", help="name of a tool, see: autobg-mcp tools")
    call.add_argument(
        "pairs", metavar="name=value", nargs="*", help="an argument; repeat the name for a list"
    )
    call.add_argument("--args", metavar="JSON", help="all arguments as one JSON object")

    tools = command("tools", "list the tools", _tools, sandboxed)
    tools.add_argument("--json", action="store_true", help="exactly what MCP lists")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:  # noqa: PLR2004  # the largest port there is
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    if not 0 <= float(text) <= 86_400:  # noqa: PLR2004  # a day
        raise argparse.ArgumentTypeError("seconds from 0 to 86400")
    return float(text)


def _window(text: str) -> float:
    if not _seconds(text):
        raise argparse.ArgumentTypeError("seconds above 0")
    return float(text)


def _fail(error: AutobgError, code: int) -> NoReturn:
    print(f"autobg-mcp: {error.explanation()}", file=sys.stderr)
    sys.exit(code)


def _settings(options: argparse.Namespace) -> Settings:
    own = {"api_key": SANDBOX_KEY, "base_url": "http://sandbox/public/api/v1", "throttle": "memory:"}
    settings = Settings.load(**own) if options.sandbox else Settings.load()
    check_names(settings)
    return settings


def _serve(options: argparse.Namespace) -> int:
    from autobg_mcp.server import build_server  # noqa: PLC0415  # --help needs none of it
    from autobg_mcp.transports import serve_stdio  # noqa: PLC0415

    settings = _settings(options)
    server = build_server(settings, lambda: open_client(settings, sandbox=options.sandbox))
    # Nothing else ends a process that waits for a line from its host.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve_stdio, server)
    return 0


@asynccontextmanager
async def open_client(
    settings: Settings, *, sandbox: bool, unfenced: bool = False
) -> AsyncGenerator["Client"]:
    """A client for the settings: against the API, or against a sandbox of its own that lives as long as it does.

    Args:
        settings: What the operator set.
        sandbox: True for the fake API in this process, with budgets and records that vanish with it.
        unfenced: True where a person named the paths, so that any readable picture may be uploaded.
    """
    from autobg_mcp.client import Client  # noqa: PLC0415  # --help needs none of it
    from autobg_mcp.pictures.fence import Fence  # noqa: PLC0415

    fence = Fence(settings.image_dirs, unfenced=unfenced, results=settings.output_folder())
    if not sandbox:
        async with Client(settings, fence=fence) as client:
            yield client
        return
    with tempfile.TemporaryDirectory(prefix="autobg-sandbox-") as folder:
        own = settings.model_copy(update={"state_dir": Path(folder), "output_dir": settings.output_folder()})
        async with Client(own, fence=fence, app=_sandbox_app(2.0, 60.0)) as client:
            yield client


def _sandbox_app(turnaround_s: float, window_s: float) -> "Starlette":
    from autobg_mcp.sandbox import SandboxOptions, build_sandbox  # noqa: PLC0415  # most servers need no sandbox

    return build_sandbox(SandboxOptions(turnaround_s=turnaround_s, window_s=window_s))


def _sandbox(options: argparse.Namespace) -> int:
    from autobg_mcp.transports import listen, serve_http  # noqa: PLC0415

    try:
        listening = listen("127.0.0.1", options.port)
    except OSError as error:
        raise ConfigurationError(f"Port {options.port} cannot be used: {error.strerror}.") from None
    port = listening.getsockname()[1]
    print(
        f"AUTOBG_BASE_URL=http://127.0.0.1:{port}/public/api/v1 AUTOBG_API_KEY={SANDBOX_KEY}-{secrets.token_hex(4)}",
        flush=True,
    )
    anyio.run(serve_http, _sandbox_app(options.turnaround, options.window), listening)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from autobg_mcp.demo import DemoFailedError, play  # noqa: PLC0415

    try:
        anyio.run(play, options.output.absolute(), lambda line: print(line, flush=True))
    except DemoFailedError as error:
        print(f"autobg-mcp demo failed: {error}", file=sys.stderr)
        return FAILED
    return 0


def _tools(options: argparse.Namespace) -> int:
    from autobg_mcp.server import listing  # noqa: PLC0415

    tools = list(offered(_settings(options)).values())
    if options.json:
        listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listing(tools)]
        print(json.dumps({"tools": listed}, indent=2, ensure_ascii=False))
        return 0
    width = max(len(tool.tool) for tool in tools)
    for tool in tools:
        print(f"{tool.tool:<{width}}  {tool.toolset:<10}  {tool.effect:<7}  {tool.summary()}")
    return 0


def _call(options: argparse.Namespace) -> int:
    settings = _settings(options)
    tool = find(options.tool, settings).from_arguments(_arguments(options.pairs, options.args))
    result = anyio.run(_run_tool, settings, options.sandbox, tool)
    print(json.dumps(result.structured(), indent=2, ensure_ascii=False))
    return 0


async def _run_tool(settings: Settings, sandbox: bool, tool: "Tool[Result]") -> "Result":
    async def report(_progress: float, _total: float | None, message: str) -> None:  # a report is awaited
        print(message, file=sys.stderr)

    async with open_client(settings, sandbox=sandbox, unfenced=True) as client:
        return await client.call(
            tool, Call(max_wait_s=settings.max_wait_s, report=report, host="command line")
        )


def _arguments(pairs: Sequence[str], text: str | None) -> dict[str, JsonValue]:
    """Arguments from `name=value` pairs or one JSON object; a name that comes again makes a list.

    Raises:
        ArgumentsRefusedError: They are neither.
    """
    try:
        arguments: JsonValue = json.loads(text) if text is not None else {}
    except ValueError as error:
        raise ArgumentsRefusedError(f"--args is not JSON: {error}.") from None
    if not isinstance(arguments, dict):
        raise ArgumentsRefusedError("--args is not a JSON object.")
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise ArgumentsRefusedError(f"{pair!r} is not name=value.")
        before = arguments.get(name)
        arguments[name] = (
            value if before is None else [*(before if isinstance(before, list) else [before]), value]
        )
    return arguments
