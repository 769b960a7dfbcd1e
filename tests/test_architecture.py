"""Who may import whom, who may print, and that an import does nothing: read from the code itself."""

import ast
import functools
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import autobg_mcp

ROOT = Path(autobg_mcp.__file__).parent
FILES = {
    ".".join(("autobg_mcp", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc", "handler", "handlers"}
ROOMS: dict[str, set[str]] = {
    # room: the rooms it may import from, which all stand below it
    "__main__": {"commands"},
    "commands": {
        "doctor", "serving", "client", "tools", "toolkit", "api", "files", "hosts", "demo", "sandbox", "settings", "setting_values", "installation", "errors", "text",
    },
    "demo": set(),
    "doctor": {
        "hosts", "client", "tools", "toolkit", "api", "files", "settings", "installation", "state", "errors", "text",
    },
    "hosts": {"errors", "text"},
    "serving": {"client", "tools", "toolkit", "api", "clock", "settings", "state", "errors", "text"},
    "client": {"tools", "toolkit", "jobs", "money", "api", "throttle", "files", "settings", "errors", "text", "clock"},
    "tools": {
        "toolkit", "jobs", "money", "api", "throttle", "pictures", "files", "settings", "installation", "errors", "text", "clock",
    },
    "toolkit": {"jobs", "money", "api", "throttle", "pictures", "files", "settings", "errors", "text", "clock"},
    "jobs": {"money", "state", "errors", "text", "clock"},
    "money": {"api", "settings", "state", "errors", "text", "clock"},
    "api": {"throttle", "settings", "setting_values", "installation", "errors", "text", "clock"},
    "throttle": {"installation", "state", "errors", "text", "clock"},
    "pictures": {"files", "installation", "errors", "text"},
    "files": {"errors", "text"},
    "sandbox": set(),
    "settings": {"setting_values", "errors", "text"},
    "setting_values": set(),
    "installation": set(),
    "state": {"errors", "clock"},
    "errors": {"text"},
    "text": set(),
    "clock": set(),
}  # fmt: skip
"""The house from the top down. A pair of rooms that is not listed is forbidden, and so is a room."""

MOST_MODULE_LINES = 250
MOST_FUNCTION_LINES = 30

every_module = pytest.mark.parametrize("module", FILES)


@functools.cache
def tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text("utf-8"))


@functools.cache
def imports(module: str) -> frozenset[str]:
    """The full names of everything that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found |= {_module_of(str(node.module), alias.name) for alias in node.names}
    return frozenset(found)


def _module_of(package: str, name: str) -> str:
    return f"{package}.{name}" if f"{package}.{name}" in FILES else package


def room(module: str) -> str:
    """The room of the house that a module of ours is in; empty for the package itself."""
    return f"{module}.".split(".")[1]


def importers(*packages: str) -> set[str]:
    return {
        room(module) for module in FILES for name in imports(module) if name.partition(".")[0] in packages
    }


def ours(module: str) -> set[str]:
    """The rooms of ours that a module imports from."""
    return {room(name) for name in imports(module) if name.partition(".")[0] == "autobg_mcp"} - {
        "",
        room(module),
    }


def calls(module: str, *names: str) -> list[str]:
    """Calls of these functions, written as in the code."""
    return [
        ast.unparse(node.func)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


def types(module: str) -> Iterator[str]:
    """The names of a module's classes, and of the types that it gives a name at its top."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and not ast.unparse(node.value).startswith(("TypeVar", "ParamSpec")):
            names = (ast.unparse(target) for target in node.targets)
            yield from (name for name in names if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name))


def test_only_one_module_imports_httpx() -> None:
    assert {module for module in FILES if "httpx" in imports(module)} == {"autobg_mcp.api.http"}


def test_only_serving_and_what_starts_servers_import_mcp() -> None:
    assert importers("mcp", "mcp_types") == {"serving", "hosts", "demo"}


@pytest.mark.parametrize("module", [module for module in FILES if room(module) != "commands"])
def test_only_the_command_line_prints_or_exits(module: str) -> None:
    assert not calls(module, "print", "exit", "quit", "sys.exit", "os._exit", "sys.stdout.write", "input")


@every_module
def test_a_room_imports_only_from_the_rooms_that_are_listed_for_it(module: str) -> None:
    assert ours(module) <= (ROOMS[room(module)] if room(module) else set(ROOMS))


def test_every_listed_pair_of_rooms_is_in_use() -> None:
    used = {name: set().union(*(ours(module) for module in FILES if room(module) == name)) for name in ROOMS}
    assert used == ROOMS


def test_every_arrow_points_down_the_list() -> None:
    order = list(ROOMS)
    assert not [(a, b) for a, below in ROOMS.items() for b in below if order.index(b) <= order.index(a)]


def test_a_public_name_has_one_meaning() -> None:
    names = Counter(name for module in FILES for name in types(module) if not name.startswith("_"))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_file_name_has_one_meaning() -> None:
    places = [
        path for module, path in FILES.items() if room(module) != "commands"
    ]  # named as people call them
    names = Counter(path.stem for path in places if path.stem != "__init__")
    assert [name for name, count in names.items() if count > 1] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = {module: {name for name in imports(module) if name in FILES} - {module} for module in FILES}
    left = {module: names - {"autobg_mcp"} for module, names in left.items()}
    while free := {module for module, names in left.items() if not names & left.keys()}:
        left = {module: names for module, names in left.items() if module not in free}
    assert not left


@pytest.mark.parametrize(
    "module", [module for module in FILES if room(module) not in {"settings", "hosts", "demo"}]
)
def test_only_settings_hosts_and_demo_read_the_environment(module: str) -> None:
    names = {ast.unparse(node) for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)}
    assert not names & {"os.environ", "os.environb", "os.getenv", "os.putenv"}


@every_module
def test_names_say_what_a_thing_is(module: str) -> None:
    classes = {node.name for node in ast.walk(tree(module)) if isinstance(node, ast.ClassDef)}
    assert not BANNED & {part.lower() for part in (*module.split("."), *classes)}
    assert not [name for name in classes if name.lower().endswith(("manager", "helper", "handler", "utils"))]


@every_module
def test_a_module_begins_with_one_sentence_about_it(module: str) -> None:
    first = (ast.get_docstring(tree(module)) or "").partition("\n")[0]
    assert first.endswith((".", ":"))


@every_module
def test_a_module_and_its_functions_can_be_read_at_a_glance(module: str) -> None:
    assert len(FILES[module].read_text("utf-8").splitlines()) <= MOST_MODULE_LINES
    functions = (
        node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [node.name for node in functions if lines_of_code(node) > MOST_FUNCTION_LINES] == []


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function from its `def` on, its docstring left out."""
    documentation = function.body[0] if ast.get_docstring(function) else None
    described = documentation.end_lineno - documentation.lineno + 1 if documentation else 0  # type: ignore[operator]
    return function.end_lineno - function.lineno + 1 - described  # type: ignore[operator]


@pytest.mark.parametrize(
    "wing", sorted({path.parent for path in ROOT.glob("*/__init__.py")}), ids=lambda wing: wing.name
)
def test_each_wing_has_a_page(wing: Path) -> None:
    assert (wing / "README.md").is_file()


WATCH = """
import importlib, os, sys, threading
writes = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        writes.append(arguments[0])
    if event in {"socket.bind", "socket.connect", "subprocess.Popen", "os.mkdir", "os.remove", "os.putenv", "sqlite3.connect"}:
        writes.append((event, arguments))
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(writes, threading.active_count())
"""


def test_importing_every_module_has_no_effect(tmp_path: Path) -> None:
    modules = [module for module in FILES if not module.endswith("__main__")]
    environment = {"AUTOBG_TIMEOUT_S": "no number", "AUTOBG_THROTTLE": "no store", "HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCH, *modules],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        env=environment | {"PYTHONPATH": str(ROOT.parent)},
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("[] 1\n", "")
    assert not list(tmp_path.iterdir())
