"""Decides whether the person a record names and the person an answer names can be one.

Conservative on purpose: a wrong yes writes somebody else's phone number, and unclear cases are left to other
evidence. ``names`` reads and compares names.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from worker.decide.values.names import comparing, reading
from worker.decide.values.names.nicknames import is_given
from worker.decide.values.names.verdict import Verdict

__all__ = ["PersonName", "Verdict", "compare", "is_called_otherwise", "parts", "spells", "spells_another"]
_MOST_WORDS = 4


class PersonName(Struct, frozen=True):
    """Holds a name as it was given. ``full`` may contain more than ``first`` and ``last``, or replace them."""

    first: str = ""
    last: str = ""
    full: str = ""


@lru_cache(maxsize=2048)
def compare(record: PersonName, found: PersonName, *, strict: bool = False) -> Verdict:
    """Compares two names.

    A contradicting first or last name is another person's. ``UNSAID`` where one side has no name to compare, or one
    in letters that cannot be compared for sure. ``strict`` is for a search by name and company: both names must agree
    in full, an initial alone is ``UNSAID``, everything else is another person.
    """
    return comparing.compare(_readings(record), _readings(found), strict=strict)


@lru_cache(maxsize=2048)
def spells_another(slug: str, name: PersonName) -> bool:
    """Tells whether a profile's slug spells somebody else: it begins with a given name, and no word of it is theirs.

    Another last name alone says little: people marry, and slugs stay.
    """
    words = [word for word in slug.split("-") if word.isalpha()][:_MOST_WORDS]
    first, last = parts(name)
    if len(words) < 2 or not first or not last or not is_given(words[0]) or first.casefold() in words:
        return False
    families = last.casefold().split()
    return all(compare(name, PersonName(word, last)) is Verdict.OTHER for word in words if word not in families)


def spells(slug: str, name: PersonName) -> bool:
    """Tells whether a word of a profile's slug is the given name."""
    first, last = parts(name)
    families = set(last.casefold().split()) - {first.casefold()}
    words = [word for word in slug.split("-") if word.isalpha() and len(word) > 1 and word not in families]
    return bool(first) and any(
        compare(PersonName(word, last), PersonName(first, last)) is Verdict.SAME for word in words[:_MOST_WORDS]
    )


def is_called_otherwise(one: PersonName, other: PersonName) -> bool:
    """Tells whether two given names contradict. Another last name alone says little: people marry."""
    (first, last), (other_first, other_last) = parts(one), parts(other)
    if not first or not other_first or compare(one, other) is not Verdict.OTHER:
        return False
    family = last or other_last
    return compare(PersonName(first, family), PersonName(other_first, family)) is Verdict.OTHER


def parts(name: PersonName) -> tuple[str, str]:
    """Returns the first and last name as a CRM should hold them: no degrees, pronouns, slogans or emoji."""
    return reading.parts(name.first, name.last, name.full)


def _readings(name: PersonName) -> tuple[reading.NameReading, ...]:
    return reading.readings(name.first, name.last, name.full)
