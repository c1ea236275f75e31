"""Spells Hangul in Latin letters.

Revised romanisation, McCune-Reischauer, and the forms that families chose for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import product

from worker.decide.values.names.schemes.spelling import LONGEST, ends, simple, spellings
from worker.decide.values.names.verdict import Verdict
from worker.decide.values.words import name_lines

_INITIALS = spellings("""
    ㄱ:g|k ㄲ:k|g ㄴ:n ㄷ:d|t ㄸ:t|d ㄹ:r|l|rh ㅁ:m ㅂ:b|p ㅃ:p|b ㅅ:s|sh ㅆ:s ㅇ: ㅈ:j|ch|z ㅉ:j|ch ㅊ:ch
    ㅋ:k ㅌ:t ㅍ:p|ph ㅎ:h
    """)
_VOWELS = spellings("""
    ㅏ:a|ah ㅐ:ae|ai|e|ay ㅑ:ya|ia ㅒ:yae ㅓ:eo|u|uh ㅔ:e|eh|ey ㅕ:yeo|you|yu ㅖ:ye|yeh ㅗ:o|oh ㅘ:wa ㅙ:wae|wai
    ㅚ:oe|oi|we|oy|wae ㅛ:yo ㅜ:u|oo|woo|wu|ou ㅝ:wo|weo|won ㅞ:we ㅟ:wi|ui|wee|wie|ui ㅠ:yu|yoo|you|iu ㅡ:eu|u|oo
    ㅢ:ui|eui|ee|i|hee ㅣ:i|ee|yi|ie|y
    """)
_FINALS = spellings("""
    -: ㄱ:k|g|c|ck ㄲ:k|g ㄳ:k|ks ㄴ:n ㄵ:n ㄶ:n ㄷ:t|d ㄹ:l|r ㄺ:k|l|lk ㄻ:m|lm ㄼ:l ㄽ:l ㄾ:l ㄿ:l ㅀ:l ㅁ:m ㅂ:p|b
    ㅄ:p ㅅ:t|s|d ㅆ:t|s ㅇ:ng ㅈ:t|j ㅊ:t|ch ㅋ:k ㅌ:t ㅍ:p|b ㅎ:t|h|
    """)
_BY_PLACE = tuple(tuple(ways.split("|") for ways in part.values()) for part in (_INITIALS, _VOWELS, _FINALS))
_SYLLABLE = (
    "(?:kk|tt|pp|ss|jj|ch|sh|ph|rh|[gkndtrlmbpsjzh])?"
    "(?:yeo|yae|you|yoo|yu|ya|ye|yo|wae|wo+|wa|wee|we|wi|eui|eu|eo|ee|ae|ai|ay|oe|oi|oo|ou|oh|ah|uh|ui|ia|[aeiou])"
    "(?:ng|ck|lk|[gkntlrmpbs])?"
)
_SHORT = 3  # letters of a sound that too many names share when its vowel is not sure
_KOREAN = re.compile(f"(?:{_SYLLABLE}){{1,3}}")


@cache
def _families() -> Mapping[str, tuple[str, ...]]:
    return {name: tuple(forms) for name, *forms in name_lines("korean_last")}


@cache
def _family_forms() -> frozenset[str]:
    return frozenset(form for forms in _families().values() for form in forms)


def family(name: str) -> int:
    """Tells how many syllables of a whole name are the family name; 0 if unknown."""
    return next((size for size in (2, 1) if len(name) > size and name[:size] in _families()), 0)


def family_spellings(native: str) -> tuple[str, ...]:
    """Returns the forms that a common family chose for itself; none of another word."""
    return _families().get(native, ())


def is_latin_family(latin: str) -> bool:
    """Tells whether a Latin word is a form that a common family uses."""
    return latin in _family_forms()


@lru_cache(maxsize=2048)
def may_be_one_family(one: str, other: str) -> bool:
    """Tells whether two Latin words are forms of one family name: ``park``, ``bak``; ``lee``, ``yi``."""
    return any(one in forms and other in forms for forms in _families().values())


def is_family(native: str) -> bool:
    return native in _families()


@lru_cache(maxsize=2048)
def _spellings(syllable: str) -> tuple[str, ...]:
    code = ord(syllable) - 0xAC00
    if not 0 <= code < 19 * 21 * 28:
        return ()
    places = (code // 588, code % 588 // 28, code % 28)
    ways = product(*(part[place] for part, place in zip(_BY_PLACE, places, strict=True)))
    return tuple({simple("".join(way)) for way in ways})


def spells(native: str, latin: str) -> bool:
    """Tells whether ``latin`` can be a family's or a given name in Hangul."""
    if len(native) > LONGEST or len(latin) > 2 * LONGEST:
        return False
    if latin in _families().get(native, ()):
        return True
    word, places = simple(latin), {0}
    for syllable in native:
        places = ends(word, _spellings(syllable), places)
    return len(word) in places


@lru_cache(maxsize=2048)
def is_korean(latin: str) -> bool:
    """Tells whether a Latin word could be a Korean name at all: of another one, that tells Park from Kim."""
    return len(latin) <= LONGEST and (latin in _family_forms() or _KOREAN.fullmatch(latin) is not None)


def begins(native: str, letter: str) -> bool:
    """Tells whether a spelling of ``native`` can begin with ``letter``."""
    ways = (*_families().get(native, ()), *_spellings(native[0]))
    return any(way.startswith(letter) for way in ways)


def default(native: str) -> str:
    """Returns a Latin spelling in use, for looking the name up."""
    return "".join(min(_spellings(syllable), default="") for syllable in native[:LONGEST])


_WAYS = tuple(  # of one sound, as passports and the official scheme write it; nothing else is written so
    (re.compile(pattern), plain)
    for pattern, plain in (
        ("k", "g"), ("hyun", "hyeon"), ("young", "yeong"), ("gyung", "gyeong"), ("chul", "cheol"), ("w?oo", "u"),
        ("h(?:ee|eui|ui)", "hi"), ("ee", "i"), ("weon", "won"), ("(?<=[aeiou])e?ui$", "i"), ("sh(?=i)", "s"),
    )
)  # fmt: skip
_VOWELS_OF_U = re.compile("eo|eu|yeo|you|ou")


@lru_cache(maxsize=2048)
def _sound(latin: str) -> str:
    for pattern, plain in _WAYS:
        latin = pattern.sub(plain, latin)
    return latin


def compare_given(one: str, other: str) -> Verdict:
    """Compares two Latin spellings of given names: ``Seunghyun``, ``Seunghyeon``.

    ``Jung`` is 정 or 중, of which one is spelled ``Jeong``: it may be the same name.
    """
    first, second = _sound(one), _sound(other)
    if first == second:
        return Verdict.SAME
    same = _VOWELS_OF_U.sub("u", first) == _VOWELS_OF_U.sub("u", second)
    return Verdict.UNSAID if same and len(first) > _SHORT else Verdict.OTHER


def is_surely_korean(latin: str) -> bool:
    """Tells whether a given name has what names from elsewhere lack: ``Hyun``, ``Yeong``."""
    return re.search("[jhg]y[eu]|yeo|young|eo|eui|kyu|woo", latin) is not None


_SOUNDS = {"리": "이", "림": "임", "류": "유", "라": "나", "로": "노", "량": "양", "려": "여", "룡": "용", "렴": "염"}


def folded(native: str) -> str:
    """Returns a name as both halves of Korea write it: 리 and 이 are one family name."""
    return _SOUNDS.get(native[:1], native[:1]) + native[1:]
