"""Tells the characters that steer a terminal or a reader's eye, by what Unicode says of them."""

from __future__ import annotations

import unicodedata

_LETTERS = frozenset({0x200C, 0x200D})  # joiners: Persian and Indic names need them
_SEEN = frozenset({*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD})  # format, and visible
_KINDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def steers(character: str) -> bool:
    """Tells whether a character, other than a line's end, may change how others are shown."""
    return unicodedata.category(character) in _KINDS and ord(character) not in _LETTERS | _SEEN | {0x0A}


def steering(text: str) -> list[str]:
    """Returns the characters of a text that do, each once, by name."""
    return sorted({f"U+{ord(one):04X}" for one in text if not one.isprintable() and steers(one)})
