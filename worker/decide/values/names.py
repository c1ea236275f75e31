"""Whether two names can be one person's: across accents, case, particles, hyphens, titles and transliteration.

Conservative on purpose: a doubt is a no, because a wrong yes writes somebody else's phone number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from worker.decide.values.blanks import is_no_name
from worker.decide.values.text import clean


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ADDED = _set(
    """
    jr sr junior senior ii iii iv phd mba msc bsc ma ba bba llm llb jd md dds dvm cpa cfa cfp pmp esq rn pe dr
    drs prof mr mrs ms miss mx sir dame ir ing dipl mag
    """
)
_PARTICLES = _set(
    """
    van von vom der den de des del della degli di da das do dos du la le las los lo el al ul bin ibn bint ben
    abu ter ten te zu zum zur af av y e i und st san santa op het in
    """
)
_LEADING = _PARTICLES - {"i", "e", "y", "in", "st"}  # what can start a last name
_BRACKETS = re.compile(r"[(\[{（]([^)\]}）]*)[)\]}）]?")
_BORN_WORD = re.compile(r"^(?:née|nee|geb\.?|geborene|born|roz\.?|ur\.)\s+", re.IGNORECASE)
_BORN = re.compile(r"(?<=\s)(?:née|nee|geb\.?|geborene|born|roz\.?|ur\.)\s+.+$", re.IGNORECASE)
_TRAILER = re.compile(r"\s*(?:[,|/•·–—]|\s-\s).*$")  # what people add to a full name: degrees, slogans
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘`´ʼʻ′", ""))
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ə": "a", "ħ": "h"}
)
_WRITTEN_OUT = str.maketrans(  # how people write these letters where the keyboard lacks them
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "œ": "oe", "ō": "ou", "ū": "uu", "ñ": "nn", "þ": "th"}
)


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of a name in every spelling we take for the same."""

    plain: str
    forms: frozenset[str]

    def like(self, other: _Word) -> bool:
        return not self.forms.isdisjoint(other.forms)


@lru_cache(maxsize=8192)
def _word(text: str) -> _Word:
    folded = unicodedata.normalize("NFC", text.lower().replace("i̇", "i"))
    stripped = "".join(
        sign for sign in unicodedata.normalize("NFKD", folded.translate(_LETTERS)) if not unicodedata.combining(sign)
    )
    plain = anyascii(stripped).lower().replace(" ", "").replace("'", "")
    forms = {plain}
    written = folded.translate(_WRITTEN_OUT)
    if written != folded:
        forms.add(_ascii(written))
    if "ß" in folded:
        forms.add(_ascii(folded.replace("ß", "s")))
    return _Word(plain, frozenset(forms - {""}))


def _ascii(text: str) -> str:
    stripped = "".join(
        sign for sign in unicodedata.normalize("NFKD", text.translate(_LETTERS)) if not unicodedata.combining(sign)
    )
    return anyascii(stripped).lower()


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign).startswith("M")  # vowels of Indian scripts are marks


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[_Word, ...]:
    """The words of a name without titles and degrees."""
    plain = "".join(sign if _is_letter(sign) else " " for sign in clean(text).translate(_APOSTROPHES))
    words = tuple(word for found in plain.split() if (word := _word(found)).forms)
    return tuple(word for word in words if word.plain not in _ADDED) or words  # Ma is a name, too


@lru_cache(maxsize=8192)
def _parts(name: str) -> tuple[tuple[_Word, ...], tuple[tuple[_Word, ...], ...]]:
    """A name, and what stands beside it as a maiden name: ``"Smith (Jones)"``, ``"Smith née Jones"``."""
    plain = clean(name)
    beside = _BRACKETS.findall(plain)
    rest = _BRACKETS.sub(" ", plain)
    born = _BORN.search(rest)
    if born:
        beside.append(born[0])
        rest = rest[: born.start()]
    maiden = (_words(_BORN_WORD.sub("", text.strip())) for text in beside)
    return _words(rest), tuple(words for words in maiden if words)


def _pairs(one: str, other: str) -> Iterator[tuple[tuple[_Word, ...], tuple[_Word, ...]]]:
    """What may be compared: the names, and each with what stands beside the other.

    Never two of the latter: ``(MBA)`` or ``(she/her)`` beside both names says nothing.
    """
    (first, first_beside), (second, second_beside) = _parts(one), _parts(other)
    yield first, second
    yield from ((first, beside) for beside in second_beside)
    yield from ((beside, second) for beside in first_beside)


def _core(words: tuple[_Word, ...]) -> tuple[_Word, ...]:
    """Without particles and initials, unless nothing else is there."""
    kept = tuple(word for word in words if word.plain not in _PARTICLES and len(word.plain) > 1)
    return kept or words


def _equal(one: tuple[_Word, ...], other: tuple[_Word, ...]) -> bool:
    return len(one) == len(other) and all(left.like(right) for left, right in zip(one, other, strict=True))


def _joined(one: tuple[_Word, ...], other: tuple[_Word, ...]) -> bool:
    """Whether both are the same letters, written apart or together: ``Mac Gregor``, ``Vandenberg``."""
    return not _spellings(one).isdisjoint(_spellings(other))


def _spellings(words: tuple[_Word, ...]) -> set[str]:
    spelled = {""}
    for word in words[:6]:
        spelled = {head + form for head in spelled for form in word.forms}
    return spelled


def _part_of(short: tuple[_Word, ...], long: tuple[_Word, ...]) -> bool:
    """Whether a double name's first or last part is all of the other: ``García`` of ``García Lorente``."""
    if not short or len(short) >= len(long) or max(len(word.plain) for word in short) < 2:
        return False
    return _equal(short, long[: len(short)]) or _equal(short, long[-len(short) :])


def _same_last(one: tuple[_Word, ...], other: tuple[_Word, ...]) -> bool:
    first, second = _core(one), _core(other)
    if all(len(word.plain) < 2 for word in first) or all(len(word.plain) < 2 for word in second):
        return _equal(one, other) and not all(word.plain.isascii() for word in one)
    return (
        _equal(first, second)
        or _joined(one, other)
        or _joined(first, second)
        or _part_of(first, second)
        or _part_of(second, first)
    )


def same_last_name(one: str, other: str) -> bool:
    """Whether two last names can be one person's. A blank one or a bare initial proves nothing: ``False``."""
    return any(left and right and _same_last(left, right) for left, right in _pairs(one, other))


def _same_first(one: tuple[_Word, ...], other: tuple[_Word, ...]) -> bool:
    if not one or not other:
        return False
    if _joined(one, other):
        return True
    shorter, longer = sorted((one, other), key=len)
    return all(_same_given(left, right) for left, right in zip(shorter, longer, strict=False))


def _same_given(one: _Word, other: _Word) -> bool:
    initial, name = sorted((one.plain, other.plain), key=len)
    return one.like(other) or (len(initial) == 1 and name.startswith(initial))


def same_first_name(one: str, other: str) -> bool:
    """Whether two first names can be one person's: equal words, an initial, or one the beginning of the other."""
    first, second = _words(one), _words(other)
    if _same_first(first, second):
        return True
    shorter, longer = sorted((first[0].plain, second[0].plain), key=len) if first and second else ("", "")
    return len(shorter) > 2 and longer.startswith(shorter)


def same_person_name(first: str, last: str, other_first: str, other_last: str) -> bool:
    """Whether first and last name both agree; an initial may stand for a first name, and the two may be swapped."""
    given, other_given = _words(first), _words(other_first)
    if same_last_name(last, other_last) and _same_first(given, other_given):
        return True
    return bool(given and other_given) and _equal(given, _words(other_last)) and _equal(_words(last), other_given)


def split(full: str) -> tuple[str, str]:
    """A full name as (first, last), the particles with the last name; one word alone is no last name."""
    plain = _BRACKETS.sub(" ", clean(full))
    head = [word for word in _TRAILER.sub("", plain).split() if not _is_added(word)]
    turned = plain.partition(",")[2].split()
    if len(head) == 1 and len(turned) == 1 and not _is_added(turned[0]):
        return turned[0], head[0]  # "Example, Ada"
    if len(head) < 2:
        return " ".join(head), ""
    start = len(head) - 1
    while start > 1 and _words(head[start - 1])[0].plain in _LEADING:
        start -= 1
    return " ".join(head[:start]), " ".join(head[start:])


def _is_added(word: str) -> bool:
    return all(found.plain in _ADDED for found in _words(word))


def carries(last: str, full: str, first: str = "") -> bool:
    """Whether a full name ends in ``last``, or starts with it and goes on with ``first``: ``Tanaka Kenji``."""
    given = _words(first)
    for text in dict.fromkeys((full, _TRAILER.sub("", full))):
        for name, words in _pairs(last, text):
            beside = words in _parts(text)[1]
            ends = (words,) if beside else tuple(words[start:] for start in range(1, len(words)))
            if name and any(end and _same_last(name, end) for end in ends):
                return True
            if name and given and _equal(name, words[: len(name)]) and _equal(given, words[len(name) :]):
                return True
    return False


def is_placeholder(name: str) -> bool:
    """Whether a name only says that there is none: ``Unknown``, ``[not provided]``, ``-``."""
    return is_no_name(name)
