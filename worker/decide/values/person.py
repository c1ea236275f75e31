"""Decides whether the person a record names and the person an answer names can be one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from worker.decide.values import names


class Verdict(Enum):
    """What a found person is to the record."""

    SAME = auto()
    OTHER = auto()
    UNSAID = auto()  # cannot tell: other evidence has to decide


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name as it was given. ``full`` may hold more than ``first`` and ``last``, or stand in for them."""

    first: str = ""
    last: str = ""
    full: str = ""


def compare(record: PersonName, found: PersonName, *, strict: bool = False) -> Verdict:
    """Compares two names. ``strict`` is for a search by name and company: both names must agree."""
    first, last = _read(record)
    other_first, other_last = _read(found)
    if strict:
        same = names.same_person_name(first, last, other_first, other_last)
        return Verdict.SAME if same else Verdict.OTHER
    if not (first or last) or not (other_first or other_last):
        return Verdict.UNSAID
    full = found.full or f"{other_first} {other_last}"
    turned = last and names.carries(last, full, first) and not names.same_last_name(last, other_last)
    agrees = not last or not other_last or turned or names.same_last_name(last, other_last)
    if not agrees:
        return Verdict.OTHER
    if first and other_first and not turned and not names.same_first_name(first, other_first):
        return Verdict.OTHER
    return Verdict.SAME if last and other_last else Verdict.UNSAID


def parts(name: PersonName) -> tuple[str, str]:
    """Returns the first and last name as a CRM should hold them: no degrees, pronouns, slogans or emoji."""
    return _read(name)


def _read(name: PersonName) -> tuple[str, str]:
    first = "" if names.is_placeholder(name.first) else name.first
    last = "" if names.is_placeholder(name.last) else name.last
    return (first, last) if last else names.split(name.full or first)
