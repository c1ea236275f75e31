"""Reads a profile address of any text; the forms it is pasted in are rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

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


def test_no_slug_has_no_address() -> None:
    assert linkedin.url("") == ""
    assert linkedin.url("jürgen") == "https://www.linkedin.com/in/j%C3%BCrgen"
