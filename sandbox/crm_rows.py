"""Draws a CRM's data about the people: mostly too little, sometimes wrong."""

import random
import unicodedata
from dataclasses import replace
from urllib.parse import quote

from sandbox.people import Company, CrmRow, Person

_NONSENSE = (
    "https://www.linkedin.com/",
    "https://www.linkedin.com/in/",
    "n/a",
    "https://www.linkedin.com/company/somebody-else",
    "https://www.linkedin.com/sales/lead/ACwAAAexample,NAME_SEARCH",
    "http://facebook.example/profile?id=12",
)
_TYPED_TITLES = ("boss", "Sales (interim)", "talks to us about pricing", "VP, ask for the new one")


def build_rows(crm: str, seed: int, listed: tuple[Person, ...], everybody: tuple[Person, ...]) -> tuple[CrmRow, ...]:
    """Builds one row per listed person; about 1 % of the rows describe a listed person a second time."""
    chance = random.Random(f"refill-{crm}-{seed}")
    rows: list[CrmRow] = []
    for number, person in enumerate(listed, start=1):
        if number > 10 and chance.random() < 0.012:
            original = chance.choice(rows)
            rows.append(_duplicate(original, number))
            continue
        rows.append(_row(chance, crm, number, person, everybody))
    return tuple(rows)


def linkedin_url(chance: random.Random, slug: str) -> str:
    """Returns the address of a profile in one of the forms that people paste."""
    encoded = quote(slug, safe="-")
    forms = (
        f"https://www.linkedin.com/in/{encoded}",
        f"https://www.linkedin.com/in/{encoded}/",
        f"http://linkedin.com/in/{slug}",
        f"https://de.linkedin.com/in/{encoded}/en",
        f"www.linkedin.com/in/{slug}/detail/contact-info/",
        f"https://www.linkedin.com/in/{encoded}?trk=people-guest_people_search-card",
        f"https://LinkedIn.com/in/{unicodedata.normalize('NFD', slug)}#experience",
        f"linkedin.com/in/{encoded.upper()}",
    )
    return chance.choices(forms, (40, 20, 10, 6, 6, 8, 5, 5))[0]


def _row(chance: random.Random, crm: str, number: int, person: Person, everybody: tuple[Person, ...]) -> CrmRow:
    traits = {name for name, holds in (("opted_out", person.opted_out), ("do_not_call", person.do_not_call)) if holds}
    company: Company = person.former_employer or person.employer
    linked = company if company.in_crm else None
    if person.former_employer:
        traits.add("moved")
    row = CrmRow(
        number=number,
        object="lead" if crm == "salesforce" and chance.random() < 0.25 else "contact",
        person=person,
        company=linked,
        first_name=None if chance.random() < 0.04 else person.first_name,
        last_name=person.last_name,
        # people who moved have no address at the new employer in the CRM; an old one would look typed by a person
        email=None if person.former_employer or chance.random() < 0.6 else person.work_email,
        phone=None if chance.random() < 0.7 else person.phone,
        mobile=None if chance.random() < 0.8 else person.mobile,
        title=None if chance.random() < 0.55 else person.title,
        linkedin_url=linkedin_url(chance, person.slug),
        company_name=company.name,
        city=None if chance.random() < 0.6 else person.city,
        country=None if chance.random() < 0.4 else person.country,
        opted_out=person.opted_out,
        do_not_call=person.do_not_call,
    )
    return _with_history(chance, row, traits, everybody)


def _with_history(chance: random.Random, row: CrmRow, traits: set[str], everybody: tuple[Person, ...]) -> CrmRow:
    person, kind = row.person, chance.random()
    if kind < 0.03:
        other = chance.choice(everybody)
        while other.last_name == person.last_name:
            other = chance.choice(everybody)
        url = linkedin_url(chance, other.slug)
        row, trait = replace(row, linkedin_url=url, mistaken_for=other.number), "wrong_linkedin"
    elif kind < 0.05:
        row, trait = replace(row, linkedin_url=chance.choice(_NONSENSE)), "nonsense_linkedin"
    elif kind < 0.15:
        email = chance.choices((person.work_email, person.personal_email), (4, 1))[0]
        row, trait = (
            replace(row, linkedin_url=None, email=None if "moved" in traits else email),
            "no_linkedin",
        )
    elif kind < 0.21:
        blank = replace(row, linkedin_url=None, email=None, phone=None, mobile=None)
        row, trait = blank, "name_only"
    elif kind < 0.24:
        blank = replace(row, linkedin_url=None, email=None, phone=None, mobile=person.mobile)
        row, trait = replace(blank, company=None, company_name=None), "phone_only"
    else:
        trait = ""
    if trait:
        traits.add(trait)
    if chance.random() < 0.15 and trait not in {"name_only", "phone_only"}:
        row = _typed(chance, row)
        traits.add("typed")
    return replace(row, traits=frozenset(traits))


def _typed(chance: random.Random, row: CrmRow) -> CrmRow:
    """Fills in values that somebody typed and no provider has."""
    domain = row.company.domain if row.company else row.person.employer.domain
    choice = chance.randrange(4)
    if choice == 0:
        return replace(row, title=chance.choice(_TYPED_TITLES))
    if choice == 1:
        return replace(row, email=f"office{row.number}@{domain}", title=row.title or "assistant")
    if choice == 2:
        return replace(row, phone=f"ext. {row.number}, ask reception")
    return replace(row, mobile=f"{row.person.mobile[:-2]}00", city="moved, see notes")


def _duplicate(row: CrmRow, number: int) -> CrmRow:
    # no address: a CRM may keep e-mails unique, so filling this one is refused there
    return replace(row, number=number, email=None, phone=None, title=None, traits=row.traits | {"duplicate"})
