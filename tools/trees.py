"""Parses each source file of the project once, for all that reads its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LOGS = re.compile(r"log(?:ger)?\s*\.")


@cache
def parsed(path: Path) -> ast.Module:
    """Returns the syntax tree of a file; nobody may change it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Returns every node of a file."""
    return tuple(ast.walk(parsed(path)))


def modules(*folders: Path) -> Iterator[Path]:
    """Yields the Python files below folders, in order."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def modules_that_log(*folders: Path) -> Iterator[Path]:
    """Yields the files below folders that may log; the others need not be parsed for it."""
    yield from (path for path in modules(*folders) if _LOGS.search(path.read_text(encoding="utf-8")))
