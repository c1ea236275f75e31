"""Reads a job title: one line of text that says something."""

from __future__ import annotations

from worker.decide.values.blanks import says_nothing
from worker.decide.values.text import is_formula, is_masked, plain


def read(text: str) -> str:
    """Returns the title as a CRM should hold it; ``""`` for placeholders, masks, formulas, addresses and figures."""
    shown = plain(text)
    letters = sum(sign.isalpha() for sign in shown)
    if not letters or (letters == 1 and shown.isascii()) or says_nothing(shown):
        return ""
    if is_masked(shown) or is_formula(shown) or shown.casefold().startswith(("http://", "https://", "www.")):
        return ""
    return "" if " " not in shown and "@" in shown else shown
