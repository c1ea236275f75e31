"""Groups given names that one person goes by: spellings, sisters in other languages, short forms."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from worker.decide.values.names.verdict import Verdict
from worker.decide.values.words import name_lines, name_words

_SHORT = -1


@cache
def _places() -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Maps each name to its place: its line, and there the number of its spelling's group."""
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    for line, names in enumerate(name_lines("given")):
        group = 0
        for name in names:
            if name == "|":
                group += 1
            elif name == ":":
                group = _SHORT
            else:
                found[name] = (*found.get(name, ()), (line, group))
    return found


@cache
def _lines() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name for name in names if name not in "|:") for names in name_lines("given"))


def is_given(name: str) -> bool:
    """Tells whether a Latin word is known to be a given name."""
    return name in _places()


def relation(one: str, other: str) -> Verdict | None:
    """Relates two names; ``None`` if no line holds both."""
    places, related = _places(), None
    for line, group in places.get(one, ()):
        for other_line, other_group in places.get(other, ()):
            if line != other_line:
                continue
            if group == other_group != _SHORT and not _may_be_siblings(one, other):
                return Verdict.SAME
            if _proves(one, group, other_group) or _proves(other, other_group, group):
                return Verdict.SAME
            related = Verdict.UNSAID
    return related


def _may_be_siblings(one: str, other: str) -> bool:
    """Tells whether a man and a woman may have the two names: ``Daniele`` is a brother in Rome, a sister in Bonn."""
    return one != other and not name_words("of_both").isdisjoint({one, other})


def _proves(short: str, group: int, long_group: int) -> bool:
    """Tells whether a short form proves a name: ``Jules`` is short for Julie, and a brother's whole name."""
    return short not in name_words("of_both") and _is_short_for(short, group, long_group)


def _is_short_for(short: str, group: int, long_group: int) -> bool:
    """Tells whether a name is short for another of its line; a full name is so for the first spellings there only."""
    if group != _SHORT or long_group == _SHORT:
        return False
    return long_group == 0 or all(other == _SHORT for _, other in _places()[short])


def related(name: str) -> frozenset[str]:
    """Returns every name that shares a line with ``name``."""
    return frozenset(other for line, _ in _places().get(name, ()) for other in _lines()[line])
