"""Reads phone numbers: the one number that a text certainly contains, in E.164, and its permitted uses.

libphonenumber decides whether a number is valid. Its leniency is refused here: letters read as digits, two numbers read
as one, a doubled country code.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from msgspec import Struct
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

from connectors.models import PhoneKind
from worker.decide.values import beside
from worker.decide.values.countries import region
from worker.decide.values.dummy_numbers import is_dummy, is_fictional
from worker.decide.values.text import unescape, visible

_PERSONAL = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.UAN,
    }
)
_SHARED = frozenset({PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST})
_LONGEST = 250
_TWO_LONGEST = 60  # of two numbers written side by side
_UNTRUNKED = 9  # digits of a national number that may have lost its 0; a shorter one may lack its area, too
_ALTERNATIVE = 3  # digits behind a "/" that replace the last ones: 231234 / 35
_SECOND = 5  # digits behind a "/" that are a number of their own
_LONGEST_FIXED = 12  # digits of a national number; Germany and Austria set no end, so that what follows would be taken

_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_MASK = re.compile(r"[*•●■?]|_{2}|…|\.{3}|#(?!\s*\d)|[xX]{2}|[xX](?:[ -][xX])+|\d\s?[xX](?!\s*\d)|[xX]\d*[xX]")
_DATE = re.compile(
    r"^\s*(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|[0-3]?\d-[01]?\d-(?:19|20)\d\d)"
    r"(?:[T ]\d{1,2}:\d{2}.*)?\s*$"
)
_FIGURE = re.compile(r"[€$£¥₹₽%°]|^\s*-?\d{1,3}\.\d{4,}\s*[,;]\s*-?\d{1,3}\.\d{4,}\s*$")  # an amount, a place on a map
_DECIMAL = re.compile(r"^\s*(\+?\d{7,15})\.0+\s*$")  # a spreadsheet's number, as text
_RUN = re.compile(r"\+?\s*[(\[]?\s*\+?\s*\d[\d\s()\[\].\-\u2010-\u2015\u2212/·'~]*")
_DIALLED_LATER = re.compile(r"(?:,{1,4}|;)\s*\d{1,9}#?\s*$")  # behind a pause: a conference's code
_EXTENSION = re.compile(
    r"^[\s,;(]*(?:ext(?:n|ension)?|x|#|dw|durchwahl|kl|klappe|int|interno|poste|anexo|toestel|вн|доб|wew|转|轉|内線|내선)"
    r"\.?[\s:.]*\d{1,6}\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:t|p|m|h|w|c|o|f|tel|ph|phone|mob|mobile|mobil|cell|handy|fon|telefon|tél)$", re.IGNORECASE)
_FAX = re.compile(
    r"fax|faks|\bfx\b|t[ée]l[ée]copi|факс|φαξ|传真|傳真|ファックス|팩스|פקס|فاكس|فکس|โทรสาร|แฟกซ์|ფაქსი|ֆաքս|फैक्स",
    re.IGNORECASE,
)
_VOICE = re.compile(r"tel(?!e?(?:fax|copi|x))|tél(?!écopi)|phone|fon|mob|cell|handy", re.IGNORECASE)
_NORTH_AMERICAN = re.compile(r"^1?[-. ]?\(?\d{3}(?:\) ?|[-. ])\d{3}[-. ]\d{4}$")
_BLANKS = re.compile(r"\s{2,}")
_WIDE = {0xFEE0 + code: code for code in range(0x21, 0x7F)}  # full-width signs
_TWO_NUMBERS = re.compile(r"\s+[-\u2010-\u2015]\s+")


class LineType(Enum):
    """Names the owners that a number may have."""

    NOBODY = auto()  # premium rates, pagers, mailboxes, dummies
    PERSON = auto()
    COMPANY = auto()  # toll free, shared cost: never one person's


class Number(Struct, frozen=True):
    """Holds a number in E.164, or why there is none; ``problem`` may also say why a number must not be used.

    ``problem``: blank, masked, no_country, unreadable, invalid, dummy, fictional. ``mobile`` says that it can be a
    mobile number; ``fixed`` that it cannot.
    """

    e164: str = ""
    mobile: bool = False
    fixed: bool = False
    line: LineType = LineType.NOBODY
    problem: str = ""

    @property
    def personal(self) -> str:
        """Returns the number where it can be one person's.

        Only such a one is written for a person, asked or proves one.
        """
        return self.e164 if self.line is LineType.PERSON else ""

    @property
    def reachable(self) -> str:
        """Returns the number if it reaches a person or a company."""
        return "" if self.line is LineType.NOBODY else self.e164


class _Valid(NamedTuple):
    """Holds a valid number in E.164 with its libphonenumber type, and the problem with it, if there is one."""

    e164: str
    type: int
    problem: str


def read(text: str, countries: tuple[str, ...] = (), kind: PhoneKind = PhoneKind.ANY) -> Number:
    """Returns the first number of ``text`` if it is unambiguous.

    Without a ``+`` it is read in the first of ``countries`` (names or codes) we know. An extension is dropped. A
    number whose kind is unknown, as in North America, can be mobile unless ``kind`` says otherwise.
    """
    return _read(text, next((found for country in countries if (found := region(country))), ""), kind)


@lru_cache(maxsize=2048)
def _read(text: str, home: str, kind: PhoneKind) -> Number:
    if len(text) > _LONGEST:
        return Number(problem="unreadable")
    if _E164.fullmatch(text):  # our own notation: nothing accompanies the number
        return _judged(_parsed(text), kind)
    shown = _BLANKS.sub(_one_blank, visible(unescape(text)).translate(_WIDE))
    if not shown.strip():
        return Number(problem="blank")
    if _MASK.search(_DIALLED_LATER.sub("", shown)):
        return Number(problem="masked")
    return _judged(_number_in(_DECIMAL.sub(r"\1", shown), home), kind)


def _one_blank(blanks: re.Match[str]) -> str:
    return "\n" if "\n" in blanks[0] else " "


def _number_in(shown: str, home: str) -> _Valid | str:
    """Returns the number a text gives, or the problem with it."""
    run = _RUN.search(shown)
    if run is None or "@" in shown or _DATE.match(run[0]) or _FIGURE.search(shown):
        return "unreadable"
    before, after = shown[: run.start()], shown[run.end() :]
    label = before.strip()
    if before[-1:].isalpha() and run[0][0].isdigit() and (before[-1] in "oO" or not _LABEL.match(label)):
        return "unreadable"  # DE123456789 is not a German number
    if after[:1].isalpha() and run[0][-1:].isdigit() and not _EXTENSION.match(after):
        return "unreadable"
    if (_FAX.search(before) and not _VOICE.search(before)) or _is_called_fax(after):
        return "unreadable"
    if not beside.is_of_a_phone(f"{before} {after}"):
        return "unreadable"
    line = _ascii(run[0].partition("\n")[0]).strip(" .-/·'~([")
    return _split(line, home) if len(line) <= _TWO_LONGEST else "unreadable"


def _is_called_fax(after: str) -> bool:
    named = _FAX.search(after[:12])
    return bool(named) and not any(sign.isdigit() for sign in after)


def _ascii(run: str) -> str:
    plain = "".join(str(unicodedata.digit(sign)) if sign.isdigit() else sign for sign in run)
    return " ".join(plain.replace("[", "(").replace("]", ")").split())


def _split(run: str, home: str) -> _Valid | str:
    """Returns the first number of a run of digits, or the problem with it.

    A ``/`` follows an area code or separates two numbers: the left side is the number if it is valid and the whole is
    not, or if the right side can only be another number.
    """
    whole = _number(run, home)
    parts = _TWO_NUMBERS.split(run)
    if isinstance(whole, str) and len(parts) > 1:
        first = _number(parts[0], home)
        return first if not isinstance(_number(parts[1], home), str) else whole
    head = ""
    for part in run.split("/")[:-1]:
        head += part
        first, rest = _number(head, home), run[len(head) + 1 :]
        if not isinstance(first, str):
            return first if isinstance(whole, str) or _is_another(rest, head, home) else "unreadable"
        head += "/"
    return whole


def _is_another(rest: str, head: str, home: str) -> bool:
    """Tells whether the part after a ``/`` is another number, or other last digits for the one before it."""
    digits, last = _digits(rest), re.split(r"\D+", head.strip())[-1]
    if len(digits) <= _ALTERNATIVE or (len(digits) >= _SECOND and len(digits) == len(last)):
        return True
    return rest.strip().startswith(("0", "+", "(0", "(+")) and not isinstance(_number(rest, home), str)


def _number(run: str, home: str) -> _Valid | str:
    """Returns the valid number of one run of digits, or the problem with it."""
    digits = _digits(run)
    if "+" in run[:4]:
        abroad = _parsed("+" + digits.removeprefix("00"))
        if isinstance(abroad, str) and "(0)" in run:  # Italy keeps its 0 before some numbers and has none before others
            return _parsed("+" + _digits(run.replace("(0)", "", 1)).removeprefix("00"))
        return abroad
    if digits.startswith("00"):
        abroad = _parsed("+" + digits[2:])
        if not isinstance(abroad, str):
            return abroad
    if not home:
        return "no_country"
    known = PhoneMetadata.metadata_for_region(home, None)
    if known is None:
        return "no_country"
    trunk = known.national_prefix
    if trunk and trunk != "1" and not digits.startswith((trunk, "00")):
        return _without_trunk(run, digits, home, str(known.country_code))
    return _parsed(digits, home)


def _without_trunk(run: str, digits: str, home: str, code: str) -> _Valid | str:
    """Returns a number without the 0 its country puts before numbers.

    Its code without a ``+``, or a 0 that got lost.
    """
    national = _parsed(digits, home)
    if digits.startswith(code):  # read as national, the code may come twice; only a mobile number tells itself apart
        abroad, mobile = _parsed("+" + digits), PhoneNumberType.MOBILE
        is_mobile = not isinstance(national, str) and national.type == mobile
        return national if isinstance(abroad, str) and is_mobile else abroad
    if _NORTH_AMERICAN.match(run) or len(digits) < _UNTRUNKED:
        return "unreadable"
    return national


@lru_cache(maxsize=2048)  # in any notation, and in any field
def _parsed(digits: str, home: str = "") -> _Valid | str:
    """Returns the valid number of digits that libphonenumber reads, or the problem with it."""
    try:
        parsed = phonenumbers.parse(digits, home or None)
    except NumberParseException as error:
        return "invalid" if error.error_type == NumberParseException.TOO_SHORT_NSN else "unreadable"
    if parsed.country_code == 52 and len(str(parsed.national_number)) == 11:  # Mexico
        rest = str(parsed.national_number)
        if rest.startswith("1"):  # what stood before mobile numbers until 2019
            parsed = PhoneNumber(country_code=52, national_number=int(rest[1:]))
    line_type = phonenumbers.number_type(parsed)  # unknown of numbers that are not valid
    if line_type == PhoneNumberType.UNKNOWN:
        return "invalid"
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    national = phonenumbers.national_significant_number(parsed)
    if line_type == PhoneNumberType.FIXED_LINE and len(national) > _LONGEST_FIXED:
        return "unreadable"
    if is_dummy(national):
        return _Valid(e164, line_type, "dummy")
    return _Valid(e164, line_type, "fictional" if is_fictional(e164) else "")


def _judged(found: _Valid | str, said: PhoneKind) -> Number:
    if isinstance(found, str):
        return Number(problem=found)
    e164, line_type, problem = found
    if problem:
        return Number("" if problem == "dummy" else e164, problem=problem)
    line = LineType.PERSON if line_type in _PERSONAL else LineType.COMPANY if line_type in _SHARED else LineType.NOBODY
    mobile, fixed = _kind(line_type, said)
    return Number(e164, mobile, fixed, line)


def _kind(line_type: int, said: PhoneKind) -> tuple[bool, bool]:
    if line_type == PhoneNumberType.MOBILE:
        return True, False
    if line_type == PhoneNumberType.FIXED_LINE_OR_MOBILE:
        return said is not PhoneKind.FIXED, said is PhoneKind.FIXED
    return False, line_type == PhoneNumberType.FIXED_LINE


def same(one: str, other: str, countries: tuple[str, ...] = ()) -> bool:
    """Tells whether both are the same number, however they are written.

    A national one is read in the other's country.
    """
    if max(len(one), len(other)) > _LONGEST:
        return False
    first, second = read(one, countries).e164, read(other, countries).e164
    first = first or (read(one, (home(second),)).e164 if second else "")
    second = second or (read(other, (home(first),)).e164 if first else "")
    if first and second:
        return first == second
    digits = (_digits(one).lstrip("0"), _digits(other).lstrip("0"))
    return bool(digits[0]) and digits[0] == digits[1]


def parts(e164: str) -> tuple[str, str]:
    """Returns the code of a number's country and its national digits."""
    number = phonenumbers.parse(e164)
    return str(number.country_code), phonenumbers.national_significant_number(number)


def home(e164: str) -> str:
    """Returns the two letters of a number's country; ``""`` of a number that has none."""
    shared = next((found for end in (2, 3, 4) if (found := COUNTRY_CODE_TO_REGION_CODE.get(int(e164[1:end])))), ())
    code = shared[0] if len(shared) == 1 else phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""
    return code if code.isalpha() else ""


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())
