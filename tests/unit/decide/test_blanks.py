"""Values that say nothing are blank: disguised blanks always, placeholders where they are asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import blanks, names, titles

NOTHING_TO_SEE = (
    None,
    "",
    " ",
    "\u3000",
    "\u00a0",
    "\u200b",
    "\u2800",
    "\u3164",
    "\uffa0",
    "&nbsp;",
    "<p>&nbsp;</p>",
    "<br/>",
)


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


@pytest.mark.parametrize(
    "text",
    [
        "N/A",
        "n.a.",
        "#N/A",
        "#REF!",
        "(none)",
        "[unknown]",
        "NULL",
        "k. A.",
        "не указано",
        "不明",
        "غير معروف",
        "--",
        "…",
    ],
)
def test_placeholders_say_nothing(text: str) -> None:
    assert blanks.says_nothing(text)
    assert titles.read(text) == ""


@pytest.mark.parametrize("text", ["Head of N/A", "Naomi", "0", "Nonesuch", "Unknown Pleasures", "N"])
def test_words_that_hold_a_placeholder_say_something(text: str) -> None:
    assert not blanks.says_nothing(text)


@pytest.mark.parametrize("name", ["Nan", "Na", "Null", "Lead", "Ng", "O", "Naab", "Test"])
def test_names_that_look_like_placeholders_are_names(name: str) -> None:
    assert not names.is_placeholder(name)


@pytest.mark.parametrize(
    "name",
    [
        "[[unknown]]", "(blank)", "No Name", "LNU", "not applicable", "unbekannt", "inconnu", "undefined", "TBC", "x",
        "null", "NaN", "NA",
    ],
)  # fmt: skip
def test_placeholders_are_no_names(name: str) -> None:
    assert names.is_placeholder(name)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("VP Sales &amp; Marketing", "VP Sales & Marketing"),
        ("R&amp;amp;D", "R&D"),
        ("AT&T liaison", "AT&T liaison"),
        ("<p>Head<br>of <b>Sa</b>les</p>", "Head of Sales"),
        ("VP\u202e selaS", "VP selaS"),
        ("Head of\nSales", "Head of Sales"),
        ("社長", "社長"),
        ("長", "長"),
        ("C", ""),
        (".", ""),
        ("42", ""),
        ("V* S****", ""),
        ("=HYPERLINK(1)", ""),
        ("ada@quist.de", ""),
        ("https://quist.de", ""),
        ("Sales @ Quist", "Sales @ Quist"),
    ],
)
def test_a_title_is_one_line_that_says_something(text: str, title: str) -> None:
    assert titles.read(text) == title


@given(st.text(max_size=60))
def test_reading_a_title_twice_changes_nothing(text: str) -> None:
    assert titles.read(titles.read(text)) == titles.read(text)
