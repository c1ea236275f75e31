"""Reads a profile address of any text; the forms it is pasted in are rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.timing import quickest
from worker.decide.values import linkedin


@given(st.text(max_size=40))
def test_a_slug_of_a_slug_is_itself(text: str) -> None:
    slug = linkedin.slug(text)
    assert linkedin.slug(slug) == slug


@given(st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=3, max_size=30))
def test_the_address_of_a_slug_gives_the_slug_back_however_it_is_encoded(word: str) -> None:
    slug = linkedin.slug(f"https://www.linkedin.com/in/{quote(word)}")
    assert linkedin.slug(linkedin.url(slug)) == slug
    assert linkedin.slug(f"https://fr.linkedin.com/in/{quote(quote(slug))}/fr?x=1") == slug


@pytest.mark.parametrize(
    "text",
    [
        "https://www.linkedin.com/in/" + "%25" * 10_000,
        "https://www.linkedin.com/in/" * 1_200,
        "linkedin.com/" * 2_500,
        "https:" * 5_000,
        "a." * 16_000,
        "%2f" * 10_000,
        "in/" * 10_000,
    ],
)
def test_a_long_text_is_refused_at_once(text: str) -> None:
    assert linkedin.slug(text) == ""
    assert quickest(linkedin.slug, text) < 0.005
    assert quickest(linkedin.slug, text[:1998]) < 0.005


def test_no_slug_has_no_address() -> None:
    assert linkedin.url("") == ""
    assert linkedin.url("jürgen") == "https://www.linkedin.com/in/j%C3%BCrgen"
