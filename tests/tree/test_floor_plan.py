"""Keeps the shape of the house: few rooms on few floors, rules that see nothing but rules."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import pytest

from tools.floor_plan import ROOT, files, floors, imported, rooms
from tools.trees import nodes

PURE = {
    "collections", "collections.abc", "dataclasses", "datetime", "enum", "functools", "hashlib", "html", "itertools",
    "json", "re", "typing", "unicodedata", "urllib.parse", "bisect", "importlib.resources", "__future__",
    "connectors.models",
    "anyascii", "disposable_email_domains", "email_validator", "idna", "msgspec", "msgspec.structs", "phonenumbers",
    "publicsuffixlist",
}  # fmt: skip


def test_house_has_twelve_rooms_on_eight_floors_and_no_circle() -> None:
    plan = rooms()
    assert len(plan) <= 12
    assert max(floors(plan).values()) <= 8
    assert sum(map(len, plan.values())) <= 42


@pytest.mark.parametrize("folder", ["config", "connectors", "sandbox", "worker"])
def test_files_import_each_other_in_no_circle(folder: str) -> None:
    assert floors(files(folder))


def test_rules_import_nothing_but_pure_modules() -> None:
    folder = ROOT / "worker" / "decide"
    seen = {name for path in folder.rglob("*.py") for name in imported(path)}
    assert {name for name in seen if not name.startswith("worker.decide")} <= PURE


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yields every function of the product with its place."""
    for folder in ("config", "connectors", "worker"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in nodes(path):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def test_no_function_is_longer_than_sixty_lines() -> None:
    found = [place for place, node in functions() if (node.end_lineno or 0) - node.lineno >= 60]
    assert found == [], "give a part of it a name"


def test_no_function_takes_more_than_eight_parameters() -> None:
    taken = [(place, _parameters(node)) for place, node in functions()]
    found = [
        place for place, names in taken if len(names) > 8 and "as_json" not in names
    ]  # a command's are its options
    assert found == [], "which of them are one value, and what is it called?"


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    taken = function.args
    return {one.arg for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)} - {"self", "cls"}


def test_no_two_classes_of_the_product_share_a_name() -> None:
    found = Counter(
        node.name
        for folder in ("config", "connectors", "worker")
        for path in (ROOT / folder).rglob("*.py")
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in found.items() if count > 1] == []
