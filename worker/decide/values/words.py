"""Lists of words in the source, as sets."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Returns the words of ``text``, which blanks part."""
    return frozenset(text.split())


def phrases(text: str) -> frozenset[str]:
    """Returns the phrases of ``text``, which ``|`` and line ends part."""
    return frozenset(found for line in text.splitlines() for one in line.split("|") if (found := one.strip()))
