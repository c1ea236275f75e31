"""Reads record ids: 15 characters whose case counts, or 18 whose last three encode the case. Here always 18.

Source: Salesforce's object reference on the ID field type, read 2026-11-20.
"""

from __future__ import annotations

import hmac

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(text: str) -> str:
    """Returns the 18-character form of an id.

    If 18 characters have no capital, the case is read from the last three: that is their purpose.

    Raises:
        ValueError: it is not an id, or its last three characters do not fit the others; the message says which.
    """
    id = text.strip()
    if len(id) not in {15, 18} or not (id.isascii() and id.isalnum()):
        raise ValueError("is not a Salesforce id. Use its 15 or 18 letters and digits")
    short, suffix = id[:15], id[15:]
    if suffix and id == id.lower():
        short, suffix = _cased(short, suffix.upper()), suffix.upper()
    if suffix not in {"", _suffix(short)}:
        raise ValueError("is not a Salesforce id: its last three characters do not fit the others. Copy it anew")
    return short + _suffix(short)


def known_id(text: str) -> str:
    """Returns the 18-character form, ``""`` if it is not an id."""
    try:
        return long_id(text)
    except ValueError:
        return ""


def is_id(text: str) -> bool:
    return known_id(text) != ""


def same_id(one: str, other: str) -> bool:
    """Tells whether two ids, of 15 or 18 characters each, are one."""
    known = known_id(one)
    return known != "" and hmac.compare_digest(known, known_id(other))


def _suffix(short: str) -> str:
    groups = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(_SUFFIX[sum(1 << place for place, sign in enumerate(group) if sign.isupper())] for group in groups)


def _cased(short: str, suffix: str) -> str:
    """Returns ``short`` with the capitals that its suffix encodes; unchanged if that is not a suffix."""
    if not set(suffix) <= set(_SUFFIX):
        return short
    capital = [bool(_SUFFIX.index(suffix[place // 5]) >> place % 5 & 1) for place in range(15)]
    return "".join(sign.upper() if is_capital else sign for sign, is_capital in zip(short, capital, strict=True))
