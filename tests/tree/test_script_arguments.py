"""A script's head names its arguments; calls give them by name, and Lua reads them by the same names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped]  # it has no stubs

from tools.trees import nodes
from worker.ledger.scripts import Arguments, arguments, names, source, takes

ROOT = Path(__file__).parents[2]
LUA_WORDS = {
    *("and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in", "local", "nil"),
    *("not", "or", "repeat", "return", "then", "true", "until", "while"),
}


def lua(script: str, **named: Any) -> list[Any]:
    """Returns what a script without Redis gives for arguments, in a list."""
    found = arguments(script)
    common = (ROOT / "worker" / "ledger" / "common.lua").read_text("utf-8")
    runtime = LuaRuntime()
    run = runtime.execute(f"return function(ARGV)\n{common}\n{found.lua()}\n{script}\nend")
    given = ["1", "refill:", *(str(value) for value in found.values(named))]
    return list(run(runtime.table_from(given)).values())


def test_single_values_lists_and_rows_are_read_by_name() -> None:
    script = """-- args: owner, token,
--       entries[], filled[], rows(id, stamp)
local seen = {owner, token, #entries, entries[2], #filled}
for id, stamp in rows() do seen[#seen + 1] = id .. '@' .. stamp end
for id in rows() do seen[#seen + 1] = id end
return seen"""
    given = lua(script, owner="w1", token="t", entries=["a", "b"], filled=[], rows=[("1", 5), ("2", 6)])
    assert given == ["w1", "t", 2, "b", 0, "1@5", "2@6", "1", "2"]


def test_no_arguments_are_none() -> None:
    assert arguments("return 1") == Arguments()
    assert arguments("return 1").values({}) == []


@pytest.mark.parametrize(
    "named", [{}, {"id": "1"}, {"id": "1", "stamp": 2, "more": 3}, {"id": "1", "stmap": 2}], ids=str
)
def test_a_call_with_other_names_is_refused_with_both(named: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="takes id, stamp; given"):
        arguments("-- args: id, stamp").values(named)


def test_a_row_of_another_width_is_refused() -> None:
    with pytest.raises(TypeError, match="each of rows is id, stamp"):
        arguments("-- args: rows(id, stamp)").values({"rows": [("1", 2, 3)]})


@pytest.mark.parametrize("head", ["a[], b", "rows(a), b", "rows(a), rows(b)", "a b", "a,, b", "rows(a"])
def test_a_head_that_cannot_be_read_is_refused(head: str) -> None:
    with pytest.raises(ValueError, match="single names, then lists"):
        arguments(f"-- args: {head}")


@pytest.mark.parametrize("name", names())
def test_every_script_names_what_it_takes_and_counts_nothing_by_hand(name: str) -> None:
    found = takes(name)
    own = [*found.names, *found.row]
    common = re.findall(r"^local (?:function )?(\w+)", source(name).split("local K = {}")[0], re.MULTILINE)
    assert not LUA_WORDS & set(own)
    assert not set(common) & set(own), "the name is one of common.lua's"
    assert len(set(found.names)) == len(found.names)
    body = source(name).split(found.lua() or "\n", 1)[1]
    for word in found.names:
        assert re.search(rf"\b{word}\b", re.sub(r"^\s*--.*$", "", body, flags=re.MULTILINE)), f"{word} is not used"
    written = source(name).split("local K = {}")[1].replace(found.lua(), "")
    assert "ARGV" not in written


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of a script that names it, with its place."""
    for path in sorted((ROOT / "worker").rglob("*.py")):
        for node in nodes(path):
            if isinstance(node, ast.Call):
                for word in node.args:
                    if isinstance(word, ast.Constant) and word.value in names():
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_call_gives_its_script_what_it_takes() -> None:
    called = set()
    for place, call in calls():
        script = next(word.value for word in call.args if isinstance(word, ast.Constant) and word.value in names())
        called.add(script)
        given = {word.arg for word in call.keywords if word.arg}
        spread = any(word.arg is None for word in call.keywords)
        expected = set(takes(script).names)
        assert given <= expected if spread else given == expected, place
    assert set(names()) - called == {"time_now"}, "a script that nothing calls"
