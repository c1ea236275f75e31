"""Tells whether two Latin spellings come from one name in another script, which each system spells in its own way."""

from __future__ import annotations

import re
from functools import lru_cache

from worker.decide.values.names.schemes import japanese, korean
from worker.decide.values.names.schemes.spelling import simple
from worker.decide.values.names.verdict import Verdict

_SLAVIC = re.compile(r"(?:[oe][vw]a?|[oe]ff?|ina?|[sc]k[iyj]+|skaya|enko|[cuy]+k|[iy]a[nk]|ich|yk|ets|ovic|evic)$")
_AS_ONE = tuple(
    (re.compile(pattern), plain)
    for pattern, plain in (
        (r"ff$", "v"), (r"w", "v"), (r"x", "ks"), (r"kh", "h"), (r"shch|schtsch|sch|sh", "s"), (r"tsch|tch|ch", "c"),
        (r"zh", "z"), (r"tz", "ts"), (r"ou", "u"), (r"yo|jo|io", "e"), (r"[ijy]+", "i"), (r"ie", "e"), (r"^ie", "e"),
    )
)  # fmt: skip
_LONG_VOWEL = re.compile(r"(?<=o)[uoh](?![aeiou])|(?<=u)u")
_LONG_END = re.compile(r"(?<=o)[uh]$")


def compare_families(one: str, other: str) -> Verdict:
    """Compares family names as spellings of Cyrillic or Armenian, ``Alekseev``, ``Alexeyev``, or of kana, ``Satoh``."""
    if one.startswith("m") and _of_a_son(one) == _of_a_son(other) != "":
        return Verdict.UNSAID
    if (slavic := _slavic(one)) and slavic == _slavic(other):
        return Verdict.SAME
    if one[0] != other[0] or not (japanese.is_romaji(one) and japanese.is_romaji(other)):
        return Verdict.OTHER
    if _LONG_END.sub("", one) == _LONG_END.sub("", other):
        return Verdict.SAME
    return Verdict.UNSAID if _LONG_VOWEL.sub("", one) == _LONG_VOWEL.sub("", other) else Verdict.OTHER  # Ono, Ohno


def _of_a_son(word: str) -> str:
    """Returns a name after ``Mc`` or ``Mac``, which clerks wrote as they pleased; ``""`` for another."""
    rest = word.removeprefix("mac") if word.startswith("mac") else word.removeprefix("mc")
    return rest if rest != word and len(rest) > 3 else ""


@lru_cache(maxsize=2048)
def _slavic(word: str) -> str:
    """Returns a family name that ends like one of Eastern Europe, as all systems agree on it; ``""`` for another."""
    if len(word) < 4 or not _SLAVIC.search(word):
        return ""
    for pattern, plain in _AS_ONE:
        word = pattern.sub(plain, word)
    return simple(word)


def same_given(one: str, other: str) -> bool:
    """Tells whether two given names are one in kana or Hangul: ``Kouji``, ``Koji``; ``Jihoon``, ``Jihun``."""
    if one[0] != other[0]:
        return False
    if japanese.is_romaji(one) and japanese.is_romaji(other) and _LONG_VOWEL.sub("", one) == _LONG_VOWEL.sub("", other):
        return True
    if korean.is_korean(one) and korean.is_korean(other):
        return one.replace("oo", "u").replace("ee", "i") == other.replace("oo", "u").replace("ee", "i")
    return False
