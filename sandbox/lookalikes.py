"""Draws people that a record is mistaken for: namesakes, relatives, colleagues with shared addresses, placeholders.

The providers know all of them well, so that a mistaken client writes something.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from sandbox.countries import COUNTRIES
from sandbox.options import Options
from sandbox.people import Company, ForagerKnows, KasprKnows, Person

Make = Callable[[int, Company, tuple[str, str] | None], Person]

ROLES = ("info", "sales", "office", "noreply")
PLACEHOLDER_SLUGS = ("pending", "not-available", "private", "unknown", "none", "linkedin")
PLACEHOLDER_ADDRESSES = ("test@test.com", "unknown@unknown.com", "noreply@noreply.com", "na@na.com", "none@none.com")
PLACEHOLDER_NUMBERS = {
    "000-000-0000": "+10000000000",
    "555-555-5555": "+15555555555",
    "+1 234 567 8900": "+12345678900",
    "0123456789": "+491234567890",
}
"""As rows spell them, and as somebody may ask for them."""
_JUNK_TITLES = ("N/A", "Unknown", "null", ".", "-")
_JUNK_NUMBERS = ("+15555555555", "0000000000", "+4915123")


@dataclass(frozen=True)
class Lookalikes:
    """Holds everybody in `people`, and `relatives` by the number of the person they are mistaken for."""

    people: tuple[Person, ...]
    relatives: dict[int, Person]
    strangers: tuple[Person, ...]
    """One behind each placeholder."""
    colleagues: dict[int, tuple[Person, Person]]
    """By company: the people who answer to its role addresses and its switchboard."""

    @classmethod
    def drawn(
        cls, people: Sequence[Person], companies: Sequence[Company], options: Options, make: Make
    ) -> "Lookalikes":
        """Draws lookalikes. `make` returns a person by number and employer, and by name if one is given."""
        chance = random.Random(f"refill-lookalikes-{options.seed}")
        known, found = [company for company in companies if company.in_crm], list(people)
        share = options.mistakes.links * options.mistakes.namesakes
        # more than rows need: those of some people are spoiled otherwise already
        many = min(options.records, -(-int(options.records * share * 1000) // 500) + 2) if share else 0
        kinds = cycle(("stranger", "spouse", "parent"))
        relatives: dict[int, Person] = {}
        for person in sorted(chance.sample(found[: options.records], many), key=lambda one: one.number):
            relatives[person.number] = _relative(chance, person, len(found) + 1, next(kinds), known, make)
            found.append(relatives[person.number])
        strangers: list[Person] = []
        if options.mistakes.placeholders:
            for slug, alias in _placeholders():
                other = _rich(make(len(found) + 1, chance.choice(known), None))
                strangers.append(replace(other, slug=slug or other.slug, aliases=(alias,) if alias else ()))
                found.append(strangers[-1])
        found = [_spoiled(chance, _traceable(person), options.mistakes.junk) for person in found]
        colleagues: dict[int, tuple[Person, Person]] = {}
        for company in known:
            clerk, operator, *_ = [one for one in found[options.records :] if one.employer.number == company.number]
            clerk = replace(_rich(clerk), aliases=tuple(f"{role}@{company.domain}" for role in ROLES))
            operator = replace(_rich(operator), aliases=(company.phone,))
            colleagues[company.number] = clerk, operator
            found[clerk.number - 1], found[operator.number - 1] = clerk, operator
        return cls(
            tuple(found),
            {number: found[one.number - 1] for number, one in relatives.items()},
            tuple(found[one.number - 1] for one in strangers),
            colleagues,
        )


def _placeholders() -> Iterable[tuple[str, str]]:
    """Yields a (slug, alias) for each person; one of the two is blank."""
    yield from ((slug, "") for slug in PLACEHOLDER_SLUGS)
    yield from (("", alias) for alias in (*PLACEHOLDER_ADDRESSES, *PLACEHOLDER_NUMBERS.values()))


def _relative(
    chance: random.Random, person: Person, number: int, kind: str, known: Sequence[Company], make: Make
) -> Person:
    """Returns somebody of the same last name and another first name.

    A spouse shares the number at home, a parent the employer, a stranger nothing.
    """
    country = next(one for one in COUNTRIES if one.code == person.country_code)
    begins = person.first_name[:2].casefold()
    first = chance.choice([name for name in country.first_names if name[:2].casefold() != begins])
    company = person.former_employer or person.employer
    employer = company if kind == "parent" else chance.choice([one for one in known if one is not company] or known)
    other = _rich(make(number, employer, (first, person.last_name)))
    if kind == "spouse":
        forager = replace(other.forager, phones=(other.mobile, person.phone))
        other = replace(other, phone=person.phone, city=person.city, country=person.country, forager=forager)
    return other


def _rich(person: Person) -> Person:
    """Returns the same person, with both providers knowing everything."""
    spaced = f"{person.mobile[:3]} {person.mobile[3:]}"
    return replace(
        person,
        forager=ForagerKnows(
            True, ((person.work_email, "valid"),), ((person.personal_email, "valid"),), (person.mobile, person.phone)
        ),
        kaspr=KasprKnows(True, person.work_email, True, person.personal_email, spaced),
    )


def _traceable(person: Person) -> Person:
    """Returns the person with a unique title, so that a row with it can be traced."""
    return replace(person, title=f"{person.title}, team {person.number}")


def _spoiled(chance: random.Random, person: Person, share: float) -> Person:
    """Puts junk before the values of a provider for a share of people; the good value comes after it."""
    if chance.random() >= share:
        return person
    forager, kaspr = person.forager, person.kaspr
    if forager.work_emails:
        junk = f"{chance.choice(ROLES)}@{person.employer.domain}"
        forager = replace(forager, work_emails=((junk, "valid"), *forager.work_emails))
    if forager.phones:
        forager = replace(forager, phones=(chance.choice(_JUNK_NUMBERS), *forager.phones))
    if chance.random() < 0.5:
        forager = replace(forager, junk_title=chance.choice(_JUNK_TITLES))
    else:
        kaspr = replace(kaspr, junk_title=chance.choice(_JUNK_TITLES))
    return replace(person, forager=forager, kaspr=kaspr)
