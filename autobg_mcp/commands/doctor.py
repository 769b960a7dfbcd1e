"""Checks key, network, folders, extras, jobs and hosts, and says what to do."""

import argparse
import json
import shutil
import textwrap
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, Final

from autobg_mcp.commands.codes import FAILED
from autobg_mcp.commands.session import SANDBOX_SETTINGS, declare_sandbox, load_settings, open_client
from autobg_mcp.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pydantic import JsonValue

    from autobg_mcp.client import Client
    from autobg_mcp.doctor.finding import Finding

SUMMARY = "check key, network, folders, jobs and hosts, and say what to do"

_MARKS: Final = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skipped": "-"}
_HOLDS: Final = {"yes": "as assumed", "no": "DIFFERS", "not seen": "not seen"}
_WIDEST_CHARS: Final = 120


def declare(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    declare_sandbox(parser)
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.add_argument(
        "--live",
        action="store_true",
        help="also ask by free calls what the API's documents leave open; saves the exchanges without key, ids and names",
    )


def run(options: argparse.Namespace) -> int:
    """Check, print each finding as it comes, and answer 1 where one is a failure."""
    import anyio

    return anyio.run(_Visit(options).run)


class _Visit:
    """One run of the command.

    Args:
        options: What was asked for.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        from autobg_mcp.commands.terminal import Terminal

        self._options = options
        self._terminal = Terminal()
        self._found: list[Finding] = []
        self._mark_chars, self._what_chars = 5, 15

    async def run(self) -> int:
        """Check; answers the code to exit with."""
        from autobg_mcp.commands.terminal import Terminal
        from autobg_mcp.doctor.checkup import check_up, without_settings
        from autobg_mcp.hosts.places import Machine

        machine = Machine.here()
        live: dict[str, JsonValue] = {}
        async with AsyncExitStack() as opened:
            try:
                settings = load_settings(self._options)
                self._terminal = Terminal(settings.secrets())
                client = await opened.enter_async_context(
                    open_client(settings, sandbox=self._options.sandbox)
                )
            except ConfigurationError as error:
                await self._tell(without_settings(error, machine))
            else:
                own = frozenset(SANDBOX_SETTINGS if self._options.sandbox else ())
                await self._tell(check_up(settings, client, machine, own))
                live = await self._live(client) if self._options.live else {}
        return self._end(live)

    async def _tell(self, findings: "AsyncGenerator[Finding]") -> None:
        async with aclosing(findings) as found:
            async for finding in found:
                self._found.append(finding)
                self._row(_MARKS[finding.verdict], finding.check, finding.seen, finding.remedy)

    async def _live(self, client: "Client") -> "dict[str, JsonValue]":
        """What the documents leave open, as this account shows it, and where the exchanges are."""
        from autobg_mcp.doctor.blanks import Blanks
        from autobg_mcp.doctor.unknowns import observe
        from autobg_mcp.text import redacted

        if not any(one.check == "account" and one.verdict in ("ok", "warn") for one in self._found):
            self._print("\nThe API is not asked more, since the key was not accepted.")
            return {}
        self._print("\nWhat the documents leave open, as this account shows it:")
        observations, asked = await observe(client)
        self._mark_chars, self._what_chars = 11, 31
        for one in observations:
            self._row(_HOLDS[one.holds], one.question, f"{one.seen}. Assumed: {one.assumed}")
        blanks = Blanks()
        exchanges: JsonValue = [blanks.exchange(one) for one in asked]
        told = redacted(json.dumps(exchanges, indent=1, ensure_ascii=False), client.settings.secrets())
        saved = client.keep(told.encode(), "doctor-live")
        self._print(
            f"{saved}: {len(asked)} exchanges with placeholders for key, ids, names and links. Look through it before you pass it on."
        )
        return {"live": [vars(one) for one in observations], "saved": saved}

    def _row(self, mark: str, what: str, seen: str, remedy: str = "") -> None:
        """One line of the table, and where there is something to do, what that is below it."""
        first = f"{mark:<{self._mark_chars}} {what:<{self._what_chars}} "
        below = " " * len(first)
        lines = [_filled(self._terminal.line(seen), first, below)]
        if remedy:
            lines.append(_filled(self._terminal.line(remedy), f"{below}-> ", f"{below}   "))
        self._print("\n".join(lines))

    def _print(self, text: str) -> None:
        if not self._options.json:
            print(text, flush=True)

    def _end(self, live: "dict[str, JsonValue]") -> int:
        """Say in a line what all comes to, or print all as JSON; answers the code to exit with."""
        failed = [one.check for one in self._found if one.verdict == "fail"]
        warned = sum(one.verdict == "warn" for one in self._found)
        if self._options.json:
            told: dict[str, Any] = {
                "ok": not failed,
                "findings": [vars(one) for one in self._found],
                **live,
            }
            print(self._terminal.json(told))
        else:
            what = f"To mend: {', '.join(failed)}." if failed else "Nothing has to be mended."
            print(f"\n{what}{f' Warnings: {warned}.' if warned else ''}")
        return FAILED if failed else 0


def _filled(text: str, first: str, below: str) -> str:
    """The text as wide as the terminal, behind `first` and `below`; a path or a command that can be copied stays whole."""
    width = min(_WIDEST_CHARS, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )
