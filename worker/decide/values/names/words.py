"""Splits a name into words, each in every spelling that is taken for the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from anyascii import anyascii

from worker.decide.values.names import scripts
from worker.decide.values.names.verdict import Verdict

_MOST_WORDS = 12  # of a field; later ones are not part of the name
_MOST_JOINED = 6  # words whose spellings are combined
_MOST_SIGNS = 64  # of a word
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘`´ʼʻ′ʹ＇׳״", ""))
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d"}
    | {"þ": "th", "ı": "i", "ə": "a", "ħ": "h", "ŋ": "ng"}
)
_WRITTEN_OUT = tuple(  # replacements for these letters on keyboards that lack them
    str.maketrans(dict(pair.split(":") for pair in pairs.split()))
    for pairs in (
        "ä:ae ö:oe ü:ue ø:oe å:aa œ:oe ō:ou ū:uu ñ:nn þ:th đ:dj ð:dh ß:s",
        "å:aa",
        "ō:oh š:sh ş:sh ș:sh ž:zh č:ch ć:ch ç:ch đ:dj å:a",
    )
)
_ASCII_WORDS = re.compile(r"[A-Za-z0-9]+")
_SAINT = {"st": "saint", "ste": "sainte", "sta": "santa"}


class Word(NamedTuple):
    """Holds a word: ``text`` in lower case, ``plain`` and ``forms`` its Latin spellings, none of another script."""

    text: str
    script: str
    plain: str
    forms: frozenset[str]

    @property
    def is_initial(self) -> bool:
        """Tells whether it is one letter that may abbreviate a name; a Chinese or Korean one is a name."""
        return len(self.text) == 1 and self.script not in {"han", "hangul", "kana"}


@lru_cache(maxsize=2048)
def word(text: str) -> Word:
    """Reads one word, given without blanks and signs."""
    if text.isascii():
        plain = text[:_MOST_SIGNS].lower()
        return Word(plain, scripts.LATIN, plain, frozenset({plain, _SAINT.get(plain, plain)}))
    lower = unicodedata.normalize("NFKC", text)[:_MOST_SIGNS].lower().replace("i̇", "i")
    folded = unicodedata.normalize("NFC", lower)
    kind = scripts.script(folded)
    if kind != scripts.LATIN:
        return Word(folded, kind, folded, frozenset())
    plain = _ascii(folded)
    forms = {plain, _SAINT.get(plain, plain)}
    if not folded.isascii():
        forms.update(_ascii(folded.translate(table)) for table in _WRITTEN_OUT)
    return Word(folded, kind, plain, frozenset(forms - {""}))


def _ascii(text: str) -> str:
    translated = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    stripped = "".join(sign for sign in translated if not unicodedata.combining(sign))
    return anyascii(stripped).lower().replace(" ", "").replace("'", "")


def is_letter(sign: str) -> bool:
    """Tells whether a sign is part of a word: a letter, a digit, or a vowel mark of an Indian script."""
    return sign.isalnum() or unicodedata.category(sign).startswith("M")


def texts(text: str) -> list[str]:
    """Returns the words of a text unchanged."""
    if text.isascii():
        return _ASCII_WORDS.findall(text.replace("'", "").replace("`", ""))
    plain = "".join(sign if is_letter(sign) or sign in "\u200c\u200d" else " " for sign in text.translate(_APOSTROPHES))
    return plain.replace("\u200c", "").replace("\u200d", "").split()


@lru_cache(maxsize=2048)
def words(text: str) -> tuple[Word, ...]:
    return tuple(found for one in texts(text)[:_MOST_WORDS] if (found := word(one)).plain)


@lru_cache(maxsize=4096)
def alike(one: Word, other: Word) -> Verdict:
    """Compares two words by their letters alone."""
    if one.script == other.script == scripts.LATIN:
        return Verdict.OTHER if one.forms.isdisjoint(other.forms) else Verdict.SAME
    if scripts.LATIN not in {one.script, other.script}:
        return scripts.compare_native(one.text, one.script, other.text, other.script)
    native, latin = (other, one) if one.script == scripts.LATIN else (one, other)
    verdicts = {scripts.compare(native.text, native.script, form) for form in latin.forms}
    return next((verdict for verdict in (Verdict.SAME, Verdict.UNSAID) if verdict in verdicts), Verdict.OTHER)


@lru_cache(maxsize=2048)
def joined(parts: tuple[Word, ...]) -> Word:
    """Returns some words written together: ``Mac Gregor``, ``Min Su``."""
    if len(parts) == 1:
        return parts[0]
    kinds = {one.script for one in parts}
    text = "".join(one.text for one in parts)
    kind = kinds.pop() if len(kinds) == 1 else scripts.UNKNOWN
    plain = "".join(one.plain for one in parts)
    if kind != scripts.LATIN:
        return Word(text, kind, plain, frozenset())
    ways = product(*(one.forms for one in parts)) if len(parts) <= _MOST_JOINED else ()
    return Word(text, kind, plain, frozenset({plain, *("".join(way) for way in ways)}))


_SYLLABLE = re.compile(
    r"(?:zh|ch|sh|ts|tz|hs|kw|gw|ng|[bpmfdtnlgkhjqxrzcsyw])?(?:iao|ieu|uai|uei|yeo|eui|oeu|[aeiouy]{1,2})(?:ng|[nmkptl])?"
)


@lru_cache(maxsize=2048)
def is_syllable(text: str) -> bool:
    """Tells whether a Latin word can be one syllable of a Chinese, Korean or Vietnamese name."""
    return len(text) <= 6 and _SYLLABLE.fullmatch(text) is not None
