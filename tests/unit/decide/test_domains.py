"""A domain is a company's own, or it is none: no free mail, no page at a network, no tenant, no placeholder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.timing import quickest
from worker.decide.values import domains


@pytest.mark.parametrize(
    ("given_text", "domain"),
    [
        ("https://www.acme.co.uk/about?x=1", "acme.co.uk"),
        ("HTTP://DE.Acme.com:8080", "acme.com"),
        ("ada@mail.acme.com", "acme.com"),
        ("acme.com.", "acme.com"),
        ("//acme.com/x", "acme.com"),
        ("http://https://acme.com", "acme.com"),
        ("Website: https://acme.com", "acme.com"),
        ('<a href="https://www.acme.com" target="_blank">Acme</a>', "acme.com"),
        ("acme\u200b.com", "acme.com"),
        ("müller.de", "xn--mller-kva.de"),
        ("straße-quist.de", "xn--strae-quist-y6a.de"),
        ("acme.uk.com", "acme.uk.com"),
        ("acme.github.io", "acme.github.io"),
        ("www.com", "www.com"),
        ("co.uk", ""),
        ("acme", ""),
        ("acme.cmo", ""),
        ("acme.local", ""),
        ("John.Smith", ""),
        ("", ""),
        ("192.168.0.1", ""),
        ("not a domain", ""),
        ("-acme.com", ""),
        ("a..b", ""),
        ("ask reception", ""),
    ],
)
def test_the_registrable_domain_is_found_in_any_form(given_text: str, domain: str) -> None:
    assert domains.registrable(given_text) == domain


OWN = ("acme.com", "acme.uk.com", "linkedin.com", "google.com", "amazon.de", "slack.com", "bt.com", "nus.edu.sg")
NOBODYS = (
    "gmail.com", "ada@googlemail.com", "yahoo.co.jp", "mail.gmx.net", "t-online.de", "163.com", "outlook.sa", "q.com",
    "mailinator.com", "example.com", "test.com", "yourcompany.com", "ada@alumni.ethz.ch", "ada@stud.uni-quist.de",
    "https://www.linkedin.com/company/acme", "https://de.linkedin.com/company/acme", "facebook.com/acme",
    "https://www.amazon.de/stores/acme", "https://www.google.de/maps/place/acme", "https://sites.google.com/view/acme",
    "https://fb.me/acme", "https://youtu.be/x", "https://bit.ly/x", "https://calendly.com/ada",
    "https://linktr.ee/acme",
    "https://acme.wixsite.com/home", "https://acme.squarespace.com", "https://acme.github.io",
    "ada@acme.onmicrosoft.com", "https://acme.zendesk.com", "https://medium.com/@acme",
)  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_host_of_its_own_is_its_companys(name: str) -> None:
    assert domains.company_domain(name) == name
    assert domains.company_domain(f"https://www.{name}/") == name
    assert domains.company_domain(f"ada@{name}") == name


@pytest.mark.parametrize("text", NOBODYS)
def test_a_shared_host_says_nothing_about_an_employer(text: str) -> None:
    assert domains.company_domain(text) == ""


def test_unknown_domains_are_the_same_as_none() -> None:
    assert domains.registrable("https://www.acme.com") == domains.registrable("ada@de.acme.com")
    assert domains.registrable("acme.com") != domains.registrable("acme.de")
    assert domains.same_host("acme.com", "https://www.acme.com/x")
    assert not domains.same_host("facebook.com/acme", "facebook.com/beta")


@given(st.text(max_size=60))
def test_a_domain_of_a_domain_is_itself(text: str) -> None:
    assert domains.host(domains.host(text)) == domains.host(text)
    own = domains.company_domain(text)
    assert domains.company_domain(own) == own


@pytest.mark.parametrize("text", ["a." * 16_000, "http://" * 4_000, "@" * 32_000, "<a " * 10_000, "%25" * 10_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    assert domains.company_domain(text) == ""
    assert quickest(domains.company_domain, text) < 0.005
    assert quickest(domains.company_domain, text[:1998]) < 0.005
