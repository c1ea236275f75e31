"""A text names somebody by any spelling of a handle, and by nothing that merely contains it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.decide.handles import Handle, read
from worker.decide.mentions import mentions

MAIL, SLUG, PHONE = Handle("email", "ada@acme.com"), Handle("slug", "ada-lovelace"), Handle("phone", "+4915123456789")


@pytest.mark.parametrize(
    ("handle", "text", "is_named"),
    [
        (MAIL, '{"email":"Ada@ACME.com"}', True),
        (MAIL, "email:ada@acme.com", True),
        (MAIL, "lada@acme.com", False),
        (MAIL, "ada@acme.com.br", False),
        (MAIL, "x.ada@acme.com", False),
        (SLUG, '"https://www.linkedin.com/in/ada-lovelace/"', True),
        (SLUG, '{"slug":"ada-lovelace"}', True),
        (SLUG, "slug:ada-lovelace", True),
        (SLUG, '"linkedin.com/in/ada-lovelace-2"', False),
        (SLUG, "about ada-lovelace", False),
        (PHONE, '{"phone":"+49 (0)151 / 2345-6789"}', True),
        (PHONE, "0151 23456789", True),
        (PHONE, "00491512345678 9", True),
        (PHONE, "+49 151 234567890", False),
        (PHONE, "7151234567891", False),
        (Handle("domain", "acme.com"), "acme.com", False),
    ],
)
def test_a_handle_is_met_as_it_is_written_and_not_inside_another(handle: Handle, text: str, is_named: bool) -> None:
    assert mentions([handle])(text) is is_named


def test_nobody_is_named_by_no_handle() -> None:
    assert not mentions([])("ada@acme.com")


@given(
    st.text(max_size=40),
    st.sampled_from(["ada@acme.com", "linkedin.com/in/jürgen-groß-7b", "+1 212 555 2368"]),
    st.text(max_size=40),
)
def test_whatever_stands_around_it_in_json_a_value_is_met(before: str, value: str, after: str) -> None:
    handle = read(value)
    assert handle is not None
    for is_ascii in (True, False):
        text = json.dumps([{"note": before}, {"value": value}, {"note": after}], ensure_ascii=is_ascii)
        assert mentions([handle])(text)
