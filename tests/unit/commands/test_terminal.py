"""Texts of vendors, CRMs and people do no harm on a terminal or in a pipe."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.steering import TEXTS
from tests.harness.steering import steering
from worker.commands.tables import table
from worker.commands.terminal import Terminal

texts = st.lists(st.one_of(st.sampled_from(TEXTS), st.text(st.characters(), max_size=4)), max_size=4).map("".join)
OURS = re.compile(r"\x1b\[[\d;]*m")  # the bold titles and colours of our own


def told(*renderables: object, terminal: bool) -> str:
    out = io.StringIO()
    console = Terminal(file=out, width=100, force_terminal=terminal, _environ={"TERM": "xterm"})
    for one in renderables:
        console.print(one)
    return OURS.sub("", out.getvalue()) if terminal else out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
@given(texts, texts)
def test_a_table_of_anything_steers_nothing_and_keeps_its_rows(terminal: bool, one: str, other: str) -> None:
    shown = told(table(one, ("name", "more"), [(one, [one, other]), ("end", 1)]), terminal=terminal)
    assert not steering(shown)
    assert "end" in shown


@pytest.mark.parametrize("terminal", [True, False])
@given(texts)
def test_a_sentence_is_one_line_whatever_is_in_it(terminal: bool, text: str) -> None:
    out = io.StringIO()
    Terminal(file=out, force_terminal=terminal, _environ={"TERM": "xterm"}).say(f"it said {text}", style="red")
    assert not steering(OURS.sub("", out.getvalue()))
    assert out.getvalue().count("\n") == 1


@pytest.mark.parametrize("text", ["Ada [/b] Lovelace", "[red]not markup[/red]", ":phone:", "[link=x]y", "a\\[b"])
def test_markup_in_data_is_text(text: str) -> None:
    assert text in told(text, terminal=True)
    assert text in told(table(text, ("name",), [(text,)]), terminal=True)
