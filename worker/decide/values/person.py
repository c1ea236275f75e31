"""Decides whether the person a record names and the person an answer names can be one.

Conservative on purpose: a wrong yes writes somebody else's phone number, and what cannot be told is left to other
evidence. How names are read and compared stands in ``names``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from worker.decide.values.names import comparing, reading
from worker.decide.values.names.verdict import Verdict

__all__ = ["PersonName", "Verdict", "compare", "parts"]


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as it was given. ``full`` may hold more than ``first`` and ``last``, or stand in for them."""

    first: str = ""
    last: str = ""
    full: str = ""


@lru_cache(maxsize=8192)
def compare(record: PersonName, found: PersonName, *, strict: bool = False) -> Verdict:
    """Compares two names.

    A contradicting first or last name is another person's. ``UNSAID`` where one side has no name to compare, or one
    in letters that cannot be compared for sure. ``strict`` is for a search by name and company: both names must agree,
    everything else is another person.
    """
    return comparing.compare(_readings(record), _readings(found), strict=strict)


def parts(name: PersonName) -> tuple[str, str]:
    """Returns the first and last name as a CRM should hold them: no degrees, pronouns, slogans or emoji."""
    return reading.parts(name.first, name.last, name.full)


def _readings(name: PersonName) -> tuple[reading.NameReading, ...]:
    return reading.readings(name.first, name.last, name.full)
