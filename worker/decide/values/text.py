"""Text that is safe to put into a CRM: nothing invisible, nothing a spreadsheet would run."""

from __future__ import annotations

import unicodedata

_FORMULA_STARTERS = ("=", "+", "-", "@", "\t", "\r")
_INVISIBLE = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\u2060\ufeff")  # joiners stay: Persian and emoji need them
_BIDI = frozenset(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def clean(text: str) -> str:
    """``text`` in NFC without control, bidi and invisible characters, blanks collapsed and trimmed."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept = []
    for sign in unicodedata.normalize("NFC", text):
        if sign in _BIDI or sign in _INVISIBLE:
            continue
        category = unicodedata.category(sign)
        if category in {"Cs", "Cn", "Co"}:
            continue
        kept.append(" " if category in {"Cc", "Zs", "Zl", "Zp"} else sign)
    return " ".join("".join(kept).split())


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would read ``text`` as a formula once it is exported."""
    return text.startswith(_FORMULA_STARTERS)


def cut(text: str, length: int) -> str:
    """``text`` in at most ``length`` characters, at a blank when one is near, never inside a letter with its marks."""
    if length <= 0 or len(text) <= length:
        return text
    end = length
    while end and unicodedata.combining(text[end]):
        end -= 1
    head = text[:end]
    blank = head.rfind(" ")
    return (head[:blank] if not text[end].isspace() and blank >= length * 3 // 4 else head).rstrip(" ,;-|/&")


def is_masked(text: str) -> bool:
    """Whether a provider hides part of the value: such values do not exist for us."""
    return "*" in text
