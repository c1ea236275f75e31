import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matching import alike, bare_host, profile_slug, spellings


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("https://www.Acme.com/about?x=1", "acme.com"),
        ("acme.com", "acme.com"),
        ("ACME.com.", "acme.com"),
        ("http://user@acme.co.uk:8080/", "acme.co.uk"),
        ("", ""),
    ],
)
def test_a_host_is_bare_and_lower_case(value: str, host: str) -> None:
    assert bare_host(value) == host


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.linkedin.com/in/jane-doe/", "http://de.linkedin.com/in/Jane-Doe", True),
        ("https://linkedin.com/in/jane-doe", "https://linkedin.com/in/jane-doe-2", False),
        ("https://linkedin.com/in/jos%C3%A9", "linkedin.com/in/josé", True),
        ("a@b.co", "A@B.co", True),
        ("a@b.co", "aa@b.co", False),
        ("https://acme.com/x/", "http://www.acme.com/x", True),
    ],
)
def test_spellings_of_one_thing_are_alike(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def test_a_value_that_is_no_address_has_no_slug() -> None:
    assert profile_slug("jane-doe") == ""
    assert spellings("Jane@Acme.com") == ("Jane@Acme.com", "jane@acme.com")


@given(st.from_regex(r"(https?://)?(www\.)?[a-z]{1,8}\.com/[a-z]{1,8}/?", fullmatch=True))
def test_every_spelling_that_is_asked_for_is_recognised(address: str) -> None:
    assert all(alike(address, form) for form in spellings(address))
