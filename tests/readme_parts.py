"""The parts of README.md and of the wings' pages that the code decides, each between `<!-- name -->` and `<!-- /name -->`."""

import argparse
import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from settings_described import default_of, meanings, variable

import autobg_mcp
from autobg_mcp.commands import parser as _parser
from autobg_mcp.hosts.formats import changed
from autobg_mcp.hosts.merging import Wish, additions
from autobg_mcp.hosts.table import HOSTS
from autobg_mcp.sandbox import BEHAVIOURS, exchanges
from autobg_mcp.settings import TOOLSETS, Settings
from autobg_mcp.text import first_sentence
from autobg_mcp.throttle import Limit
from autobg_mcp.toolkit.endpoint import Endpoint
from autobg_mcp.tools import ENDPOINTS, MODULES, TOOLS

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
            first_sentence(tool.description()),
            _EFFECTS[tool.effect],
            _limit(tool.rate) if issubclass(tool, Endpoint) else "",
        )
        for tool in TOOLS
    ]
    return table(("tool", "toolset", "what it does", "effect", "limit"), rows)


_JOBS = {
    "process cars, any number": ("vehicles", "jobs", "uploads", "plates"),
    "wait, look, save": ("wait", "review", "images", "downloads"),
    "have bad pictures redone": ("reports", "quality"),
    "choose backgrounds": ("templates", "library"),
    "know what was sent and spent": ("batches", "credits", "account"),
}
"""What people want, and the modules whose tools do it, the best way first."""


def jobs() -> str:
    by_module: dict[str, list[str]] = {}
    for tool, module in MODULES.items():
        by_module.setdefault(module, []).append(f"`{tool}`")
    rows = [
        (job, ", ".join(tool for module in modules for tool in by_module.pop(module)))
        for job, modules in _JOBS.items()
    ]
    if by_module:
        raise ValueError(f"_JOBS of tests/readme_parts.py lacks the modules {', '.join(by_module)}")
    return table(("you want to", "tools"), rows)


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
            known[endpoint.tool].mark.limit,
        )
        for endpoint in ENDPOINTS
    ]
    return table(("tool", "endpoint", "request", "answer", "limit"), rows)


def behaviours() -> str:
    return table(("the sandbox's behaviour", "mark", "ground"), BEHAVIOURS)


def settings() -> str:
    meaning = meanings()
    rows = [
        (f"`{variable(name)}`", default and f"`{default}`", meaning[name])
        for name, field in Settings.model_fields.items()
        for default in [default_of(field)]
    ]
    return table(("variable", "default", "meaning"), rows)


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


EXAMPLES = ROOT / "examples" / "hosts"


def example(path: Path) -> str:
    """A host's file as `autobg-mcp config` writes it, on a machine of nobody's."""
    host, somewhere = HOSTS[path.stem], Path("/path/to")
    wish = Wish(
        command=(str(somewhere / ".venv/bin/autobg-mcp"),),
        image_dirs=(somewhere / "photos",),
        output_dir=None,
        sandbox=False,
        key_file=somewhere / "api-key",
        by_file=False,
        key="",
        lock=somewhere / "lock",
    )
    return changed("", host.format, additions(host, {}, wish), path)


def host_names() -> str:
    names = [f"`{host.name}`" for host in HOSTS.values()]
    return f"The hosts it knows are {', '.join(names[:-1])} and {names[-1]}."


def hosts() -> str:
    rows = [
        (
            f"`{host.name}`",
            host.title,
            "<br>".join(f"`{file}`" for file in (*host.user, *host.project)),
            f"`{host.key}`" if host.key else "in a file",
            " ".join(f"`{words}`" for words in re.findall(r"\w+ (?:mcp add|--add-mcp)", host.own)),
        )
        for host in HOSTS.values()
    ]
    return table(("host", "title", "files, of all projects and of one", "key", "its own command"), rows)


def rooms(wing: Path) -> str:
    """The modules of a wing, each with the sentence that it begins with."""
    paths = {path.stem: path for path in wing.glob("*.py") if path.stem != "__init__"}
    paths |= {f"{path.parent.name}/": path for path in wing.glob("*/__init__.py")}
    return table(("room", "what it is"), [(f"`{name}`", _opening(paths[name])) for name in sorted(paths)])


def _opening(path: Path) -> str:
    words = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return words.partition("\n")[0].removesuffix(":").removesuffix(".")


PACKAGE = Path(autobg_mcp.__file__).parent
WINGS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
PAGES = [README, *(wing / "README.md" for wing in WINGS)]
PARTS: dict[str, Callable[[], str]] = {
    "host_names": host_names,
    "hosts": hosts,
    "jobs": jobs,
    "tools": tools,
    "settings": settings,
    "limits": limits,
    "commands": commands,
    "behaviours": behaviours,
    "endpoints": endpoints,
}
"""The parts that stand on one page; every wing's page also has its `rooms`."""


def filled(path: Path, parts: Mapping[str, Callable[[], str]]) -> str:
    """The text of a page with each of these parts that is on it written anew."""
    text = path.read_text("utf-8")
    for name, part in parts.items():
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->\n")
        if begin and end:
            text = f"{before}{begin}\n{part()}\n\n{end}{after}"
    return text


def page(path: Path) -> str:
    """The text of a page with every part on it written anew, the number of tools, and the name of server.json."""
    text = filled(path, PARTS | {"rooms": partial(rooms, path.parent)})
    name = json.loads(SERVER_JSON.read_text("utf-8"))["name"]
    offered = sum(tool.toolset in TOOLSETS for tool in TOOLS)
    text = re.sub(r"(?<= and offers )\d+(?= tools\.)", str(offered), text)
    return re.sub(r"<!-- mcp-name: \S+ -->", f"<!-- mcp-name: {name} -->", text)
