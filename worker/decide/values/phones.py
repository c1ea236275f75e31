"""Phone numbers through libphonenumber: E.164, whether possible, and of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

from connectors.models import PhoneKind
from worker.decide.values.countries import region
from worker.decide.values.text import clean, is_masked

_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Number:
    """A number in E.164, or why there is none: ``blank``, ``masked``, ``no_country``, ``unreadable``, ``impossible``.

    ``mobile`` says that it can be one; ``fixed`` that it cannot.
    """

    e164: str = ""
    mobile: bool = False
    fixed: bool = False
    problem: str = ""


def read(text: str, countries: tuple[str, ...] = (), kind: PhoneKind = PhoneKind.ANY) -> Number:
    """The number of ``text``; without a ``+`` it is read in the first of ``countries`` (names or codes) we know.

    An extension is dropped. A number whose kind cannot be told counts as mobile unless ``kind`` says otherwise.
    """
    return _read(text, next((found for country in countries if (found := region(country))), ""), kind)


@lru_cache(maxsize=8192)
def _read(text: str, home: str, kind: PhoneKind) -> Number:
    plain = clean(text)
    if not plain:
        return Number(problem="blank")
    if is_masked(plain):
        return Number(problem="masked")
    if len(plain) > _LONGEST:
        return Number(problem="unreadable")
    try:
        parsed = phonenumbers.parse(plain, home or None)
    except NumberParseException as error:
        unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        return Number(problem="no_country" if unknown and not plain.startswith("+") else "unreadable")
    if (
        phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE
    ):  # local ones cannot be called
        return Number(problem="impossible")
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    mobile, fixed = _kind(phonenumbers.number_type(parsed), kind)
    return Number(e164=e164, mobile=mobile, fixed=fixed)


def _kind(told: int, said: PhoneKind) -> tuple[bool, bool]:
    if told == PhoneNumberType.MOBILE:
        return True, False
    if told in {PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.UNKNOWN}:
        return said is not PhoneKind.FIXED, said is PhoneKind.FIXED
    return False, told == PhoneNumberType.FIXED_LINE


def same(one: str, other: str, countries: tuple[str, ...] = ()) -> bool:
    """Whether both are the same number, however they are written; a national one is read in the other's country."""
    first, second = read(one, countries).e164, read(other, countries).e164
    first = first or (read(one, (_home(second),)).e164 if second else "")
    second = second or (read(other, (_home(first),)).e164 if first else "")
    if first and second:
        return first == second
    digits = (_digits(one), _digits(other))
    return bool(digits[0]) and digits[0] == digits[1]


def _home(e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit()).lstrip("0")
