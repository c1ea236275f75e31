"""Domains, e-mails, phones, countries and text in one spelling; what is none of them is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import domains, emails, fields, text


@pytest.mark.parametrize(
    ("given_text", "domain"),
    [
        ("https://www.acme.co.uk/about?x=1", "acme.co.uk"),
        ("HTTP://DE.Acme.com:8080", "acme.com"),
        ("ada@mail.acme.com", "acme.com"),
        ("acme.com.", "acme.com"),
        ("www.acme.com", "acme.com"),
        ("//acme.com/x", "acme.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("acme.github.io", "acme.github.io"),
        ("co.uk", ""),
        ("acme", ""),
        ("", ""),
        ("192.168.0.1", ""),
        ("not a domain", ""),
        ("-acme.com", ""),
        ("a..b", ""),
        ("ask reception", ""),
        ("www.com", "www.com"),
    ],
)
def test_the_registrable_domain_is_found_in_any_form(given_text: str, domain: str) -> None:
    assert domains.registrable(given_text) == domain


def test_free_mail_hosts_and_social_sites_are_nobodys_company() -> None:
    for host in ("gmail.com", "ada@googlemail.com", "yahoo.co.jp", "mail.gmx.net", "t-online.de", "163.com"):
        assert domains.is_free(host)
        assert domains.company_domain(host) == ""
    assert domains.company_domain("https://www.linkedin.com/company/acme") == ""
    assert domains.company_domain("facebook.com/acme") == ""
    assert domains.company_domain("https://www.linkedin.com/") == "linkedin.com"
    assert domains.company_domain("ada@linkedin.com") == "linkedin.com"
    assert domains.company_domain("https://acme.com/about") == "acme.com"
    assert not domains.is_free("acme.com")


def test_unknown_domains_are_the_same_as_none() -> None:
    assert domains.same_domain("https://www.acme.com", "ada@de.acme.com")
    assert not domains.same_domain("acme.com", "acme.de")
    assert not domains.same_domain("", "")


@pytest.mark.parametrize(
    ("given_text", "address"),
    [
        ("Ada@EXAMPLE.com", "Ada@example.com"),
        (" mailto:ada@example.com ", "ada@example.com"),
        ("<ada@example.com>;", "ada@example.com"),
        ("info@example.com", "info@example.com"),
        ("ada@müller.de", "ada@xn--mller-kva.de"),
        ("a***@example.com", ""),
        ("ada@", ""),
        ("ada", ""),
        ("ada@localhost", ""),
        ("ädä@example.com", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_spelling_or_is_none(given_text: str, address: str) -> None:
    assert emails.normal(given_text) == address


def test_addresses_are_compared_without_case() -> None:
    assert emails.same("ADA@example.com", "ada@Example.COM ")
    assert not emails.same("ada@example.com", "bob@example.com")
    assert emails.same("no address", "No Address")
    assert emails.is_personal("ada@gmail.com")
    assert not emails.is_personal("ada@acme.com")


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


def test_a_hash_stands_for_a_value_in_any_spelling_of_the_same_field() -> None:
    assert fields.value_hash("work_email", "Ada@example.com") == fields.value_hash("work_email", "ada@EXAMPLE.com")
    assert fields.value_hash("phone", BERLIN) == fields.value_hash("phone", "(030) 23123456", ("DE",))
    assert fields.value_hash("job_title", "VP") != fields.value_hash("job_title", "CEO")
    assert fields.value_hash("phone", "VP") != fields.value_hash("job_title", "VP")
    assert len(fields.value_hash("job_title", "-VP")) == 12
