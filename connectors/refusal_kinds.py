"""Sorts a CRM's refusals of a write by code: each vendor's table first, then what codes are like.

And reads the vendor's own words without personal data. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from connectors.errors import CrmWord
from connectors.models import RefusalKind

LONGEST_WORDS = 160


def by_word(groups: Iterable[tuple[RefusalKind, Iterable[str]]]) -> dict[str, RefusalKind]:
    """Returns the kind of every word, in the order of the groups."""
    return {word: kind for kind, words in groups for word in words}


_LIKE = by_word((
    (RefusalKind.DUPLICATE, ("DUPLICATE", "CONFLICT", "EXISTS", "UNIQUE")),
    (RefusalKind.ROW, ("LOCKED", "ARCHIVED", "DELETED", "MERGED", "CONVERTED", "INACTIVE")),
    (RefusalKind.RULE, ("REQUIRED", "CONDITION", "RULE")),
    (RefusalKind.ACCESS, (
        "PERMISSION", "ACCESS", "SCOPE", "INSUFFICIENT", "TRANSFER", "DISABLED", "NOT_ENABLED", "USER_TYPE",
    )),
    (RefusalKind.ORG, ("MAINTENANCE",)),
    (RefusalKind.ACCESS, ("NOT_ALLOWED", "READ_ONLY", "READONLY")),
    (RefusalKind.ORG, (
        "IN_PROGRESS", "UNAVAILABLE", "LIMIT", "EXCEEDED", "QUOTA", "STORAGE", "TIMEOUT", "FLOW", "TRIGGER", "APEX",
        "METERING", "TOO_MANY", "TOO_LARGE",
    )),
    (RefusalKind.VALUE, ("TOO_LONG", "OUT_OF_RANGE", "OUTSIDE", "INVALID")),
))  # fmt: skip
_SAID = by_word((  # if a code only says that something is wrong
    (RefusalKind.VALUE, ("characters", "too long", "allowed options")),
    (RefusalKind.ROW, ("locked", "approval", "inactive", "deactivated")),
    (RefusalKind.DUPLICATE, ("already", "duplicate")),
    (RefusalKind.ACCESS, ("permission", "authorized", "not allowed", "read only", "read-only", "calculated")),
    (RefusalKind.ORG, ("limit", "maximum", "exceed", "try again")),
    (RefusalKind.RULE, ("required",)),
    (RefusalKind.VALUE, ("not valid", "invalid")),
))  # fmt: skip
_EMAIL = re.compile(r"\S+@\S+")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|“[^”]*”|„[^“”]*[“”]|\[[^\]]*\]|\{[^}]*\}")
_TOKEN = re.compile(r"(?<![\w.~+/-])(?=[\w.~+/-]*\d)[\w.~+/-]{12,}")  # an id at best, a credential at worst
_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{5,}\d")


def kind_of(code: str, table: Mapping[str, RefusalKind], message: str = "") -> RefusalKind:
    """Returns the kind of ``code``: by the table, else by its own words, else by the ``message``.

    ``RefusalKind.UNKNOWN`` if none of them tells.
    """
    kind = table.get(code) or next((kind for part, kind in _LIKE.items() if part in code.upper()), RefusalKind.UNKNOWN)
    if kind is RefusalKind.UNKNOWN:
        return next((said for part, said in _SAID.items() if part in message.lower()), kind)
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
