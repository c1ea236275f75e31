from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from worker.commands import tables
from worker.reports import words


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (999, "0s"),
        (45_000, "45s"),
        (60_000, "1m"),
        (3_661_000, "1h 1m"),
        (86_400_000, "1d"),
        (90_061_000, "1d 1h"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(ms: int, text: str) -> None:
    assert words.lasting(ms) == text


@given(st.integers(0, 10**13))
def test_a_length_of_time_has_at_most_two_units(ms: int) -> None:
    assert 1 <= len(words.lasting(ms).split()) <= 2


def test_never_and_until_lifted_are_words() -> None:
    assert words.ago(0, 5_000) == "never"
    assert words.ago(1_000, 5_000) == "4s ago"
    assert words.until(0, 5_000) == "until resumed"
    assert words.until(0, 5_000, "property") == "until mended"
    assert words.until(9_000, 5_000) == "for 4s"
    assert (words.of(3, None), words.of(3, 9)) == ("3", "3 of 9")


def test_a_table_shows_texts_as_they_are() -> None:
    out = io.StringIO()
    console = Console(file=out, width=120)
    console.print(tables.table("Title", ("one", "two"), [("[red]not markup[/red]", 7), (None, ":phone:")], figures=1))
    shown = out.getvalue()
    assert "[red]not markup[/red]" in shown
    assert ":phone:" in shown
    assert "None" not in shown
