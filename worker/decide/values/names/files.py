"""Reads the lists of readings of East Asian names, each when the first name needs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from worker.decide.values.words import name_lines


@cache
def mandarin() -> Mapping[str, tuple[str, ...]]:
    """Returns Pinyin by character, the usual one first."""
    return _by_word("mandarin", signs=True)


@cache
def cantonese() -> Mapping[str, tuple[str, ...]]:
    """Returns Jyutping by character, the usual one first."""
    return _by_word("cantonese", signs=True)


@cache
def japanese_last() -> Mapping[str, tuple[str, ...]]:
    """Returns Hiragana by family name."""
    return _by_word("japanese_last", signs=False)


@cache
def japanese_families() -> frozenset[str]:
    return frozenset(kana for readings in japanese_last().values() for kana in readings)


@cache
def japanese_first() -> Mapping[str, tuple[str, ...]]:
    """Returns Hiragana by character of a given name."""
    return _by_word("japanese_first", signs=True)


def _by_word(file: str, *, signs: bool) -> Mapping[str, tuple[str, ...]]:
    """Inverts lines of a reading and its characters."""
    found: dict[str, tuple[str, ...]] = {}
    for reading, *words in name_lines(file):
        for word in words[0] if signs else words:
            found[word] = (*found.get(word, ()), reading)
    return found
