"""What is offered, decided from the listing that is prepared when the package is built: no tool is loaded for it."""

import difflib
import functools
import itertools
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autobg_mcp.errors import ArgumentsRefusedError, ConfigurationError
from autobg_mcp.settings import Settings, Toolset
from autobg_mcp.text import first_sentence, folded, quoted
from autobg_mcp.tools import class_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from autobg_mcp.toolkit.tool import Effect, Result, Tool

_LONGEST_NAME_CHARS = 100
PREPARED = Path(__file__).with_name("listing.json")
"""Every tool as it is declared, written by `python tests/documents.py`."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """One tool, as far as a server must know it that nobody has called yet."""

    toolset: Toolset
    effect: "Effect"
    fields: list[str] | None
    """The names of the request's fields; None where the tool is no endpoint."""
    listed: Mapping[str, "JsonValue"]
    """What MCP lists."""

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return first_sentence(str(self.listed["description"]))


@functools.cache
def prepared() -> Mapping[str, Offered]:
    """Every tool by name, in the order of the table of contents."""
    tools: dict[str, dict[str, object]] = json.loads(PREPARED.read_text("utf-8"))
    return {name: Offered(**about) for name, about in tools.items()}  # type: ignore[arg-type]  # we wrote it


class Offer:
    """The tools that the settings offer.

    Args:
        settings: They switch toolsets on, and off whatever changes or spends.
    """

    def __init__(self, settings: Settings) -> None:
        self._toolsets = settings.toolsets
        self.tools = {
            name: tool
            for name, tool in prepared().items()
            if tool.toolset in settings.toolsets and (tool.effect == "reads" or not settings.read_only)
        }
        """Those that are on, by name and in the order of the table of contents."""

    def find(self, name: str) -> "type[Tool[Result]]":
        """The tool of that name, loaded now if it was not.

        Raises:
            ArgumentsRefusedError: There is none, or a setting hides it.
        """
        if name in self.tools:
            return class_of(name)
        meant = meant_by(name)
        if meant and meant not in self.tools:
            setting = "AUTOBG_READ_ONLY" if prepared()[meant].toolset in self._toolsets else "AUTOBG_TOOLSETS"
            raise ArgumentsRefusedError(
                f"{meant} is switched off by {setting}.",
                next_step="Tell the user; only the operator can change that.",
            )
        raise unknown(name, self.tools, meant)


def unknown(name: str, tools: Collection[str], meant: str | None = None) -> ArgumentsRefusedError:
    """What to say of a tool that does not exist.

    Args:
        name: What was asked for.
        tools: Those that may be named instead.
        meant: The one that its name is another spelling of; None for none.
    """
    from autobg_mcp.tools.absent import told_instead  # noqa: PLC0415  # a start waits for what it needs

    there_is_none = f"There is no tool {quoted(name, 60)}"
    name = name[:_LONGEST_NAME_CHARS]
    if meant is None and (told := told_instead(name)):
        instead = " or ".join(tool for tool in tools if re.search(rf"\b{tool}\b", told))
        return ArgumentsRefusedError(
            f"{there_is_none}. {told}",
            next_step=f"Tell the user, or call {instead}." if instead else "Tell the user.",
        )
    close = [meant] if meant else difflib.get_close_matches(name, tools, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    return ArgumentsRefusedError(f"{there_is_none}{hint}", next_step="Choose a listed tool.")


def meant_by(name: str) -> str | None:
    """The tool of that name, or whose name ends it by letters and digits alone: `mcp__autobg__list_templates`; None for none."""
    if name in prepared():
        return name
    spelled = folded(name[:_LONGEST_NAME_CHARS])
    fitting = [tool for tool in prepared() if spelled.endswith(folded(tool))]
    return max(fitting, key=len, default=None)


def check_names(settings: Settings) -> None:
    """Hold the names in the settings against the endpoints there are.

    Raises:
        ConfigurationError: A limit, a path or a field is set for an endpoint or a field that does not exist.
    """
    endpoints = {name: tool.fields for name, tool in prepared().items() if tool.fields is not None}
    if settings.rate_limits:
        from autobg_mcp.throttle import parse_rate_limits  # noqa: PLC0415  # a start waits for what it needs

        _check("AUTOBG_RATE_LIMITS", parse_rate_limits(settings.rate_limits), {*endpoints, "*"})
    _check("AUTOBG_PATHS", settings.paths, endpoints)
    _check("AUTOBG_FIELDS", settings.fields, endpoints)
    for tool, said in settings.fields.items():
        _check_fields(said, endpoints[tool])


def _check_fields(said: Mapping[str, "JsonValue"], declared: Collection[str]) -> None:
    """What is said of one tool's fields: each exists, and no two are sent in one place."""
    from autobg_mcp.toolkit.reshaping import ADDED, Reshaping  # noqa: PLC0415  # a start waits for what it needs

    fields = Reshaping.of(said)
    _check("AUTOBG_FIELDS", [name for name in said if not name.startswith(ADDED)], declared)
    if not declared:
        raise ConfigurationError("AUTOBG_FIELDS: a tool is named whose request carries no fields")
    places = sorted(f"{name}." for field in (*declared, *fields.added) for name in fields.names(field))
    if any(later.startswith(place) for place, later in itertools.pairwise(places)):
        raise ConfigurationError("AUTOBG_FIELDS: two fields of a tool would be sent in one place")


def _check(variable: str, names: Iterable[str], known: Collection[str]) -> None:
    for number, name in enumerate(names, 1):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ". See: autobg-mcp tools"
            raise ConfigurationError(f"{variable}: name {number} does not exist{hint}")
