"""Reads an address of any text; what counts as whose is in rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.timing import quickest
from worker.decide.values import emails


def test_addresses_are_compared_without_case() -> None:
    assert emails.same("ADA@acme.com", "ada@Acme.Com ")
    assert not emails.same("ada@acme.com", "bob@acme.com")
    assert emails.same("no address", "No Address")
    assert emails.read("ada@gmail.com").free
    assert not emails.read("ada@acme.com").free


@pytest.mark.parametrize(
    ("problem", "texts"),
    [
        ("role", "info@acme.com|info-berlin@acme.com|sales.emea@acme.com|no-reply@acme.com|rechnung@acme.de"),
        ("dummy", "test@test.com|unknown@unknown.com|na@na.com|noemail@acme.com|asdf@asdf.com|ada@example.com"),
        ("disposable", "ada@mailinator.com"),
        ("masked", "a***@acme.com|ad…@acme.com"),
    ],
)
def test_an_address_that_is_nobodys_says_why(problem: str, texts: str) -> None:
    assert [emails.read(text).problem for text in texts.split("|")] == [problem] * (texts.count("|") + 1)


@given(st.text(max_size=60) | st.emails())
def test_reading_twice_changes_nothing(text: str) -> None:
    first = emails.read(text)
    assert not first.email or emails.read(first.email) == first


@pytest.mark.parametrize("text", ["a" * 32_000, "a@" * 16_000, "a'" * 16_000, "@a.com" * 5_000, "<" * 32_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    assert emails.read(text).email == ""
    assert quickest(emails.read, text) < 0.005
    assert quickest(emails.read, text[:498]) < 0.005
