"""Tells where a label of a host mixes alphabets that look alike, as somebody does who imitates another's name.

Follows the "moderately restrictive" level of Unicode's UTS 39: Latin letters stand beside those of one other script,
save the ones that look like them, and beside all that Japanese, Korean and Chinese are written in.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna

_LIKE_LATIN = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"})
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)
_OF_ALL = frozenset({"MODIFIER", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"})  # marks that several scripts share


@lru_cache(maxsize=8192)
def imitates(label: str) -> bool:
    """Tells whether a label, punycode or not, mixes alphabets that look alike: ``acme`` with a Cyrillic ``а``."""
    try:
        shown = idna.decode(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return True  # punycode of what no registry lets anybody have
    scripts = {_script(sign) for sign in shown if unicodedata.category(sign).startswith("L")} - _OF_ALL
    if len(scripts) < 2 or any(scripts <= together for together in _WRITTEN_TOGETHER):
        return False
    return "LATIN" not in scripts or len(scripts) > 2 or not scripts.isdisjoint(_LIKE_LATIN)


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0]
