"""Reads an address of any text; what counts as whose is in rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
