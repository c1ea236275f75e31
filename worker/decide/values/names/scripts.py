"""Tells the script of a word, and which scripts can be compared.

A scheme knows how a word of its script is spelled in Latin letters, and when a Latin word that is no such spelling is
surely another name. Where it is not sure (readings of kanji, vowels that are not written, foreign names), nothing is.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from msgspec import Struct

from worker.decide.values.names import files
from worker.decide.values.names.schemes import (
    caucasus,
    chinese,
    cyrillic,
    greek,
    indic,
    japanese,
    korean,
    semitic,
    thai,
)
from worker.decide.values.names.schemes.spelling import SpellingTable, begin_apart, far_apart
from worker.decide.values.names.verdict import Verdict
from worker.decide.values.words import name_lines

LATIN = "latin"
UNKNOWN = "-"


class Scheme(Struct, frozen=True):
    """Holds a script's rules. ``folded`` makes two writings of one word equal.

    ``apart`` says that a Latin word is surely another name.

    ``begins`` says whether the word can begin with a Latin letter, ``default`` gives one Latin spelling to look up.
    ``exact`` schemes write vowels, so that a spelling that fits is enough.
    """

    folded: Callable[[str], str]
    spells: Callable[[str, str], bool]
    apart: Callable[[str, str], bool]
    begins: Callable[[str, str], bool]
    default: Callable[[str], str]
    exact: bool = True


def _tabled(
    table: Callable[[str], SpellingTable],
    read: Callable[[str], str] = str,
    *,
    folded: Callable[[str], str] | None = None,
    apart: Callable[[str, str], bool] | None = None,
    exact: bool = True,
) -> Scheme:
    """Returns a scheme of tables.

    ``read`` prepares a word for them; another name surely differs in half of its consonants.
    """
    read = lru_cache(maxsize=2048)(read)

    @lru_cache(maxsize=2048)
    def default(native: str) -> str:
        return table(native).default(read(native))

    return Scheme(
        folded=folded or read,
        spells=lambda native, latin: table(native).spells(read(native), latin),
        apart=apart or (lambda native, latin: far_apart(default(native), latin)),
        begins=lambda native, letter: table(native).begins(read(native), letter),
        default=default,
        exact=exact,
    )


def _always(table: SpellingTable) -> Callable[[str], SpellingTable]:
    return lambda _native: table


def _never(_native: str, _latin: str) -> bool:
    return False


def _kanji_or_hanzi_spells(native: str, latin: str) -> bool:
    if chinese.spells(native, latin):
        return True
    known = native in files.japanese_last() or not chinese.is_family(native)
    return known and japanese.kanji_spells(native, latin)


def _kanji_or_hanzi_apart(native: str, latin: str) -> bool:
    """Tells whether a family name with known readings surely is none that the Latin word could be."""
    readings = [japanese.TABLE.default(kana) for kana in files.japanese_last().get(native, ())]
    readings += chinese.family_spellings(native)
    plausible = japanese.is_romaji(latin) or chinese.is_chinese(latin)
    return bool(readings) and plausible and all(far_apart(reading, latin) for reading in readings)


@lru_cache(maxsize=2048)
def _cyrillic_apart(native: str, latin: str) -> bool:
    default = cyrillic.TABLE.default(native)
    return far_apart(default, latin) or (cyrillic.is_family_of_here(native) and begin_apart(default, latin))


_SCHEMES = {
    "cyrillic": _tabled(_always(cyrillic.TABLE), folded=cyrillic.folded, apart=_cyrillic_apart),
    "greek": _tabled(_always(greek.TABLE), greek.folded),
    "armenian": _tabled(_always(caucasus.ARMENIAN)),
    "georgian": _tabled(_always(caucasus.GEORGIAN)),
    "arabic": _tabled(_always(semitic.ARABIC), semitic.arabic, exact=False),
    "hebrew": _tabled(_always(semitic.HEBREW), semitic.hebrew, exact=False),
    "indic": _tabled(indic.table, indic.folded),
    "thai": _tabled(_always(thai.TABLE), thai.folded, apart=_never),
    "kana": _tabled(_always(japanese.TABLE), japanese.folded, apart=lambda _native, latin: japanese.is_romaji(latin)),
    "hangul": Scheme(
        folded=korean.folded,
        spells=korean.spells,
        apart=lambda _native, latin: korean.is_korean(latin),
        begins=korean.begins,
        default=korean.default,
    ),
    "han": Scheme(
        folded=chinese.folded,
        spells=_kanji_or_hanzi_spells,
        apart=_kanji_or_hanzi_apart,
        begins=chinese.begins,
        default=lambda _native: "",
    ),
}
_SURE_INITIALS = frozenset({"cyrillic", "greek", "armenian", "georgian", "hangul", "kana"})
_BLOCKS = """
    41 latin, 250 -, 370 greek, 400 cyrillic, 530 armenian, 590 hebrew, 600 arabic, 700 -, 750 arabic, 780 -,
    900 indic, d80 -, e00 thai, e80 -, 10a0 georgian, 1100 -, 1c80 cyrillic, 1c90 georgian, 1cc0 -, 1d00 latin,
    1f00 greek, 2000 -, 3005 han, 3008 -, 3041 kana, 3100 -, 3400 han, a000 -, ac00 hangul, d7b0 -, f900 han, fb00 -,
    20000 han, 32000 -
"""
_RANGES = [(int(start, 16), name) for start, name in (block.split() for block in _BLOCKS.split(","))]
_STARTS = [start for start, _ in _RANGES]


def script(word: str) -> str:
    """Returns the script of a word.

    ``UNKNOWN`` if there is no scheme for it, or if letters of several are mixed.
    """
    kinds = {_RANGES[max(0, bisect(_STARTS, ord(sign)) - 1)][1] for sign in word if sign.isalpha()}
    if kinds == {"kana", "han"}:
        return "han"
    return kinds.pop() if len(kinds) == 1 else UNKNOWN if kinds else LATIN


@cache
def _usual() -> Mapping[str, frozenset[str]]:
    """Returns common Latin forms by folded name, if no scheme gives them or none gives the vowels."""
    found: dict[str, frozenset[str]] = {}
    for native, *latin in name_lines("usual"):
        key = _SCHEMES[script(native.lower())].folded(native.lower())
        found[key] = found.get(key, frozenset()) | frozenset(latin)
    return found


@cache
def _usual_forms() -> frozenset[str]:
    return frozenset().union(*_usual().values())


def compare(native: str, kind: str, latin: str) -> Verdict:
    """Compares a word of the script ``kind`` with a Latin one, both lower case and in letters only."""
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        return Verdict.UNSAID
    known = _forms_in_use(scheme, native)
    if latin in known:
        return Verdict.SAME
    if scheme.spells(native, latin):
        sure = scheme.exact or (not known and latin not in _usual_forms())
        return Verdict.SAME if sure else Verdict.UNSAID
    if known and not any(far_apart(form, latin) for form in known):
        return Verdict.UNSAID
    return Verdict.OTHER if scheme.apart(native, latin) else Verdict.UNSAID


def is_other_family(native: str, kind: str, latin: str) -> bool:
    """Tells whether a family name of East Asia surely is not a Latin word, since that is a name from elsewhere.

    Spelled in kana or Hangul, a foreign name is not a family name of Japan or Korea. Thai families write their
    names as they like, but not with other consonants.
    """
    if kind == "thai":
        default = thai.TABLE.default(thai.folded(native))
        return bool(default) and far_apart(default, latin, 0.6)
    known: tuple[str, ...]
    if kind == "kana":
        kana = japanese.folded(native)
        known = (japanese.TABLE.default(kana),) if kana in files.japanese_families() else ()
    elif japanese.is_romaji(latin) or chinese.is_chinese(latin) or korean.is_korean(latin):
        return False
    elif kind == "hangul":
        known = korean.family_spellings(native)
    elif kind == "han":
        readings = map(japanese.TABLE.default, files.japanese_last().get(native, ()))
        known = (*readings, *chinese.family_spellings(native))
    else:
        return False
    return bool(known) and all(far_apart(spelling, latin) for spelling in known)


def is_usual(native: str, kind: str, latin: str) -> bool:
    """Tells whether a Latin word is surely a form of ``native``: a listed one, or one whose vowels are written."""
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        return False
    return latin in _forms_in_use(scheme, native) or (scheme.exact and scheme.spells(native, latin))


def compare_native(one: str, kind: str, other: str, other_kind: str) -> Verdict:
    """Compares two words that are both not in Latin letters."""
    if one == other:
        return Verdict.SAME
    if {kind, other_kind} == {"han", "kana"}:
        kanji, kana = (one, other) if kind == "han" else (other, one)
        return Verdict.SAME if japanese.kanji_reads(kanji, japanese.folded(kana)) else Verdict.UNSAID
    scheme = _SCHEMES.get(kind)
    if kind != other_kind or scheme is None:
        return Verdict.UNSAID
    first, second = scheme.folded(one), scheme.folded(other)
    if first == second:
        return Verdict.SAME
    maybe = (kind == "hebrew" and semitic.defective(first) == semitic.defective(second)) or (
        kind == "han" and chinese.sound_alike(first, second)
    )
    return Verdict.UNSAID if maybe else Verdict.OTHER


def begins(native: str, kind: str, letter: str) -> Verdict:
    """Compares a word with a Latin initial."""
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        return Verdict.UNSAID
    if scheme.begins(native, letter) or any(form.startswith(letter) for form in _forms_in_use(scheme, native)):
        return Verdict.SAME
    return Verdict.OTHER if kind in _SURE_INITIALS else Verdict.UNSAID


def spelled(native: str, kind: str) -> frozenset[str]:
    """Returns Latin spellings by which to look a word up; none if no scheme gives one."""
    scheme = _SCHEMES.get(kind)
    if scheme is None:
        return frozenset()
    default = scheme.default(native)
    return _forms_in_use(scheme, native) | ({default} if default else set())


def _forms_in_use(scheme: Scheme, native: str) -> frozenset[str]:
    return _usual().get(scheme.folded(native), frozenset())
