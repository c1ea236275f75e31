"""Takes what nobody can see for blank; phrases and names that say nothing are rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import blanks, names, titles

NOTHING_TO_SEE = (
    None, "", " ", "\u3000", "\u00a0", "\u200b", "\u2800", "\u3164", "\uffa0", "&nbsp;", "<p>&nbsp;</p>", "<br/>",
)  # fmt: skip


@pytest.mark.parametrize("value", NOTHING_TO_SEE)
def test_what_nobody_can_see_is_blank(value: str | None) -> None:
    assert blanks.is_blank(value)


@pytest.mark.parametrize("value", ["N/A", "-", "0", "unknown", "Ada", "<3"])
def test_what_can_be_seen_is_not_blank_unless_it_is_listed(value: str) -> None:
    assert not blanks.is_blank(value)
    assert blanks.is_blank(f" {value.upper()}\u200b", ["-", "n/a", "0", "Unknown", "ada", "<3"])


@pytest.mark.parametrize("value", blanks.SUGGESTED)
def test_every_suggested_value_says_nothing(value: str) -> None:
    assert names.is_placeholder(value) or value in {"NA", "NaN"}


@given(st.text(max_size=60))
def test_reading_a_title_twice_changes_nothing(text: str) -> None:
    assert titles.read(titles.read(text)) == titles.read(text)
