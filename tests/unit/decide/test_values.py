"""Text that is safe to show, and values in the one spelling of their field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import fields, text

BERLIN = "+493023123456"


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("  VP \t Sales\r\n", "VP Sales"),
        ("VP\u202e Sales\u202c\u2066", "VP Sales"),
        ("V\u200bP\ufeff Sa\u00adles", "VP Sales"),
        ("a\x00b", "a b"),
        ("e\u0301", "é"),
        ("\ud800x", "x"),
        ("\u00a0", ""),
    ],
)
def test_invisible_characters_are_stripped(given_text: str, cleaned: str) -> None:
    assert text.clean(given_text) == cleaned


@given(st.text(max_size=40))
def test_cleaning_twice_changes_nothing(given_text: str) -> None:
    assert text.clean(text.clean(given_text)) == text.clean(given_text)


@pytest.mark.parametrize(
    ("given_text", "length", "short"),
    [
        ("VP Sales", 0, "VP Sales"),
        ("VP Sales", 8, "VP Sales"),
        ("Vice President Sales", 14, "Vice President"),
        ("Vice President Sales", 16, "Vice President"),
        ("Donaudampfschifffahrt", 5, "Donau"),
        ("Vice President, Sales", 16, "Vice President"),
        ("abe\u0301\u0301x", 3, "ab"),
    ],
)
def test_text_is_cut_at_a_blank_and_never_inside_a_letter(given_text: str, length: int, short: str) -> None:
    assert text.cut(given_text, length) == short


@given(st.text(max_size=60), st.integers(1, 60))
def test_cut_text_fits(given_text: str, length: int) -> None:
    assert len(text.cut(given_text, length)) <= length


@pytest.mark.parametrize(
    ("field", "one", "other", "same"),
    [
        ("work_email", "Ada@Example.com", "ada@example.com", True),
        ("phone", BERLIN, "(030) 23123456", True),
        ("linkedin_url", "https://www.linkedin.com/in/ada", "linkedin.com/in/Ada/", True),
        ("linkedin_url", "https://www.linkedin.com/in/ada", "https://www.linkedin.com/in/bob", False),
        ("linkedin_url", "https://example.com/1", "https://example.com/2", False),
        ("company_domain", "acme.com", "https://www.acme.com/", True),
        ("company_domain", "acme.com", "acme.de", False),
        ("website", "https://acme.com", "http://www.acme.com", True),
        ("job_title", "VP  Sales ", "VP Sales", True),
        ("job_title", "VP Sales", "vp sales", False),
    ],
)
def test_values_are_the_same_after_what_a_crm_does_to_them(field: str, one: str, other: str, same: bool) -> None:
    assert fields.same_value(field, one, other, ("DE",)) is same
    assert fields.same_value(field, other, one, ("DE",)) is same


def test_a_value_has_one_spelling_per_field() -> None:
    assert fields.normal("linkedin_url", "linkedin.com/in/Ada/") == "https://www.linkedin.com/in/ada"
    company_page = "https://www.linkedin.com/company/acme"
    assert fields.normal("linkedin_url", company_page) == company_page
    assert fields.normal("domain", "https://www.acme.com") == "acme.com"
    assert fields.normal("job_title", "=1+1") == ""
    assert fields.normal("city", "N/A") == ""
    assert fields.normal("country", "NA") == "NA"
    assert fields.normal("last_name", "Nan") == "Nan"
    assert fields.normal("last_name", "unbekannt") == ""


def test_a_hash_stands_for_a_value_in_any_spelling_of_the_same_field() -> None:
    assert fields.value_hash("work_email", "Ada@example.com") == fields.value_hash("work_email", "ada@EXAMPLE.com")
    assert fields.value_hash("phone", BERLIN) == fields.value_hash("phone", "(030) 23123456", ("DE",))
    assert fields.value_hash("job_title", "VP") != fields.value_hash("job_title", "CEO")
    assert fields.value_hash("phone", "VP") != fields.value_hash("job_title", "VP")
    assert len(fields.value_hash("job_title", "-VP")) == 12
