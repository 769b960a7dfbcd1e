"""Small faults, as they slip into code: each mutant is a module with one change."""

import ast
import gc
import re
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from itertools import takewhile
from pathlib import Path
from types import CodeType, FunctionType

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Break: ast.Continue, ast.Continue: ast.Break,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
WORDS = {
    " AND ": " OR ", " OR ": " AND ", " = ": " != ", " < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ",
    " IS NULL": " IS NOT NULL", " IS NOT NULL": " IS NULL", " DESC": " ASC", "MAX(": "MIN(", "MIN(": "MAX(",
    " + ": " - ", " - ": " + ", " IS NOT ": " IS ", " IN ": " NOT IN ", "OR IGNORE": "OR REPLACE",
}  # fmt: skip
"""What is swapped in text that is SQL."""
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WHERE|AND|ORDER BY)\b")
_NO_CODE = {"annotation", "returns", "decorator_list", "bases"}
_MOST_AROUND = 30  # characters of what did not change


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        file: Its path in the repository.
        lines: The lines of the changed statement, or of its head.
        line: Where the change is.
        was: What stood there.
        becomes: What stands there now.
        text: The whole changed module.
    """

    file: str
    lines: range
    line: int
    was: str
    becomes: str
    text: str

    @property
    def place(self) -> str:
        """For people: file and line."""
        return f"{self.file.removeprefix('autobg_mcp/')}:{self.line}"


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines; none of what only another system runs."""
    tree = ast.parse(text)
    elsewhere = {number for number, line in enumerate(text.splitlines(), 1) if "pragma: no cover" in line}
    for parent, name, index, node, statement in _places(tree, tree, elsewhere):
        for changed in _changes(node):
            was, becomes = _clipped(*(" ".join(ast.unparse(each).split()) for each in (node, changed)))
            _put(parent, name, index, changed)
            whole = ast.unparse(ast.fix_missing_locations(tree))
            _put(parent, name, index, node)
            yield Mutant(file, _lines(statement), _line(node), was, becomes, whole)


def _clipped(was: str, becomes: str) -> tuple[str, str]:
    """Two texts without most of what they have in common."""
    before = max(0, _shared(was, becomes) - _MOST_AROUND)
    after = max(0, _shared(was[:before:-1], becomes[:before:-1]) - _MOST_AROUND)
    first, second = (
        ("…" if before else "") + text[before : len(text) - after] + ("…" if after else "")
        for text in (was, becomes)
    )
    return first, second


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _put(parent: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def _places(
    parent: ast.AST, statement: ast.AST, elsewhere: set[int]
) -> Iterator[tuple[ast.AST, str, int | None, ast.AST, ast.AST]]:
    """Where a node of code hangs: its parent, field and index; and the statement that it is part of."""
    left_out = isinstance(parent, ast.stmt) and parent.lineno in elsewhere
    for name, value in ast.iter_fields(parent):
        if (
            (left_out and name != "orelse")
            or name in _NO_CODE
            or (isinstance(parent, ast.ClassDef) and name == "keywords")
        ):
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or _is_text(node):
                continue
            part_of = node if isinstance(node, ast.stmt) else statement
            if _line(node) and _line(part_of) not in elsewhere:
                yield parent, name, index, node, part_of
            yield from _places(node, part_of, elsewhere)


def _line(node: ast.AST) -> int:
    """Where a node stands; 0 for one that stands nowhere, such as an operator."""
    return getattr(node, "lineno", 0)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _lines(statement: ast.AST) -> range:
    first = _line(statement)
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if isinstance(body, list):
        return range(first, max(first + 1, getattr(body[0], "lineno", first + 1)))
    return range(first, statement.end_lineno + 1)  # type: ignore[attr-defined]


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            yield _with(node, ops=[SWAPS[type(op)]()])
        case ast.Compare(ops=[op, *ops]) if type(op) in SWAPS:
            yield _with(node, ops=[SWAPS[type(op)](), *ops])
            yield _with(node, ops=[op, *ops[:-1], SWAPS.get(type(ops[-1]), type(ops[-1]))()])
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(node.op) in SWAPS:
            yield _with(node, op=SWAPS[type(node.op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Call(func=ast.Name(id=name)) if name in NAMES:
            yield _with(node, func=ast.Name(NAMES[name]))
        case ast.Constant():
            yield from _other_constants(node)
        case ast.If() | ast.While() | ast.IfExp():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case _:
            yield from _other_statements(node)


def _other_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Break() | ast.Continue():
            yield SWAPS[type(node)]()
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Delete() | ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.Pass()


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _other_constants(node: ast.Constant) -> Iterator[ast.Constant]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() | float():
            yield ast.Constant(node.value + 1)
        case str() if SQL.search(node.value):
            for word, other in WORDS.items():
                if word in node.value:
                    yield ast.Constant(node.value.replace(word, other, 1))


def put_in_place(mutant: Mutant, original: str, path: Path) -> Callable[[], None] | None:
    """What gives the mutant's code to the functions of its module, which is imported from `path`.

    None where it cannot: the change is outside of functions, or in one that is kept nowhere.
    """
    was, now = (compile(text, str(path), "exec") for text in (ast.unparse(ast.parse(original)), mutant.text))
    functions: dict[str, list[FunctionType]] = {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == str(path):
            functions.setdefault(one.__code__.co_qualname, []).append(one)
    changed = list(_changed(was, now))
    codes = [code for code in changed if code and code.co_qualname in functions]
    if not codes or len(codes) < len(changed):
        return None

    def put() -> None:
        for code in codes:
            for function in functions[code.co_qualname]:
                function.__code__ = code

    return put


def _changed(was: CodeType, now: CodeType) -> Iterator[CodeType | None]:
    """The functions that differ, outermost first; None for a difference in what runs at import."""
    if was.co_flags & CO_OPTIMIZED:
        if not _is_same(was, now):
            yield now
    elif not _is_same(was, now, deep=False):
        yield None
    else:
        for one, other in zip(_inner(was), _inner(now), strict=True):
            yield from _changed(one, other)


def _inner(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _is_same(was: CodeType, now: CodeType, *, deep: bool = True) -> bool:
    """Whether two do the same, wherever their lines are."""
    consts = [[repr(one) for one in code.co_consts if not isinstance(one, CodeType)] for code in (was, now)]
    inner = _inner(was), _inner(now)
    return (
        (was.co_code, was.co_names, was.co_varnames) == (now.co_code, now.co_names, now.co_varnames)
        and consts[0] == consts[1]
        and len(inner[0]) == len(inner[1])
        and (not deep or all(map(_is_same, *inner)))
    )
