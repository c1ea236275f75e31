"""Reads the data files beside the code, each when the first name needs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "data"


def lines(file: str) -> list[list[str]]:
    """The words of each line that is not a comment."""
    text = (_FOLDER / file).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


@cache
def all_words(file: str) -> frozenset[str]:
    """Every word of a file."""
    return frozenset(word for line in lines(file) for word in line)


def listed(words: str) -> frozenset[str]:
    """The words of a text: for code that lists a few itself."""
    return frozenset(words.split())


@cache
def mandarin() -> Mapping[str, tuple[str, ...]]:
    """Pinyin by character, the usual one first."""
    return _by_word("mandarin.txt", signs=True)


@cache
def cantonese() -> Mapping[str, tuple[str, ...]]:
    """Jyutping by character, the usual one first."""
    return _by_word("cantonese.txt", signs=True)


@cache
def japanese_last() -> Mapping[str, tuple[str, ...]]:
    """Hiragana by family name."""
    return _by_word("japanese_last.txt", signs=False)


@cache
def japanese_first() -> Mapping[str, tuple[str, ...]]:
    """Hiragana by character of a given name."""
    return _by_word("japanese_first.txt", signs=True)


def _by_word(file: str, *, signs: bool) -> Mapping[str, tuple[str, ...]]:
    """Turns lines of a reading and what is read so round."""
    found: dict[str, tuple[str, ...]] = {}
    for reading, *words in lines(file):
        for word in words[0] if signs else words:
            found[word] = (*found.get(word, ()), reading)
    return found
