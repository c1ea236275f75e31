"""Recognises placeholders for a name: they name nobody, and nobody is looked up by them."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum, auto
from functools import lru_cache

from worker.decide.values.blanks import are_initials, is_template, says_nothing
from worker.decide.values.names.words import texts, word
from worker.decide.values.text import plain as shown
from worker.decide.values.words import name_words
from worker.decide.values.words import words as word_set

_LONGEST = 80  # characters; a longer text is read as a name if it has a letter
_DOUBTFUL = word_set(
    "na nan null nil nul no ka ime anon lead foo blank guest todo last test tester fake yok noone kunde leer"
    " sales void brak keine ingen ref empty herr frau herrn user"
)
_OF_COMPANIES = word_set(  # nobody's name if they occur together, or with a placeholder
    "main general sales billing hr it service services dept desk manager director head owner account customer support"
    " human resources shipping receiving operations finance accounting facility facilities front back group inbox"
    " central payable receivable payables receivables officer assistant office invoice invoices orders order new old"
    " primary secondary default generic company employee staff member supervisor coordinator buyer purchasing"
    " management geehrte geehrter sehr und and the of our kundenservice kundendienst bestellung bestellungen rechnung"
    " rechnungen clientele client clients atencion al cliente clientes ufficio acquisti vendite amministrazione"
)
_LEGAL_FORMS = word_set(
    "gmbh mbh ltd llc inc corp plc sarl eurl kft ohg kg ооо оао зао тов 株式会社 有限会社 有限公司 주식회사"
)
_BESIDE_A_NAME = re.compile(r"[(\[{|@,/–—]|\s-\s")  # Ada Example (Acme GmbH)
_OF_MACHINES = word_set("na nan null nil nul ka test")  # doubtful only if somebody wrote them like a name
_ADDRESS = re.compile(r"\S+@\S+\.\S+|(?:https?://|www\.)\S+")


class _Kind(Enum):
    NAME = auto()
    DOUBTFUL = auto()
    NONE = auto()


def is_placeholder(name: str) -> bool:
    """Tells whether a name surely means that there is none: ``Unknown``, ``[not provided]``, ``-``, ``123``."""
    return _kind(name[:_LONGEST]) is _Kind.NONE and len(name) <= _LONGEST


def is_doubtful(name: str) -> bool:
    """Tells whether a name is somebody's and also a common placeholder: ``Na``, ``Null``, ``Lead``.

    It proves nothing and contradicts nothing.
    """
    return len(name) <= _LONGEST and _kind(name) is _Kind.DOUBTFUL


@lru_cache(maxsize=2048)
def _kind(name: str) -> _Kind:
    text = shown(name)
    lower = text.lower()
    if lower in _DOUBTFUL and _is_written_like_a_name(text, lower):
        return _Kind.DOUBTFUL
    if are_initials(text):
        return _Kind.DOUBTFUL if text.isupper() else _Kind.NONE
    if says_nothing(text) or is_template(text):
        return _Kind.NONE
    if _ADDRESS.fullmatch(text):
        return _Kind.NONE
    known = name_words("placeholders")
    found = [lower] if lower.isascii() and lower.isalpha() else [_key(word) for word in texts(text)]
    found = [word for one in found if (word := one.rstrip("0123456789"))] or found
    plain = "".join(found)
    if len(found) > 1 and found[-1] in _LEGAL_FORMS and not _BESIDE_A_NAME.search(text):
        return _Kind.NONE  # a company
    if plain in known or plain in {"x", "xx"} or not any(sign.isalpha() for sign in plain):
        return _Kind.NONE
    if len(plain) > 2 and plain.isascii() and len(set(plain)) == 1:
        return _Kind.NONE
    if len(found) > 1 and (known | _OF_COMPANIES).issuperset(found):
        return _Kind.NONE
    return _Kind.NAME


def _is_written_like_a_name(text: str, lower: str) -> bool:
    return text.istitle() or lower == "lead" or (text.isupper() and lower not in _OF_MACHINES)


def _key(text: str) -> str:
    """Returns a word without accents, in lower case."""
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return word(text).plain
