"""Checks that events are constant dotted names, and that what they carry is shown: no key loses its value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from config.logs import KNOWN
from tools.trees import modules_that_log, nodes

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def events() -> Iterator[tuple[str, ast.Call]]:
    for path in modules_that_log(*(ROOT / folder for folder in ("connectors", "config", "worker"))):
        for node in nodes(path):
            match node:
                case ast.Call(
                    func=ast.Attribute(
                        value=ast.Name(id="log" | "logger" | "_log") | ast.Attribute(attr="log"), attr=level
                    )
                ) if level in LEVELS:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


@pytest.fixture(scope="module")
def found() -> Mapping[str, ast.Call]:
    return dict(events())


def test_an_event_is_a_constant_dotted_name(found: Mapping[str, ast.Call]) -> None:
    assert len(found) > 40
    assert [place for place, call in found.items() if not _is_named(call)] == []


def test_texts_go_under_keys_that_are_shown(found: Mapping[str, ast.Call]) -> None:
    texts = {
        place: {one.arg for one in call.keywords if one.arg is not None and _is_text(one.value)}
        for place, call in found.items()
    }
    known = KNOWN | {"exc_info"}
    assert {place: keys - known for place, keys in texts.items() if keys - known} == {}


def _is_named(call: ast.Call) -> bool:
    name = call.args[0] if call.args else None
    return isinstance(name, ast.Constant) and NAME.fullmatch(str(name.value)) is not None


def _is_text(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.Dict() | ast.List() | ast.Tuple():
            return True
        case ast.Call(func=ast.Name(id="str" | "sorted")) | ast.Attribute(attr="__name__" | "stem" | "name" | "value"):
            return True
    return False
