"""Gives every spelling of an id its one long form, and refuses what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.salesforce.ids import is_id, known_id, long_id, same_id

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHORT, LONG = "001A0000006Vm9r", "001A0000006Vm9rIAC"


@pytest.mark.parametrize(
    ("told", "long"),
    [
        (SHORT, LONG),
        (LONG, LONG),
        (f" {SHORT}\n", LONG),
        (LONG.lower(), LONG),  # as whatever lowers text leaves it: the last three characters tell the capitals
        ("003000000000001", "003000000000001AAA"),
        ("00D000000000001", "00D000000000001EAA"),
    ],
)
def test_every_spelling_of_an_id_is_its_18_characters(told: str, long: str) -> None:
    assert long_id(told) == long


NONE = (
    "",
    "x",
    "001A0000006Vm9",
    "001A0000006Vm9rI",
    "001A0000006Vm9!",
    "001A0000006Vm9\u00e4",
    "00QA0000006Vm9r\u0660",
)
ODD = ("001A0000006Vm9rIAB", "001a0000006Vm9rIAC", "001A0000006VM9RIAC", "001a0000006vm9riaz", "001a0000006vm9r999")


@pytest.mark.parametrize(("ids", "why"), [(NONE, "Use its 15 or 18 letters and digits"), (ODD, "do not fit")])
def test_what_is_no_id_or_does_not_fit_is_refused(ids: tuple[str, ...], why: str) -> None:
    for one in ids:
        assert not is_id(one)
        with pytest.raises(ValueError, match=why):
            long_id(one)


@given(st.text(SIGNS, min_size=15, max_size=15))
def test_any_15_characters_have_one_long_form_that_survives_lower_case(short: str) -> None:
    long = long_id(short)
    assert (long[:15], long_id(long), long_id(long.lower())) == (short, long, long)
    assert same_id(short, long)


@given(st.text(max_size=20))
def test_any_text_is_an_id_or_none(text: str) -> None:
    assert known_id(text) == (long_id(text) if is_id(text) else "")


def test_ids_that_differ_in_case_alone_are_two() -> None:
    assert not same_id("001A0000006Vm9r", "001a0000006Vm9r")
    assert not same_id("", "")
    assert not same_id("001A0000006Vm9", "001A0000006Vm9rIAC")
