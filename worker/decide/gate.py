"""Decides whether a person found is the one a record means: by the name, else by a second fact.

Every path to a write asks here: visits with what a provider answers, deliveries with the row they matched. Both sides
are read with ``facts`` (or ``facts_of``, for a ``Person``) and compared with ``judge``:

    row = facts(first="", last="Example", emails=("ada@acme.com",), employers=("https://acme.com",))
    delivered = facts(full="Ada Example", emails=("ada@acme.com",), employers=("acme.com",), slug="ada-example")
    judge(row, delivered, found_by=Fact.EMAIL)  # SAME: the employer agrees, too

``OTHER`` does not match, ``SAME`` allows writing, ``UNSAID`` may match but gets no value. The fact that found the
person never proves the person: a row found by its phone needs more than that phone, so pass ``found_by``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from msgspec import Struct

from connectors.models import Discreet, Person, PhoneKind
from worker.decide.values import domains, linkedin, phones
from worker.decide.values.emails import read
from worker.decide.values.person import PersonName, Verdict, compare, parts

__all__ = [
    "Fact", "Facts", "Judgement", "Verdict", "facts", "facts_of", "is_likely", "is_provable", "is_theirs", "judge",
]  # fmt: skip


class Fact(StrEnum):
    """Names the facts besides the name that two sides can share, surest first."""

    EMAIL = "email"
    SLUG = "slug"
    PHONE = "phone"
    EMPLOYER = "employer"


_OFFICES = frozenset({Fact.EMPLOYER})
_FAMILYS = frozenset({Fact.PHONE, Fact.EMPLOYER})


class Facts(Discreet, frozen=True):
    """Holds the comparable data about a person: only data that can prove something. Made by ``facts``.

    ``employers`` are known otherwise than by an address; ``offices`` are the employers that the addresses tell.
    """

    hidden = frozenset({"emails", "numbers"})
    name: PersonName = PersonName()
    emails: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    employers: frozenset[str] = frozenset()
    offices: frozenset[str] = frozenset()
    slug: str = ""


class Judgement(Struct, frozen=True):
    """Holds the verdict, and the matching second fact if there is one."""

    verdict: Verdict
    second: Fact | None = None


def facts(
    *,
    first: str = "",
    last: str = "",
    full: str = "",
    emails: Iterable[str] = (),
    numbers: Iterable[str] = (),
    employers: Iterable[str] = (),
    slug: str = "",
    countries: tuple[str, ...] = (),
) -> Facts:
    """Reads the data about a person and drops data that prove nobody.

    ``employers`` are domains or sites of companies where the person works now, ``slug`` any LinkedIn address.
    Addresses of a role, numbers that are surely fixed lines (a switchboard is many people's) and domains of free mail
    hosts are left out; so is everything that its reader does not take for a value.
    """
    addresses = [address for text in emails if (address := read(text)).email]
    return Facts(
        name=PersonName(first, last, full),
        emails=frozenset(address.email.lower() for address in addresses if address.asked),
        numbers=frozenset(number.e164 for text in numbers if (number := phones.read(text, countries)).mobile),
        employers=_domains(employers),
        offices=_domains(address.email.rpartition("@")[2] for address in addresses),
        slug=linkedin.slug(slug),
    )


@lru_cache(maxsize=1_024)  # a visit judges the same answers again with every new one
def facts_of(person: Person, asked: str = "") -> Facts:
    """Collects a provider's facts about somebody; ``asked`` is an address that it says is theirs."""
    return facts(
        first=person.first_name,
        last=person.last_name,
        full=person.full_name,
        emails=(asked, *(email.address for email in person.emails)),
        numbers=(phone.number for phone in person.phones),
        employers=(role.company.domain for role in person.roles if role.current),
        slug=person.slug,
        countries=(person.country,) if person.country else (),
    )


@lru_cache(maxsize=1_024)
def judge(record: Facts, found: Facts, *, found_by: Fact | None = None, strict: bool = False) -> Judgement:
    """Decides what ``found`` is to ``record``.

    A contradicting name means another person, whatever else matches. A matching full name means the same one. In all
    other cases, also with half a name, a second fact other than ``found_by`` is needed. If only the last name matches,
    an employer or a number is not such a fact, because families share all three. Nor is the employer together with an
    office number, or with an address if whole names cannot be compared, because everybody there works there.
    ``strict`` is for a search by name and company, where the whole name has to match.
    """
    verdict = compare(record.name, found.name, strict=strict)
    if verdict is Verdict.OTHER:
        return Judgement(verdict)
    first, other_first = parts(record.name)[0], parts(found.name)[0]
    void = frozenset() if verdict is Verdict.SAME and first and other_first else _void(record, found, found_by)
    telling = (fact for fact in Fact if fact is not found_by and fact not in void)
    second = next((fact for fact in telling if _agrees(fact, record, found, found_by)), None)
    if verdict is Verdict.SAME and bool(first) == bool(other_first):
        return Judgement(verdict, second)
    return Judgement(Verdict.SAME if second else Verdict.UNSAID, second)


def _void(record: Facts, found: Facts, found_by: Fact | None) -> frozenset[Fact]:
    """Lists facts that prove nothing if two names do not match in full."""
    (first, last), (other_first, other_last) = parts(record.name), parts(found.name)
    other = PersonName(other_first, other_last)
    if first and other_first and compare(PersonName(first, other_last), other) is Verdict.SAME:
        return frozenset()
    if (
        last
        and other_last
        and (not (first and other_first) or compare(PersonName(other_first, last), other) is Verdict.SAME)
    ):
        return _FAMILYS
    if found_by is Fact.EMAIL and first and last and other_first and other_last:
        return _OFFICES  # it may be a colleague's address, and these two names cannot be compared
    return _OFFICES if found_by is Fact.PHONE and not _has_mobile(record) else frozenset()


def _has_mobile(record: Facts) -> bool:
    """Tells whether one of the numbers is surely a mobile one: in America a switchboard looks the same."""
    return any(phones.read(number, kind=PhoneKind.FIXED).mobile for number in record.numbers)


def is_likely(record: Facts, found: Facts, found_by: Fact | None = None) -> bool:
    """Tells whether an unproved record may match: half its name matches, or the person's own address led there.

    Nothing may contradict it. That is not a proof: it gets no value.
    """
    if _are_colleagues(record, found):
        return False
    return found_by is Fact.EMAIL or _half_agrees(record.name, found.name)


def is_theirs(record: Facts, found: Facts, found_by: Fact | None = None) -> bool:
    """Tells whether a likely record needs no person to say whose it is.

    With half a name, a profile may be a namesake's unless the employer matches, too.
    """
    return is_likely(record, found, found_by) and (found_by is Fact.EMAIL or _work_together(record, found, found_by))


def _half_agrees(one: PersonName, other: PersonName) -> bool:
    """Tells whether one name has a first or a last name only, and it is the other's."""
    (first, last), (other_first, other_last) = parts(one), parts(other)
    if bool(first) == bool(last):
        return False
    whole = PersonName(first or other_first, last or other_last)
    return compare(whole, PersonName(other_first, other_last)) is Verdict.SAME


def is_provable(record: Facts, found_by: Fact | None = None) -> bool:
    """Tells whether anything about the record could prove that somebody is its person.

    Otherwise nobody is worth looking up.
    """
    first, last = parts(record.name)
    void = _FAMILYS if last and not first else frozenset()
    if found_by is Fact.PHONE and not first and not _has_mobile(record):
        void = _OFFICES
    known = {
        Fact.EMAIL: record.emails,
        Fact.SLUG: record.slug,
        Fact.PHONE: record.numbers,
        Fact.EMPLOYER: record.employers if found_by is Fact.EMAIL else record.employers | record.offices,
    }
    return bool(first and last) or any(known[fact] for fact in Fact if fact is not found_by and fact not in void)


def _agrees(fact: Fact, record: Facts, found: Facts, found_by: Fact | None) -> bool:
    match fact:
        case Fact.EMAIL:
            return not record.emails.isdisjoint(found.emails)
        case Fact.SLUG:
            return bool(record.slug) and record.slug == found.slug
        case Fact.PHONE:
            return not record.numbers.isdisjoint(found.numbers)
        case Fact.EMPLOYER:
            return _work_together(record, found, found_by) and not _are_colleagues(record, found)


def _work_together(record: Facts, found: Facts, found_by: Fact | None) -> bool:
    """Tells whether both work at one company. The host of the address that found the person is that address again."""
    if found_by is Fact.EMAIL:
        return not record.employers.isdisjoint(found.employers)
    return not (record.employers | record.offices).isdisjoint(found.employers | found.offices)


def _are_colleagues(record: Facts, found: Facts) -> bool:
    """Tells whether two people of one company are seen: two profiles, or two addresses at the same host."""
    if record.slug and found.slug and record.slug != found.slug:
        return True
    return record.emails.isdisjoint(found.emails) and not _hosts(record).isdisjoint(_hosts(found))


def _hosts(one: Facts) -> set[str]:
    return {host for address in one.emails if (host := domains.company_domain(address.rpartition("@")[2]))}


def _domains(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(domain for text in texts if (domain := domains.company_domain(text)))
