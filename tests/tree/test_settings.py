"""A key that may be configured does something: somebody outside the configuration reads it."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from config.settings import Settings
from tools.trees import modules, nodes

ROOT = Path(__file__).parents[2]


class _Odd(BaseModel):
    data_dir: Path
    nobody_reads_this: str
    part: Settings | None = None


def tables(kind: object) -> Iterator[type[BaseModel]]:
    """Yields the tables that a key may hold, one or many."""
    for part in typing.get_args(kind):
        yield from tables(part)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind


def keys(table: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """Yields the keys of a table, and of those below it, that hold a value, by the class that declares them."""
    for name, field in table.model_fields.items():
        below = list(tables(field.annotation))
        yield from (one for part in below for one in keys(part))
        if not below:
            yield table, name


def unread(table: type[BaseModel]) -> list[str]:
    """Names the keys that no module of the worker or of a connector reads."""
    read = {
        node.attr
        for path in modules(ROOT / "connectors", ROOT / "worker")
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    return [f"{kind.__name__}.{name}" for kind, name in dict.fromkeys(keys(table)) if name not in read]


def test_a_key_that_nobody_reads_is_found() -> None:
    assert unread(_Odd) == ["_Odd.nobody_reads_this"]


def test_every_key_of_the_configuration_is_read() -> None:
    assert len(set(keys(Settings))) > 100
    assert unread(Settings) == []
