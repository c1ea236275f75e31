"""Parses each source file of the project once, for all that reads its syntax."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_LOGS = re.compile(r"log(?:ger)?\s*\.")


@cache
def parsed(path: Path) -> ast.Module:
    """Returns the syntax tree of a file; nobody may change it."""
    with _no_search_for_waste():
        return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    tree = parsed(path)
    with _no_search_for_waste():
        return tuple(ast.walk(tree))


@contextmanager
def _no_search_for_waste() -> Iterator[None]:
    """Keeps the garbage collector from looking at all trees again and again: two thirds of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def modules(*folders: Path) -> Iterator[Path]:
    """Yields the Python files below folders, in order."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def modules_that_log(*folders: Path) -> Iterator[Path]:
    """Yields the files below folders that may log; the others need not be parsed for it."""
    yield from (path for path in modules(*folders) if _LOGS.search(path.read_text(encoding="utf-8")))
