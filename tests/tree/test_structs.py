"""Nothing of dataclasses is asked of a struct: it fails where it runs, and mypy takes one for the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tools.trees import modules, parsed

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [ROOT / name for name in ("bench", "config", "connectors", "sandbox", "tests", "tools", "worker")]
OF_DATACLASSES = {"asdict", "astuple", "fields", "replace"}
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_no_struct_is_taken_for_a_dataclass() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in modules(*ROOMS)
        for line, name in taken(parsed(path), structs())
    ]
    assert found == [], "use msgspec.structs.replace, asdict or fields"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("def f(one: Value) -> None:\n    replace(one, a=1)", [3]),
        ("one = Value(1)\nreplace(one, a=1)", [3]),
        ("def f() -> Value: ...\nasdict(f())", [3]),
        ("fields(Value)", [2]),
        ("def f(ones: list[Value]) -> None:\n    for one in ones:\n        replace(one, a=1)", [4]),
        ("class Row:\n    value: Value\n    def f(self) -> None:\n        replace(self.value, a=1)", [5]),
        ("def f(one: Other) -> None:\n    replace(one, a=1)", []),
    ],
)
def test_a_struct_is_found_by_what_the_file_says_of_it(text: str, lines: list[int]) -> None:
    tree = ast.parse(f"from dataclasses import asdict, fields, replace\n{text}")
    assert [line for line, _ in taken(tree, frozenset({"Value"}))] == lines


@cache
def structs() -> frozenset[str]:
    """Returns the names of the structs of the tree, those left out that are a dataclass's somewhere, too."""
    classes = [one for path in modules(*ROOMS) for one in ast.walk(parsed(path)) if isinstance(one, ast.ClassDef)]
    known, before = {"Struct"}, 0
    while len(known) != before:
        before = len(known)
        known |= {one.name for one in classes if known & {name for base in one.bases for name in _names(base)}}
    return frozenset(known) - {
        one.name for one in classes if any("dataclass" in ast.unparse(d) for d in one.decorator_list)
    }


def taken(tree: ast.Module, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yields the calls of dataclasses' functions whose value is one of the ``known`` classes, as far as names tell."""
    imported = {
        alias.asname or alias.name
        for one in ast.walk(tree)
        if isinstance(one, ast.ImportFrom) and one.module == "dataclasses"
        for alias in one.names
    }
    calls = OF_DATACLASSES & imported | {f"dataclasses.{name}" for name in OF_DATACLASSES}
    if not any(isinstance(one, ast.Call) and ast.unparse(one.func) in calls for one in ast.walk(tree)):
        return
    outer = _said(tree, known, inside=False)
    scopes = [(tree, outer), *((one, outer | _said(one, known)) for one in ast.walk(tree) if isinstance(one, Function))]
    found = {
        (one.lineno, ast.unparse(one.args[0]))
        for scope, said in scopes
        for one in _own_nodes(scope)
        if isinstance(one, ast.Call) and one.args and ast.unparse(one.func) in calls
        if _class_of(one.args[0], said, known)
    }
    yield from sorted(found)


def _said(scope: ast.AST, known: frozenset[str], *, inside: bool = True) -> dict[str, bool]:
    """Returns which names and attributes a scope says to be a struct, or a collection of them, and which not."""
    said: dict[str, bool] = {}
    for one in ast.walk(scope) if inside else _own_nodes(scope):
        if isinstance(one, ast.arg) and one.annotation:
            said[one.arg] = bool(_names(one.annotation) & known)
        elif isinstance(one, Function) and one.returns:
            said[f"{one.name}()"] = bool(_names(one.returns) & known)
        elif isinstance(one, ast.ClassDef):
            said |= {f".{name}": is_one for name, is_one in _said(one, known, inside=False).items()}
        elif isinstance(one, ast.AnnAssign):
            said[ast.unparse(one.target)] = bool(_names(one.annotation) & known)
    for one in ast.walk(scope):
        if isinstance(one, ast.Assign) and len(one.targets) == 1:
            said.setdefault(ast.unparse(one.targets[0]), _class_of(one.value, said, known))
        elif isinstance(one, ast.For | ast.comprehension):
            said.setdefault(ast.unparse(one.target), _class_of(one.iter, said, known))
    return said


def _class_of(value: ast.expr, said: dict[str, bool], known: frozenset[str]) -> bool:
    match value:
        case ast.Name(name):
            return said.get(name, name in known)
        case ast.Attribute(_, name):
            return said.get(ast.unparse(value), said.get(f".{name}", False))
        case ast.Call(ast.Name(name)):
            return said.get(f"{name}()", name in known)
        case ast.Call(ast.Attribute(ast.Name(name), _)):
            return name in known
        case ast.Await(inner) | ast.Subscript(inner):
            return _class_of(inner, said, known)
        case _:
            return False


def _names(annotation: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(annotation) if isinstance(one, ast.Name)}


def _own_nodes(scope: ast.AST) -> Iterable[ast.AST]:
    """Yields what stands in a scope, the bodies of its functions left out."""
    for one in ast.iter_child_nodes(scope):
        yield one
        if not isinstance(one, Function):
            yield from _own_nodes(one)
