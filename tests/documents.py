"""Writes what the code decides in README.md and server.json: `python tests/documents.py`."""

import argparse
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from autobg_mcp import __version__
from autobg_mcp.commands import parser as _parser
from autobg_mcp.sandbox import BEHAVIOURS, exchanges
from autobg_mcp.settings import Settings
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.tools import ENDPOINTS, TOOLS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SERVER_JSON = ROOT / "server.json"

_EFFECTS = {"reads": "reads", "saves": "saves files", "changes": "changes", "spends": "**spends credits**"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def tools() -> str:
    rows = [
        (
            f"`{tool.tool}`",
            tool.toolset,
            re.split(r"(?<=\.) ", tool.summary())[0],
            _EFFECTS[tool.effect],
            _limit(tool.rate) if issubclass(tool, Endpoint) else "",
        )
        for tool in TOOLS
    ]
    return table(("tool", "toolset", "what it does", "effect", "limit"), rows)


def limits() -> str:
    groups: dict[str, list[str]] = {}
    for endpoint in sorted(
        ENDPOINTS, key=lambda endpoint: (endpoint.rate.calls, not endpoint.rate.documented)
    ):
        groups.setdefault(_limit(endpoint.rate), []).append(f"`{endpoint.tool}`")
    return table(
        ("limit", "tools, each with a budget of its own"),
        ((name, ", ".join(of)) for name, of in groups.items()),
    )


def _limit(limit: Limit) -> str:
    return f"{limit.calls} in {limit.window_s:g} s, {'documented' if limit.documented else 'inferred'}"


def endpoints() -> str:
    known = exchanges()
    rows = [
        (
            f"`{endpoint.tool}`",
            f"[{endpoint.method} `{endpoint.path}`]({known[endpoint.tool].source})",
            known[endpoint.tool].mark.request,
            known[endpoint.tool].mark.response,
            "documented" if endpoint.rate.documented else "inferred",
        )
        for endpoint in ENDPOINTS
    ]
    return table(("tool", "endpoint", "request", "answer", "limit"), rows)


def behaviours() -> str:
    return table(("the sandbox's behaviour", "mark", "ground"), BEHAVIOURS)


def settings() -> str:
    rows = [
        (f"`{variable(name)}`", default and f"`{default}`", _described(field))
        for name, field in Settings.model_fields.items()
        for default in [_default(field)]
    ]
    return table(("variable", "default", "meaning"), rows)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"AUTOBG_{name.upper()}"


def _described(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    """The default as an operator would write it; empty where there is none, or the platform decides."""
    value = field.default
    if field.default_factory is not None or value in (None, "", (), {}):
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _kinds(field: FieldInfo) -> set[object]:
    """The types that a setting takes, unions taken apart."""
    is_union = get_origin(field.annotation) in (Union, UnionType)
    return set(get_args(field.annotation)) if is_union else {field.annotation}


def environment_variables() -> list[dict[str, object]]:
    """The settings as the registry's schema describes inputs."""
    return [_environment_variable(name, field) for name, field in Settings.model_fields.items()]


def _environment_variable(name: str, field: FieldInfo) -> dict[str, object]:
    kinds = _kinds(field)
    formats: dict[object, str] = {bool: "boolean", int: "number", float: "number", Path: "filepath"}
    format_ = next((word for kind, word in formats.items() if kind in kinds), "string")
    entry: dict[str, object] = {
        "name": variable(name),
        "description": _described(field).replace("`", ""),
        "format": format_,
    }
    if name == "api_key":
        entry["isRequired"] = True
    if SecretStr in kinds:
        entry["isSecret"] = True
    if get_origin(field.annotation) is Literal:
        entry["choices"] = [str(choice) for choice in get_args(field.annotation)]
    if _default(field):
        entry["default"] = _default(field)
    return entry


def commands() -> str:
    subparsers = next(
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    rows = []
    for named in subparsers._get_subactions():
        parser: argparse.ArgumentParser = subparsers.choices[named.dest]
        positionals = [_spelled(action) for action in parser._actions if not action.option_strings]
        rows.append((f"`{' '.join(['autobg-mcp', named.dest, *positionals])}`", named.help or ""))
        rows += [
            (f"… `{_spelled(action)}`", (action.help or "") % {"default": action.default})
            for action in parser._actions
            if action.option_strings and action.dest != "help"
        ]
    return table(("command", "what it does"), rows)


def _spelled(action: argparse.Action) -> str:
    value = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return f"[{value} …]" if action.nargs == "*" else value
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")


def first_batch() -> str:
    return _code("python", ROOT / "examples" / "first_batch.py")


def host() -> str:
    return _code("json", ROOT / "examples" / "hosts" / "claude-desktop.json")


def _code(language: str, path: Path) -> str:
    return f"```{language}\n{path.read_text('utf-8').strip()}\n```"


PARTS: dict[str, Callable[[], str]] = {
    "host": host,
    "tools": tools,
    "settings": settings,
    "limits": limits,
    "commands": commands,
    "behaviours": behaviours,
    "endpoints": endpoints,
    "first_batch": first_batch,
}
"""The parts of README between `<!-- name -->` and `<!-- /name -->`."""


def server() -> str:
    """The text of server.json: name and words as they stand there, version and variables from the code."""
    written = json.loads(SERVER_JSON.read_text("utf-8"))
    (package,) = written["packages"]
    package |= {"version": __version__, "environmentVariables": environment_variables()}
    written |= {"version": __version__, "packages": [package]}
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def readme() -> str:
    """The text of README.md with every part written anew, and the name that server.json gives the server.

    Raises:
        ValueError: README lacks the marks of a part.
    """
    text = README.read_text("utf-8")
    for name, part in PARTS.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->\n")
        if not (begin and end):
            raise ValueError(f"README.md lacks <!-- {name} --> or <!-- /{name} -->")
        text = f"{before}{begin}\n{part()}\n\n{end}{after}"
    name = json.loads(SERVER_JSON.read_text("utf-8"))["name"]
    return re.sub(r"<!-- mcp-name: \S+ -->", f"<!-- mcp-name: {name} -->", text)


if __name__ == "__main__":
    README.write_text(readme(), "utf-8")
    SERVER_JSON.write_text(server(), "utf-8")
