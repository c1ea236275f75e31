"""Reads a number where it is certain; numbers as people write them are rows of ``tests/data/values.jsonl``."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from connectors.models import PhoneKind
from worker.decide.values import phones
from worker.decide.values.phones import LineType
from worker.decide.values.words import words

BERLIN, MOBILE_DE, US = "+493023123456", "+4915123456789", "+14155552671"


@pytest.mark.parametrize(
    ("problem", "texts"),
    [
        ("", "+49 30 23123456|+49 30 23123456 ext. 17"),
        ("no_country", "030 23123456"),
        ("unreadable", "+999 12345|ask reception|" + "1" * 60),
        ("invalid", "+49 12"),
        ("masked", "+49 *** 456|+49 30 2312…"),
        ("blank", ""),
        ("dummy", "+1 234 567 8901|+91 99999 99999"),
    ],
)
def test_a_text_that_is_no_number_says_why(problem: str, texts: str) -> None:
    hints = ("Atlantis",) if problem == "no_country" else ("DE",)
    assert {phones.read(text, hints).problem for text in texts.split("|")} == {problem}


@pytest.mark.parametrize("text", ["+1 302 555 0123", "+44 20 7946 0958", "+33 1 99 00 12 34", "+61 491 570 156"])
def test_numbers_kept_free_for_films_are_shown_and_never_used(text: str) -> None:
    number = phones.read(text)
    assert number.e164
    assert not number.reachable
    assert not number.mobile
    assert number.problem == "fictional"


@pytest.mark.parametrize(
    ("number", "said", "mobile"),
    [
        (MOBILE_DE, PhoneKind.ANY, True),
        (MOBILE_DE, PhoneKind.FIXED, True),
        (BERLIN, PhoneKind.ANY, False),
        (BERLIN, PhoneKind.MOBILE, False),
        (US, PhoneKind.ANY, True),
        (US, PhoneKind.MOBILE, True),
        (US, PhoneKind.FIXED, False),
        ("+18005551299", PhoneKind.ANY, False),
    ],
)
def test_a_number_of_unknown_kind_is_mobile_unless_the_provider_objects(
    number: str, said: PhoneKind, mobile: bool
) -> None:
    assert phones.read(number, kind=said).mobile is mobile


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (MOBILE_DE, LineType.PERSON),
        (BERLIN, LineType.PERSON),
        (US, LineType.PERSON),
        ("+18005551299", LineType.COMPANY),
        ("+498001234567", LineType.COMPANY),
        ("+499001234567", LineType.NOBODY),
        ("+15555555555", LineType.NOBODY),
    ],
)
def test_a_hotline_is_no_persons_and_a_premium_rate_nobodys(number: str, line: LineType) -> None:
    read = phones.read(number)
    assert read.line is line
    assert bool(read.personal) is (line is LineType.PERSON)
    assert bool(read.reachable) is (line is not LineType.NOBODY)


def test_numbers_are_compared_whatever_their_format() -> None:
    assert phones.same("(030) 23123456", BERLIN, ("DE",))
    assert phones.same("(030) 23123456", BERLIN)
    assert phones.same(US, "(415) 555-2671")
    assert phones.same("030 / 23 12 34 56", "03023123456")
    assert not phones.same("+80012345678", "12345678")
    assert not phones.same(BERLIN, US)
    assert not phones.same("", "")
    assert not phones.same("ask", "reception")


@given(st.text(max_size=30) | st.from_regex(r"[+(]?[0-9 ()/.xX-]{6,20}( [a-z]{1,5})?", fullmatch=True))
def test_reading_never_fails_and_reading_twice_changes_nothing(given_text: str) -> None:
    number = phones.read(given_text, ("US",))
    assert number.e164 or number.problem
    again = phones.read(number.e164)
    assert (again.e164, again.line) == (number.e164, number.line)


REGIONS = words(
    "AE AR AT AU BE BR CA CH CN CZ DE DK ES FI FR GB GR HK HU IE IL IN IT JP KE KR MX NG NL NO NZ PL PT RO RU SA SE SG "
    "TH TR UA US VN ZA"
)
KINDS = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)


@given(st.data(), st.sampled_from(sorted(REGIONS)), st.sampled_from(KINDS))
def test_a_valid_number_of_any_country_is_read_in_every_usual_form(data: st.DataObject, home: str, kind: int) -> None:
    example = phonenumbers.example_number_for_type(home, kind)
    assert example is not None
    digits = str(example.national_number)
    changed = digits[:-4] + data.draw(st.from_regex(r"[0-9]{4}", fullmatch=True))
    number = phonenumbers.PhoneNumber(
        example.country_code, int(changed), italian_leading_zero=example.italian_leading_zero
    )
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number_for_region(number, home) or not phones.read(e164).e164:
        return
    told = [
        phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        phonenumbers.format_number(number, PhoneNumberFormat.RFC3966),
        phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        "00" + e164[1:],
        f"Tel. {e164}",
        f"{e164}.0",
        f"\u200e{e164}\u200b",
    ]
    sure = [form for form in told if form.strip()]
    assert {phones.read(form, (home,)).e164 for form in sure} == {e164}
    assert phones.read(e164[1:], (home,)).e164 in {e164, ""}  # without its plus: itself, and never the code twice


@given(st.integers(min_value=0, max_value=10**40))
def test_large_figures_give_a_valid_number_or_none(figure: int) -> None:
    for home in ("DE", "US", "AT", ""):
        number = phones.read(str(figure), (home,) if home else ())
        assert not number.e164 or phonenumbers.is_valid_number(phonenumbers.parse(number.e164))
