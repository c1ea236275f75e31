"""An address is read where a text gives one; whose it can be decides what it is used for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.decide.timing import quickest
from worker.decide.values import emails


@pytest.mark.parametrize(
    ("given_text", "address"),
    [
        ("Ada@ACME.com", "Ada@acme.com"),
        (" mailto:ada@acme.com?subject=Hi ", "ada@acme.com"),
        ("<ada@acme.com>;", "ada@acme.com"),
        ("Ada Example <ada@acme.com>", "ada@acme.com"),
        ("ada@acme.com (work)", "ada@acme.com"),
        ("E-Mail: ada@acme.com", "ada@acme.com"),
        ("ada&#64;acme.com", "ada@acme.com"),
        ("ada@acme.com, ADA@ACME.com", "ADA@acme.com"),
        ("o'neil@acme.com", "o'neil@acme.com"),
        ("info@acme.com", "info@acme.com"),
        ("ada@müller.de", "ada@xn--mller-kva.de"),
        ("ada@straße-quist.de", "ada@xn--strae-quist-y6a.de"),
        ("ada@acme.com; bob@acme.com", ""),
        ("a***@acme.com", ""),
        ("ad…@acme.com", ""),
        ("ada@acme,com", ""),
        ("ada@acme.cmo", ""),
        ("ada@", ""),
        ("ada", ""),
        ("ada@localhost", ""),
        ("ädä@acme.com", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_spelling_or_is_none(given_text: str, address: str) -> None:
    assert emails.normal(given_text) == address


WORK = ("ada@acme.com", "ada@google.com", "ada@orange.com", "dev.patel@acme.com", "ada.info@acme.com", "jd@acme.com")
OWN = ("ada@gmail.com", "ada@aim.com", "ada@scarlet.be", "ada@live.cl", "ada@alumni.ethz.ch")
NOBODYS = (
    "info@acme.com", "info-berlin@acme.com", "sales.emea@acme.com", "no-reply@acme.com", "rechnung@acme.de",
    "test@test.com", "unknown@unknown.com", "na@na.com", "noemail@acme.com", "asdf@asdf.com", "ada@example.com",
    "ada@mailinator.com", "you@yourcompany.com",
)  # fmt: skip


@pytest.mark.parametrize("text", WORK)
def test_a_companys_address_may_be_a_work_address(text: str) -> None:
    read = emails.read(text)
    assert (read.work, read.asked, read.free) == (True, True, False)


@pytest.mark.parametrize("text", OWN)
def test_an_address_at_a_free_or_alumni_host_is_a_persons_and_no_work_address(text: str) -> None:
    read = emails.read(text)
    assert (read.work, read.asked) == (False, True)


@pytest.mark.parametrize("text", NOBODYS)
def test_role_dummy_and_disposable_addresses_are_nobodys(text: str) -> None:
    read = emails.read(text)
    assert (bool(read.email), read.work, read.asked) == (True, False, False)
    assert read.problem in {"role", "dummy", "disposable"}


def test_addresses_are_compared_without_case() -> None:
    assert emails.same("ADA@acme.com", "ada@Acme.Com ")
    assert not emails.same("ada@acme.com", "bob@acme.com")
    assert emails.same("no address", "No Address")
    assert emails.read("ada@gmail.com").free
    assert not emails.read("ada@acme.com").free


@given(st.text(max_size=60) | st.emails())
def test_reading_twice_changes_nothing(text: str) -> None:
    first = emails.read(text)
    assert not first.email or emails.read(first.email) == first


@pytest.mark.parametrize("text", ["a" * 32_000, "a@" * 16_000, "a'" * 16_000, "@a.com" * 5_000, "<" * 32_000])
def test_a_long_text_is_refused_at_once(text: str) -> None:
    assert emails.read(text).email == ""
    assert quickest(emails.read, text) < 0.005
    assert quickest(emails.read, text[:498]) < 0.005
