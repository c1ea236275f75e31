"""Every event is a constant dotted name, and what it carries is shown: an unknown key would lose its value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.logs import KNOWN

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+")
LEVELS = {"debug", "info", "warning", "error"}


def events() -> Iterator[tuple[str, ast.Call]]:
    for folder in ("connectors", "config", "worker"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="log" | "_log") | ast.Attribute(attr="log"), attr=level)
                    ) if level in LEVELS:
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


EVENTS = dict(events())


def test_there_are_events() -> None:
    assert len(EVENTS) > 40


@pytest.mark.parametrize("place", EVENTS)
def test_an_event_is_a_constant_dotted_name(place: str) -> None:
    (name,) = EVENTS[place].args
    assert isinstance(name, ast.Constant)
    assert NAME.fullmatch(str(name.value))


@pytest.mark.parametrize("place", EVENTS)
def test_texts_go_under_keys_that_are_shown(place: str) -> None:
    texts = {one.arg for one in EVENTS[place].keywords if one.arg is not None and _is_text(one.value)}
    assert texts <= KNOWN


def _is_text(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Call(func=ast.Name(id="str" | "sorted")) | ast.Attribute(attr="__name__" | "stem"):
            return True
    return False
