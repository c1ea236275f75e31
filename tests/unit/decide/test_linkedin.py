"""Every form a profile address is pasted in gives one slug; what names no person gives none and says why."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.timing import quickest
from worker.decide.values import linkedin

FORMS = (
    ("https://www.linkedin.com/in/ada-example-1a2b3c", "ada-example-1a2b3c"),
    ("http://linkedin.com/in/Ada-Example-1A2B3C/", "ada-example-1a2b3c"),
    ("https://de.linkedin.com/in/ada-example/en", "ada-example"),
    ("https://www.linkedin.com/in/ada-example/de/", "ada-example"),
    ("https://www.linkedin.com/de/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/pt-br/in/ada-example", "ada-example"),
    ("www.linkedin.com/in/ada-example/detail/contact-info/", "ada-example"),
    ("linkedin.com/in/ada-example/overlay/about-this-profile/?lipi=x", "ada-example"),
    ("https://www.linkedin.com/in/ada-example?trk=people-guest_people_search-card", "ada-example"),
    ("https://LinkedIn.com/in/ada-example#experience", "ada-example"),
    ("https://www.linkedin.com/mwlite/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/m/in/ada-example", "ada-example"),
    ("https://m.linkedin.com/in/ada-example", "ada-example"),
    ("linkedin://in/ada-example", "ada-example"),
    ("https://www.linkedin.com/comm/in/ada-example?midToken=1", "ada-example"),
    ("https://www.linkedin.com/in/j%C3%BCrgen-m%C3%BCller", "jürgen-müller"),
    ("https://www.linkedin.com/in/J%25C3%25BCrgen-m%25C3%25BCller", "jürgen-müller"),
    ("https%3A%2F%2Fwww.linkedin.com%2Fin%2Fada-example", "ada-example"),
    ("https://www.linkedin.com/in/" + unicodedata.normalize("NFD", "josé-núñez"), "josé-núñez"),
    ("https://www.linkedin.com/in/%E5%A4%AA%E9%83%8E-123", "太郎-123"),
    ("https://www.linkedin.com/in/ada-%F0%9F%9A%80-example", "ada-🚀-example"),
    ("https://www.linkedin.com/pub/ada-example/1a/2b3/c4d", "ada-example-c4d2b31a"),
    ("https://www.linkedin.com/pub/ada-example/0/2b/c4", "ada-example-0c402b"),
    ("\u200bhttps://www.linkedin.com/in/ada-example\u200e", "ada-example"),
    ("\ufeffhttps://www.linkedin.com/in/ada-example%E2%80%8B", "ada-example"),
    ("https://www.linkedin.com/in/ada-example.", "ada-example"),
    ("https://www.linkedin.com/in/ada-example,", "ada-example"),
    ("(https://www.linkedin.com/in/ada-example)", "ada-example"),
    ("[Ada](https://www.linkedin.com/in/ada-example)", "ada-example"),
    ("LinkedIn: https://www.linkedin.com/in/ada-example", "ada-example"),
    ("LinkedIn:linkedin.com/in/ada-example/", "ada-example"),
    ("LinkedIn - in/ada-example", "ada-example"),
    ("Ada Example | https://www.linkedin.com/in/ada-example | Berlin", "ada-example"),
    ('<a href="https://www.linkedin.com/in/ada-example" target="_blank">Ada Example</a>', "ada-example"),
    ("<a href='https://www.linkedin.com/in/ada-example'>linkedin.com/in/ada-example</a>", "ada-example"),
    ("https://www.linkedin.com/in/ada-example&amp;trk=x", "ada-example"),
    ("https://www.linkedin.com/in/https://www.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/in/https%3A%2F%2Fwww.linkedin.com%2Fin%2Fada-example", "ada-example"),
    ("https://www.linkedin.com/in/www.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/in/in/ada-example", "ada-example"),
    ("https://https://www.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/public-profile/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/in/ada-example, https://de.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/company/acme | https://www.linkedin.com/in/ada-example", "ada-example"),
    ("https%253A%252F%252Fwww.linkedin.com%252Fin%252Fada-example", "ada-example"),
    ("https://www.linkedin.com/in/ada-%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB", "ada-👩\u200d💻"),
    ("//www.linkedin.com/in/ada-example", "ada-example"),
    ("https:/www.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com//in//ada-example", "ada-example"),
    ("https:\\\\www.linkedin.com\\in\\ada-example", "ada-example"),
    ("/in/ada-example", "ada-example"),
    ("in/ada-example", "ada-example"),
    ("ada-example-1a2b3c", "ada-example-1a2b3c"),
    ("  Ada-Example ", "ada-example"),
    ("<https://www.linkedin.com/in/ada-example>", "ada-example"),
    ("https://user@www.linkedin.com/in/ada-example", "ada-example"),
    ("https://www.linkedin.com:443/in/ada-example", "ada-example"),
    ("https://www.linkedin.com/in/ada-example&", "ada-example"),
    ("https://www.linkedin.cn/in/ada-example", "ada-example"),
)

REFUSED = (
    ("", "blank"),
    ("  ", "blank"),
    ("none", "blank"),
    ("https://www.linkedin.com/in/unknown", "blank"),
    ("n/a", "blank"),
    ("#N/A", "blank"),
    ("pending", "blank"),
    ("not-available", "blank"),
    ("no-linkedin-profile", "blank"),
    ("kein-linkedin-profil", "blank"),
    ("https://www.linkedin.com/in/your-profile", "blank"),
    ("https://www.linkedin.com/in/username/", "blank"),
    ("https://www.linkedin.com/in/private", "blank"),
    ("https://www.linkedin.com/pub/dir/?first=Ada&last=Example", "not_a_profile"),
    ("https://www.linkedin.com/pub/dir/Ada/Example/de-0-Germany", "not_a_profile"),
    ("https://www.linkedin.com/pub/ada-example", "not_a_profile"),
    ("https://www.linkedin.com/pub/ada-example/1a/2b3", "not_a_profile"),
    ("https://www.linkedin.com/profile/view?id=77582777", "not_a_profile"),
    ("https://www.linkedin.com/in/77582777", "member_id"),
    ("77582777", "member_id"),
    ("https://www.linkedin.com/in/ada-example https://www.linkedin.com/in/bob-example", "several"),
    ("https://www.linkedin.com/in/ada-example;https://www.linkedin.com/in/bob-example", "several"),
    ("https://www.linkedin.com/in/ada-example,https://www.linkedin.com/in/bob-example", "several"),
    ("https://www.linkedin.com/in/ada-exam...", "malformed"),
    ("https://www.linkedin.com/in/ada-exam…", "malformed"),
    ("https://www.linkedin.com/in/ada example", "malformed"),
    ("https://www.linkedin.com/in/ada%EF%BF%BDexample", "malformed"),
    ("https://www.linkedin.com/in/%FCmit-example", "malformed"),
    ("https://evil.example/?u=https://www.linkedin.com/in/ada-example", "not_linkedin"),
    ("https://evil.example/linkedin.com/in/ada-example", "not_linkedin"),
    ("https://lnkd.in/eXaMpLe1", "not_linkedin"),
    ("https://www.linkedin.com/sales/lead/ACwAAAexample,NAME_SEARCH", "sales_navigator"),
    ("https://www.linkedin.com/sales/people/ACwAAAexample", "sales_navigator"),
    ("https://www.linkedin.com/talent/profile/AEMAAAexample", "recruiter"),
    ("https://www.linkedin.com/recruiter/profile/1234", "recruiter"),
    ("https://www.linkedin.com/company/acme", "company"),
    ("https://www.linkedin.com/showcase/acme", "company"),
    ("https://www.linkedin.com/school/tu-berlin", "school"),
    ("https://www.linkedin.com/", "not_a_profile"),
    ("https://www.linkedin.com", "not_a_profile"),
    ("https://www.linkedin.com/in/", "not_a_profile"),
    ("https://www.linkedin.com/feed/update/urn:li:activity:1", "not_a_profile"),
    ("https://www.linkedin.com/in/ACoAABcdEfGhIjKlMnOpQrStUvWxYz012345678", "member_id"),
    ("http://facebook.example/profile?id=12", "not_linkedin"),
    ("https://notlinkedin.com/in/ada", "not_linkedin"),
    ("https://linkedin.com.evil.example/in/ada", "not_linkedin"),
    ("ada@example.com", "not_linkedin"),
    ("http://ada", "not_linkedin"),
    ("ada example", "malformed"),
    ("https://www.linkedin.com/in/ab", "malformed"),
    ("https://www.linkedin.com/in/---", "blank"),
    ("https://www.linkedin.com/in/ada%20example", "malformed"),
    ("https://www.linkedin.com/in/a***a", "malformed"),
    ("https://www.linkedin.com/in/" + "a" * 201, "malformed"),
)


@pytest.mark.parametrize(("text", "slug"), FORMS)
def test_every_form_of_an_address_gives_the_same_slug(text: str, slug: str) -> None:
    assert linkedin.slug(text) == slug


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_an_address_of_nobody_is_refused_with_a_reason(text: str, reason: str) -> None:
    assert linkedin.profile(text).refused == reason
    assert linkedin.slug(text) == ""


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
    ("one", "other", "same"),
    [
        ("ada-example", "https://de.linkedin.com/in/Ada-Example/", True),
        ("linkedin.com/in/j%C3%BCrgen", "linkedin.com/in/J%25C3%25BCrgen", True),
        ("linkedin.com/in/ada", "linkedin.com/pub/ada/1a/2b3/c4d", False),
        ("linkedin.com/in/acme", "linkedin.com/company/acme", False),
        ("linkedin.com/company/acme", "https://www.linkedin.com/company/Acme/about/", True),
        ("linkedin.com/company/acme", "linkedin.com/school/acme", False),
        ("linkedin.com/in/ada", "notlinkedin.com/in/ada", False),
        ("linkedin.com/in/pending", "linkedin.com/in/pending", False),
        ("", "", False),
    ],
)
def test_two_addresses_are_one_page_or_two(one: str, other: str, same: bool) -> None:
    assert linkedin.same(one, other) is same
    assert linkedin.same(other, one) is same


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
