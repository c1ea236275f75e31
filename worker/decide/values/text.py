"""Makes text safe to put into a CRM: nothing invisible, no markup, nothing a spreadsheet would run."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping

# Sheets set up for Chinese or Japanese take the wide forms for the same signs.
_FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INVISIBLE = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\u2060\ufeff")  # joiners stay: Persian and emoji need them
_BIDI = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_LOOKS_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters by category, drawn as nothing
_DROPPED = frozenset({"Cs", "Cn", "Co"})
_BLANKS = frozenset({"Cc", "Zs", "Zl", "Zp"})
_UNSEEN = re.compile(f"[{''.join(_INVISIBLE | _BIDI)}]+")
_BLANK_LOOKING = re.compile(f"[{''.join(_LOOKS_BLANK)}]")
_HEAP = re.compile(r"([\u0300-\u036f]{6})[\u0300-\u036f]+")  # accents on one letter: more are a prank
_FEW = 8
_STAR_OF_GENDER = re.compile(r"(?<=[^\W\d_]{2})\*(?=(?:in|innen|r|n|e|rin)\b)")  # Leiter*in
_BLACKENED = re.compile("[•●■█▓▒░]{2}")  # one alone parts two titles
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_BREAK = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|td|table|h[1-6]|hr)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:a|b|i|u|s|em|strong|span|font|small|sub|sup|img|code)\b[^<>]*>", re.IGNORECASE)


def clean(text: str) -> str:
    """Returns ``text`` in NFC without control, bidi and invisible characters, blanks collapsed and trimmed."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = _HEAP.sub(r"\1", text)
    odd = {sign: new for sign in set(kept) if (new := _instead(sign)) is not None}
    if len(odd) > _FEW:
        kept = kept.translate({ord(sign): new for sign, new in odd.items()})
    else:
        for sign, new in odd.items():  # much faster if they are few, as they are in anything but noise
            kept = kept.replace(sign, new)
    return " ".join((kept if unicodedata.is_normalized("NFC", kept) else unicodedata.normalize("NFC", kept)).split())


def _instead(sign: str) -> str | None:
    """Returns the replacement of a sign that is not kept as it is."""
    if sign in _BIDI or sign in _INVISIBLE:
        return ""
    category = unicodedata.category(sign)
    if category in _DROPPED:
        return ""
    return " " if category in _BLANKS or sign in _LOOKS_BLANK else None


def visible(text: str) -> str:
    """Returns ``text`` without invisible characters; unlike ``clean`` it keeps unknown ones."""
    return text if text.isascii() else _BLANK_LOOKING.sub(" ", _UNSEEN.sub("", text))


def plain(text: str) -> str:
    """Returns ``text`` as a browser would show it, cleaned: HTML entities decoded, tags gone."""
    if "&" not in text and "<" not in text:
        return clean(text)
    shown = unescape(_TAG.sub("", _BREAK.sub(" ", text)))
    return clean(shown)


def unescape(text: str) -> str:
    """Decodes complete HTML entities, also those encoded twice; ``AT&T`` and ``&copy`` without ``;`` stay."""
    for _ in range(2):
        signs = {entity: html.unescape(entity) for entity in set(_ENTITY.findall(text))} if "&" in text else {}
        if not signs:
            break
        text = _replaced(text, signs)
    return text


def _replaced(text: str, signs: Mapping[str, str]) -> str:
    return _ENTITY.sub(lambda found: signs[found[0]], text)


def is_formula(text: str) -> bool:
    """Tells whether a spreadsheet might read ``text`` as a formula once it is exported; some skip blanks before it."""
    return text.startswith(_FORMULA_STARTERS) or visible(text).lstrip().startswith(_FORMULA_STARTERS)


def cut(text: str, length: int) -> str:
    """Returns ``text`` cut to ``length`` characters, at a near blank, never inside a letter with its marks."""
    if length <= 0 or len(text) <= length:
        return text
    end = length
    while end and unicodedata.combining(text[end]):
        end -= 1
    head = text[:end]
    blank = head.rfind(" ")
    return (head[:blank] if not text[end].isspace() and blank >= length * 3 // 4 else head).rstrip(" ,;-|/&")


def is_masked(text: str) -> bool:
    """Tells whether a provider hides part of the value: such values do not exist for us."""
    return "*" in _STAR_OF_GENDER.sub("", text) or _BLACKENED.search(text) is not None
