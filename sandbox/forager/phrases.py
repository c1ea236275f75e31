"""Matches Forager's text filters: boolean expressions over words and quoted phrases."""

import re
import unicodedata

_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_OPERATORS = {"AND", "OR", "NOT"}


def folded(text: str) -> str:
    """Returns lower case without marks: the index finds `Jürgen` by `jurgen`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if not unicodedata.combining(mark)).replace("ı", "i").replace("ł", "l")


def is_loose(expression: str) -> bool:
    """Tells whether several words are adjacent without quotes or operator."""
    previous_was_word = False
    for quoted, bare in _TOKEN.findall(expression):
        is_word = not quoted and bare not in _OPERATORS
        if is_word and previous_was_word:
            return True
        previous_was_word = is_word
    return False


def matches(expression: str, text: str) -> bool:
    """Tells whether a text matches: OR of ANDs of phrases, NOT before one; adjacent words must all match."""
    hay = folded(text)
    alternatives: list[list[bool]] = [[]]
    negated = False
    for quoted, bare in _TOKEN.findall(expression):
        if bare == "OR" and not quoted:
            alternatives.append([])
        elif bare == "NOT" and not quoted:
            negated = True
        elif bare != "AND" or quoted:
            present = folded(quoted or bare.strip("()")) in hay
            alternatives[-1].append(present != negated)
            negated = False
    return any(all(terms) for terms in alternatives if terms)
