"""Handles: one spelling for everything that names the same person or company."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.models import Identity
from tests.unit.decide.scene import policy, record
from worker.decide.handles import Handle, of_identity, of_values, read
from worker.decide.record import handles
from worker.decide.values import linkedin

ADA = Handle("email", "ada@acme.com")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ada@Acme.com", ADA),
        (" mailto:ada@acme.com ", ADA),
        ("info@acme.com", Handle("email", "info@acme.com")),
        ("https://www.linkedin.com/in/Ada-L/?x=1", Handle("slug", "ada-l")),
        ("ada-lovelace", Handle("slug", "ada-lovelace")),
        ("https://www.acme.com/about", Handle("domain", "acme.com")),
        ("+49 151 2345 6789", Handle("phone", "+4915123456789")),
        ("gmail.com", None),
        ("0151 23456789", None),
        ("not a thing", None),
        ("", None),
    ],
)
def test_a_text_is_read_as_the_kind_that_it_looks_like(text: str, found: Handle | None) -> None:
    assert read(text) == found


def test_a_kind_or_a_country_that_is_told_decides() -> None:
    assert read("0151 23456789", countries=("DE",)) == Handle("phone", "+4915123456789")
    assert read("ada.io", "slug") != read("ada.io", "domain")
    assert read("ada@acme.com", "phone") is None


def test_a_record_bears_all_that_names_its_person_and_their_employer() -> None:
    row = record({"email": "Ada@acme.com", "mobilephone": "+49 151 23456789", "hs_linkedin_url": "linkedin.com/in/ada"})
    assert handles(row, policy()) >= {
        ADA,
        Handle("phone", "+4915123456789"),
        Handle("slug", "ada"),
        Handle("domain", "acme.com"),
    }
    linked = record({}, company_domain="https://www.acme.com")
    assert handles(linked, policy()) == {Handle("domain", "acme.com")}


def test_a_free_mail_host_names_nobody() -> None:
    assert of_values({"personal_email": "ada@gmail.com"}) == {Handle("email", "ada@gmail.com")}


SLUGS = st.from_regex(r"[a-z]{3,12}-[a-z0-9]{3,12}", fullmatch=True)


@given(
    SLUGS,
    st.sampled_from(["https://www.linkedin.com/in/{}/", "linkedin.com/in/{}", "https://de.linkedin.com/in/{}?a=b"]),
)
def test_however_a_profile_is_written_a_record_with_it_is_met(slug: str, form: str) -> None:
    listed = read(form.format(slug))
    if listed is not None:  # a few words stand for nobody
        assert listed in of_identity(Identity(slug=listed.value))
        assert listed in of_values({"linkedin_url": form.format(slug.upper())})


def test_a_slug_that_reads_like_a_label_stays_whole_as_a_handle() -> None:
    text = "https://www.linkedin.com/in/linkedin-ada"
    assert of_identity(Identity(slug=linkedin.slug(text))) == of_values({"linkedin_url": text})
