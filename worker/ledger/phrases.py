"""Keeps JSON texts short in Redis: a phrase that most of them have in common is one byte.

JSON escapes control characters, so none stands in a text, and each may stand for a phrase. The values themselves stay
as they are: a search for what is kept of somebody finds them. Texts of versions before hold no control characters and
are read as they stand.
"""

from __future__ import annotations


class Phrases:
    """Shortens texts by phrases, by position: what is kept was written with them.

    Append new ones, and never change, move or take one out. A longer phrase comes before those that it contains.
    """

    def __init__(self, *phrases: str) -> None:
        self._tokens = tuple(zip(map(chr, range(1, 1 + len(phrases))), phrases, strict=True))

    def packed(self, text: str) -> str:
        """Returns the form of a text that the ledger keeps."""
        for token, phrase in self._tokens:
            text = text.replace(phrase, token)
        return text

    def unpacked(self, kept: str) -> str:
        """Returns a text from the form that the ledger keeps."""
        for token, phrase in self._tokens:
            kept = kept.replace(token, phrase)
        return kept
