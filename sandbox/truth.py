"""Knows the owner of each value and the gaps that a careful client can fill, so that a test can judge fills."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from sandbox.people import CrmRow, Person, World

FIELDS = ("work_email", "phone", "mobile_phone", "job_title")
_PROFILE = re.compile(r"linkedin\.com/in/([^/?#\s]+)", re.IGNORECASE)
_CLEAR = frozenset({"typed", "do_not_call", "short_name"})
"""Traits of rows that still clearly identify their person."""


def plain(value: str) -> str:
    """Returns a value in the form it is compared in: a profile by its slug, a number by its digits, case aside."""
    profile = _PROFILE.search(value)
    if profile:
        return unicodedata.normalize("NFC", unquote(profile[1])).lower()
    digits = re.sub(r"[^\d+]", "", value)
    if len(digits) >= 7 and not re.search(r"[^\W\d_]", value):
        return digits
    return unicodedata.normalize("NFC", value).strip().casefold()


def owners(world: World) -> Mapping[str, frozenset[int]]:
    """Numbers of the people each value is of, by the value as `plain` gives it."""
    found: dict[str, set[int]] = {}
    for person in world.people:
        for value in values_of(person):
            found.setdefault(value, set()).add(person.number)
    return {value: frozenset(numbers) for value, numbers in found.items()}


def values_of(person: Person) -> frozenset[str]:
    """Returns everything that may be on a row about the person, in the form of `plain`."""
    own = (
        person.first_name, person.last_name, *(person.own_script or ()), person.slug, person.title, person.work_email,
        person.personal_email, person.mobile, person.phone, person.city, person.country,
    )  # fmt: skip
    return frozenset(plain(value) for value in own)


def is_anothers(value: str, person: Person, whose: Mapping[str, frozenset[int]]) -> bool:
    """Tells whether a value is somebody's, and not this person's; `whose` as `owners` gives it."""
    numbers = whose.get(plain(value), frozenset())
    return bool(numbers) and person.number not in numbers


def clear_gaps(world: World, crm: str) -> Mapping[tuple[int, str], frozenset[str]]:
    """Finds blank fields of rows that identify their person, by row number and field, with every right value.

    A provider must tell the person's name and know the value; addresses must be graded valid and at the employer.
    """
    rows = world.rows[crm]
    people = Counter(row.person.number for row in rows)
    found: dict[tuple[int, str], frozenset[str]] = {}
    for row in rows:
        if _is_clear(row) and people[row.person.number] == 1:
            for name, values in _fillable(row):
                if good := frozenset(map(plain, values)):
                    found[row.number, name] = good
    return found


def _is_clear(row: CrmRow) -> bool:
    person = row.person
    own_profile = plain(row.linkedin_url or "") == person.slug
    provable = person.forager.detail or person.kaspr.known
    named = bool(row.first_name and row.last_name)
    return row.traits <= _CLEAR and own_profile and provable and named and not row.mistaken_for


def _fillable(row: CrmRow) -> Iterator[tuple[str, Iterable[str]]]:
    person, forager, kaspr = row.person, row.person.forager, row.person.kaspr
    held = {plain(value) for value in (row.phone, row.mobile) if value}
    if not row.email and row.company is person.employer:
        told = [address for address, grade in forager.work_emails if grade == "valid"]
        told += [kaspr.work_email] if kaspr.work_email and kaspr.work_email_valid else []
        yield "work_email", {person.work_email} & set(told)
    if not row.do_not_call:
        known = {*forager.phones, *([re.sub(r"\s", "", kaspr.phone)] if kaspr.phone else [])}
        if not row.phone and not row.mobile:  # a second number is not worth its price (docs/money.md)
            yield "phone", {person.mobile, person.phone} & known
        if not row.mobile:
            yield "mobile_phone", {person.mobile} & known - held
    if not row.title:
        tells = (forager.detail and not forager.junk_title) or (kaspr.known and not kaspr.junk_title)
        yield "job_title", {person.title} if tells else ()
