"""Every refusal says what holds it, until when where that is known, and the next command: all of them are walked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.trees import modules, nodes
from worker.ledger.money.budgets import Booked, BudgetLine
from worker.ledger.own_clock import clock
from worker.manual.endings import _HELD, _NEXT, RunEnding
from worker.manual.left import Held, cap_figures
from worker.manual.look import NotAsked
from worker.visits.budget_lines import shortage

ROOT = Path(__file__).parents[2]
STEP = re.compile(r"refill [a-z]+|providers\.[\w{}.]+|crm\.[\w{}.]+|run it again|ask again|RESTORED|SUPPRESSED|--yes")


def sentences(file: str, name: str) -> Iterator[tuple[int, str]]:
    """Every text that is raised as ``name`` in a file, with what stands for its values."""
    for node in nodes(ROOT / file):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name and node.args:
            yield node.lineno, ast.unparse(node.args[0])


def pauses() -> Iterator[tuple[str, str]]:
    """The sentence of every pause that is set with one where it is set."""
    for file in modules(ROOT / "worker"):
        for node in nodes(file):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "pause":
                yield from (
                    (f"{file.name}:{node.lineno}", ast.unparse(one.value))
                    for one in node.keywords
                    if one.arg == "why" and isinstance(one.value, ast.JoinedStr)
                )


@pytest.mark.parametrize("why", _HELD)
def test_what_a_run_leaves_names_the_next_step(why: str) -> None:
    row = Held("acme", "contact", 3, why, "kaspr", clock() + 60_000, "a hint")
    [sentence] = RunEnding(left=[row]).sentences()
    text, _, step = sentence.partition(". Next: ")
    assert text.startswith("3 contacts of acme: ")
    assert "UTC" in text, "when it ends, where that is known"
    assert STEP.search(step), sentence
    assert "{" not in sentence


def test_no_word_lacks_its_step() -> None:
    assert set(_HELD) == set(_NEXT)


def test_a_budget_that_is_used_up_says_limit_spent_end_and_next_step() -> None:
    line = BudgetLine("kaspr:day:2026-11-29", 200, 0, 1)
    figures = shortage(line, Booked(190, 8), 5)
    assert figures == "kaspr's budget of the day: limit 200 credits, 190 spent, 8 reserved, 5 needed"
    assert "is kept for live records" in shortage(line, Booked(190, 8), 5, 0.3)
    assert shortage(BudgetLine("run:x", 9), Booked(9, 0), 1).startswith("the cap of the run: limit 9")
    [sentence] = RunEnding(left=[Held("acme", "contact", 1, "budget", "kaspr", clock() + 60_000, figures)]).sentences()
    assert re.search(
        r", until \S+ \S+ UTC \(kaspr's budget of the day: limit 200 .*\)\. Next: .*providers\.kaspr", sentence
    )


def test_a_cap_says_limit_and_spent() -> None:
    assert cap_figures(60, {"kaspr": 50, "forager": 5}) == "limit 60 credits, 55 spent"
    [sentence] = RunEnding(left=[Held("acme", "contact", 1, "cap", hint=cap_figures(60, {"kaspr": 55}))]).sentences()
    assert "(limit 60 credits, 55 spent). Next: " in sentence


def test_whom_a_run_did_not_ask_names_the_next_step() -> None:
    [sentence] = RunEnding(not_asked=[NotAsked("kaspr", "", "it does not answer")]).sentences()
    assert "Next: refill check" in sentence


def test_a_refusal_by_hand_names_the_next_step() -> None:
    found = list(sentences("worker/manual/buying.py", "NotNowError"))
    assert found
    assert [one for one in found if not STEP.search(one[1]) and "_no_budget" not in one[1]] == []


def test_a_pause_names_the_next_step() -> None:
    found = list(pauses())
    assert found
    assert [one for one in found if not STEP.search(one[1])] == []
