"""Calls one tool, as a host would."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

from autobg_mcp.commands.session import declare_sandbox, load_settings, open_client
from autobg_mcp.errors import ArgumentsRefusedError, SpendingRefusedError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from autobg_mcp.commands.terminal import Terminal
    from autobg_mcp.settings import Settings
    from autobg_mcp.toolkit.tool import Result, Tool


SUMMARY = "call one tool, as a host would"

_LONGEST_S: Final = 86_400.0
"""How long a paying call may take that a person sees: all its photos are sent by it, since nothing is left running after it."""

_EXAMPLES = """examples:
  autobg-mcp call uploadImagesWithoutTemplate --sandbox images=photos numberPlate=AB-123 numPlateProcessor=1 processType=ai
  autobg-mcp call uploadImagesWithoutTemplate --help    what it takes, and an example"""

_FOR_ONE_CALL = "This sandbox ends with the call. `autobg-mcp sandbox` serves one that stays, and prints the settings that lead to it."
_BROKEN_OFF = "Interrupted. listBatches tells what was submitted; the same call, without allowDuplicate, sends what is left."


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, _EXAMPLES
    parser.add_argument(
        "-h", "--help", action=_Help, nargs=0, help="show this, or behind TOOL what it takes, and exit"
    )
    declare_sandbox(parser)
    parser.add_argument("tool", metavar="TOOL", help="name of a tool, see: autobg-mcp tools")
    parser.add_argument(
        "pairs", metavar="name=value", nargs="*", default=[], help="an argument; repeat the name for a list"
    )
    parser.add_argument("--args", metavar="JSON", help="all arguments as one JSON object")
    parser.add_argument(
        "--yes", action="store_true", help="answer yes where AUTOBG_APPROVE asks before credits are spent"
    )


class _Help(argparse.Action):
    """Tells of the tool that is named before it, else of the command."""

    def __call__(self, parser: argparse.ArgumentParser, options: argparse.Namespace, *_: object) -> NoReturn:
        tool: str | None = getattr(options, "tool", None)
        if tool is None:
            parser.print_help()
            parser.exit()
        from autobg_mcp.commands.toolhelp import told

        print(told(tool))
        parser.exit()


def run(options: argparse.Namespace) -> int:
    """Call the tool and print its result as JSON."""
    import anyio

    from autobg_mcp.serving.door import Door
    from autobg_mcp.tools.offer import Offer

    settings = load_settings(options)
    tool = Offer(settings).find(options.tool).from_arguments(arguments_of(options.pairs, options.args))
    try:
        result = anyio.run(_run_tool, settings, options, tool)
        told = Door(settings.secrets()).fields(result.structured())
        print(json.dumps(told, indent=2, ensure_ascii=False))
    except KeyboardInterrupt:
        if tool.effect == "spends" and not options.sandbox:
            print(f"autobg-mcp: {_BROKEN_OFF}", file=sys.stderr)
        raise
    finally:
        if options.sandbox and sys.stderr.isatty():
            print(_FOR_ONE_CALL, file=sys.stderr)
    return 0


async def _run_tool(settings: "Settings", options: argparse.Namespace, tool: "Tool[Result]") -> "Result":
    from autobg_mcp.api.call import Call
    from autobg_mcp.commands.terminal import Terminal

    terminal = Terminal(settings.secrets())

    async def report(_progress: float, _total: float | None, message: str) -> None:  # a report is awaited
        print(terminal.line(message), file=sys.stderr)

    async def ask(question: str, _subject: str) -> bool:
        return options.yes or await _asked(terminal, question)

    # What goes on after this call is sent by a process that reads no more than the operator allows.
    goes_on, is_paid = tool.tool == "processVehicles", tool.effect == "spends"
    call = Call(
        report=report,
        ask=ask,
        host="command line",
        max_wait_s=_LONGEST_S if is_paid else None,
        sends_all=is_paid,
    )
    async with open_client(settings, sandbox=options.sandbox, unfenced=not goes_on) as client:
        return await client.call(tool, call)


async def _asked(terminal: "Terminal", question: str) -> bool:
    """Whether the person at the terminal says yes.

    Raises:
        SpendingRefusedError: There is no terminal.
    """
    from autobg_mcp.commands.terminal import is_attended

    if not is_attended():
        raise SpendingRefusedError(
            "AUTOBG_APPROVE wants a person's approval, and nobody is at a terminal. Nothing was sent.",
            next_step="Call at a terminal, or with --yes.",
        )
    return await terminal.says_yes(question)


def arguments_of(pairs: Sequence[str], text: str | None) -> dict[str, "JsonValue"]:
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
