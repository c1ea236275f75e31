"""Sorts a CRM's refusals of a write by code: each vendor's table first, then what codes are like.

And reads the vendor's own words without personal data. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connectors.errors import CrmWord
from connectors.models import RefusalKind

LONGEST_WORDS = 160
_LIKE: tuple[tuple[str, RefusalKind], ...] = (
    ("DUPLICATE", RefusalKind.DUPLICATE),
    ("CONFLICT", RefusalKind.DUPLICATE),
    ("EXISTS", RefusalKind.DUPLICATE),
    ("UNIQUE", RefusalKind.DUPLICATE),
    ("LOCKED", RefusalKind.ROW),
    ("ARCHIVED", RefusalKind.ROW),
    ("DELETED", RefusalKind.ROW),
    ("MERGED", RefusalKind.ROW),
    ("CONVERTED", RefusalKind.ROW),
    ("INACTIVE", RefusalKind.ROW),
    ("REQUIRED", RefusalKind.RULE),
    ("CONDITION", RefusalKind.RULE),
    ("RULE", RefusalKind.RULE),
    ("PERMISSION", RefusalKind.ACCESS),
    ("ACCESS", RefusalKind.ACCESS),
    ("SCOPE", RefusalKind.ACCESS),
    ("INSUFFICIENT", RefusalKind.ACCESS),
    ("TRANSFER", RefusalKind.ACCESS),
    ("DISABLED", RefusalKind.ACCESS),
    ("NOT_ENABLED", RefusalKind.ACCESS),
    ("USER_TYPE", RefusalKind.ACCESS),
    ("MAINTENANCE", RefusalKind.ORG),
    ("NOT_ALLOWED", RefusalKind.ACCESS),
    ("READ_ONLY", RefusalKind.ACCESS),
    ("READONLY", RefusalKind.ACCESS),
    ("IN_PROGRESS", RefusalKind.ORG),
    ("UNAVAILABLE", RefusalKind.ORG),
    ("LIMIT", RefusalKind.ORG),
    ("EXCEEDED", RefusalKind.ORG),
    ("QUOTA", RefusalKind.ORG),
    ("STORAGE", RefusalKind.ORG),
    ("TIMEOUT", RefusalKind.ORG),
    ("FLOW", RefusalKind.ORG),
    ("TRIGGER", RefusalKind.ORG),
    ("APEX", RefusalKind.ORG),
    ("METERING", RefusalKind.ORG),
    ("TOO_MANY", RefusalKind.ORG),
    ("TOO_LARGE", RefusalKind.ORG),
    ("TOO_LONG", RefusalKind.VALUE),
    ("OUT_OF_RANGE", RefusalKind.VALUE),
    ("OUTSIDE", RefusalKind.VALUE),
    ("INVALID", RefusalKind.VALUE),
)
_SAID: tuple[tuple[str, RefusalKind], ...] = (  # if a code only says that something is wrong
    ("characters", RefusalKind.VALUE),
    ("too long", RefusalKind.VALUE),
    ("allowed options", RefusalKind.VALUE),
    ("locked", RefusalKind.ROW),
    ("approval", RefusalKind.ROW),
    ("inactive", RefusalKind.ROW),
    ("deactivated", RefusalKind.ROW),
    ("already", RefusalKind.DUPLICATE),
    ("duplicate", RefusalKind.DUPLICATE),
    ("permission", RefusalKind.ACCESS),
    ("authorized", RefusalKind.ACCESS),
    ("not allowed", RefusalKind.ACCESS),
    ("read only", RefusalKind.ACCESS),
    ("read-only", RefusalKind.ACCESS),
    ("calculated", RefusalKind.ACCESS),
    ("limit", RefusalKind.ORG),
    ("maximum", RefusalKind.ORG),
    ("exceed", RefusalKind.ORG),
    ("try again", RefusalKind.ORG),
    ("required", RefusalKind.RULE),
    ("not valid", RefusalKind.VALUE),
    ("invalid", RefusalKind.VALUE),
)
_EMAIL = re.compile(r"\S+@\S+")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|„[^“”]*[“”]|\[[^\]]*\]|\{[^}]*\}")
_TOKEN = re.compile(r"(?<![\w.~+/-])(?=[\w.~+/-]*\d)[\w.~+/-]{12,}")  # an id at best, a credential at worst
_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{5,}\d")


def kind_of(code: str, table: Mapping[str, RefusalKind], message: str = "") -> RefusalKind:
    """Returns the kind of ``code``: by the table, else by its own words, else by the ``message``.

    ``RefusalKind.UNKNOWN`` if none of them tells.
    """
    kind = table.get(code) or next((kind for part, kind in _LIKE if part in code.upper()), RefusalKind.UNKNOWN)
    if kind is RefusalKind.UNKNOWN:
        return next((said for part, said in _SAID if part in message.lower()), kind)
    return kind


def word_of(code: str, table: Mapping[str, RefusalKind], message: str) -> CrmWord:
    """Returns the meaning of a refusal without looking at a row of ours."""
    return CrmWord(kind_of(code, table, message), plain_words(message))


def plain_words(message: str, values: Iterable[str] = ()) -> str:
    """Returns a message without addresses, numbers, tokens, quotations and any of ``values``, cut to a line."""
    text = " ".join(message.split())
    for value in sorted({one for one in values if len(one) > 2}, key=len, reverse=True):
        text = re.sub(re.escape(value), "…", text, flags=re.IGNORECASE)
    for pattern in (_QUOTED, _EMAIL, _ADDRESS, _TOKEN, _NUMBER):
        text = pattern.sub("…", text)
    return text[:LONGEST_WORDS].strip()
