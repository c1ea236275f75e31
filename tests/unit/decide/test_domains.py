"""Finds the domain of any text; whose domain is a company's own is in rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.values import domains

REGISTERED = {
    "acme.co.uk": ("https://www.acme.co.uk/about?x=1",),
    "acme.com": (
        "HTTP://DE.Acme.com:8080", "ada@mail.acme.com", "acme.com.", "//acme.com/x", "http://https://acme.com",
        "Website: https://acme.com", '<a href="https://www.acme.com" target="_blank">Acme</a>', "acme\u200b.com",
    ),
    "xn--mller-kva.de": ("müller.de",),
    "xn--strae-quist-y6a.de": ("straße-quist.de",),
    "acme.uk.com": ("acme.uk.com",),
    "acme.github.io": ("acme.github.io",),
    "www.com": ("www.com",),
    "": (
        "co.uk", "acme", "acme.cmo", "acme.local", "John.Smith", "", "192.168.0.1", "not a domain", "-acme.com", "a..b",
        "ask reception",
    ),
}  # fmt: skip


@pytest.mark.parametrize("domain", REGISTERED)
def test_the_registrable_domain_is_found_in_any_form(domain: str) -> None:
    assert {text: domains.registrable(text) for text in REGISTERED[domain]} == dict.fromkeys(REGISTERED[domain], domain)


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
