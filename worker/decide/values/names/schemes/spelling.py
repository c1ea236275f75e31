"""Tells whether a Latin word can be how a word of another script is spelled, by a table of that script's spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

LONGEST = 48  # letters of one word; longer words are not compared
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
_DOUBLED = re.compile(r"(sh|ch|th|kh|dh|ph|gh|zh|ts|[bcdfghjklmnpqrstvwxyz])\1+")


@lru_cache(maxsize=2048)
def simple(latin: str) -> str:
    """Returns a Latin word with each doubled consonant written once: no two schemes agree on those."""
    return _DOUBLED.sub(r"\1", latin)


def ends(latin: str, ways: Iterable[str], places: Iterable[int]) -> set[int]:
    """Returns where one of ``ways`` ends in a simple word, begun at ``places``.

    A consonant that is there already counts.
    """
    found = set()
    for place in places:
        before = latin[place - 1 : place]
        for way in ways:
            if latin.startswith(way, place):
                found.add(place + len(way))
            if before and way[:1] == before and before in _CONSONANTS and latin.startswith(way[1:], place):
                found.add(place + len(way) - 1)
    return found


def spellings(pairs: str) -> dict[str, str]:
    """Reads lines of ``letters:spelling|spelling``, separated by blanks."""
    return dict(pair.split(":") for pair in pairs.split())


def followed(known: Mapping[str, str], vowels: str) -> dict[str, str]:
    """Returns the spellings of consonants, each with each of the vowels after it."""
    return {
        unit: "|".join(way + vowel for vowel in vowels.split("|") for way in latin.split("|"))
        for unit, latin in known.items()
    }


class SpellingTable:
    """Lists the spellings of each letter or group of letters.

    ``^`` means the word's beginning, ``$`` its end.

    ``known`` tells the Latin spellings, separated by ``|``; a blank one may be left out in writing.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._units: dict[str, tuple[str, ...]] = {"^": ("",), "$": ("",)}
        for unit, latin in known.items():
            self._units[unit] = tuple(dict.fromkeys(simple(spelling) for spelling in latin.split("|")))
        self._sizes: dict[str, tuple[int, ...]] = {}
        for unit in self._units:
            self._sizes[unit[0]] = tuple(sorted({*self._sizes.get(unit[0], ()), len(unit)}, reverse=True))

    def reach(self, native: str, latin: str, starts: Iterable[int] = (0,)) -> set[int]:
        """Returns where in ``latin`` a spelling of ``native`` can end that begins at one of ``starts``."""
        at: list[set[int]] = [set() for _ in range(len(native) + 1)]
        at[0].update(starts)
        for index, places in enumerate(at):
            for size in self._sizes.get(native[index : index + 1], ()) if places else ():
                ways = self._units.get(native[index : index + size])
                if ways and index + size <= len(native):
                    at[index + size] |= ends(latin, ways, places)
        return at[-1]

    def spells(self, native: str, latin: str) -> bool:
        """Tells whether ``latin`` can be ``native``."""
        if len(native) > LONGEST or len(latin) > 2 * LONGEST:
            return False
        word = simple(latin)
        return len(word) in self.reach(f"^{native}$", word)

    def begins(self, native: str, letter: str) -> bool:
        """Tells whether a spelling of ``native`` can begin with ``letter``."""
        units = (word[:size] for word in (f"^{native}", native) for size in self._sizes.get(word[:1], ()))
        return any(way.startswith(letter) for unit in units for way in self._units.get(unit, ()))

    def default(self, native: str) -> str:
        """Returns the first spelling of each unit, longest units first; ``""`` if a letter is in no unit."""
        word, index, spelled = f"^{native}$", 0, []
        while index < len(word):
            sizes = self._sizes.get(word[index], ())
            unit = next((unit for size in sizes if (unit := word[index : index + size]) in self._units), "")
            if not unit:
                return ""
            spelled.append(self._units[unit][0])
            index += len(unit)
        return "".join(spelled)


_SOUNDS = re.compile(r"shch|tsch|tch|sch|sh|ch|zh|dz|ts|tz|kh|gh|ph|th|[a-z]")
_CLASS = {
    **dict.fromkeys(("shch", "tsch", "tch", "sch", "sh", "ch", "zh", "dz", "ts", "tz", "s", "z", "c", "j", "x"), "s"),
    **dict.fromkeys(("kh", "gh", "h", "g", "k", "q"), "k"),
    **dict.fromkeys(("v", "w", "f", "ph", "b", "p"), "p"),
    **dict.fromkeys(("th", "t", "d"), "t"),
    **{sound: sound for sound in "lmnr"},
}


@lru_cache(maxsize=2048)
def skeleton(latin: str) -> str:
    """Returns the consonants of a Latin word by their place of articulation."""
    return "".join(_CLASS.get(sound, "") for sound in _SOUNDS.findall(simple(latin)[:LONGEST]))


@lru_cache(maxsize=2048)
def begin_apart(one: str, other: str) -> bool:
    """Tells whether two words begin with consonants that no two schemes write for one letter: ``P`` and ``S``."""
    kinds = {_CLASS.get(found[0], "") for word in (one, other) if (found := _SOUNDS.match(word))}
    return len(kinds) > 1 and "" not in kinds


def far_apart(one: str, other: str, part: float = 0.4) -> bool:
    """Tells whether two words differ in ``part`` of their consonants or more: no choice of scheme explains that."""
    first, second = skeleton(one), skeleton(other)
    return _distance(first, second) >= part * max(len(first), len(second)) > 0


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for index, sign in enumerate(one, 1):
        before, row[0] = row[0], index
        for place, against in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (sign != against))
    return row[-1]
