"""Turns a delivered company or person into a CRM row: values by canonical field, and its keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from connectors.models import Company, Email, Grade, Person, PhoneKind, Property, Record
from worker.decide import gate
from worker.decide.fitting import Invalid, fit
from worker.decide.gate import Facts
from worker.decide.handles import Handle, Kind, of_values
from worker.decide.reasons import Reason
from worker.decide.values import domains, emails, linkedin, phones, titles
from worker.decide.values.fields import normal
from worker.decide.values.names import is_placeholder
from worker.decide.values.person import PersonName, parts
from worker.decide.values.text import clean, is_masked

VALID_ONLY = frozenset({Grade.VALID})
FACTS = (
    "first_name", "last_name", "work_email", "personal_email", "phone", "mobile_phone", "linkedin_url",
    "company_domain", "country",
)  # fmt: skip
"""The fields of a row that identify its person."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Holds a delivered row. ``values`` by canonical field; ``keys`` such as ``domain:acme.com``, ``slug:ada``.

    ``dropped`` counts delivered values that may not be written. ``complete`` is false for a person without a last
    name and a company without a name: no CRM takes those. ``facts`` are what distinguishes a person; ``named`` is
    a key such as ``name:ada lovelace@acme.com``, which leads to one person where nothing else speaks against it.
    """

    values: Mapping[str, str] = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    dropped: Mapping[str, int] = field(default_factory=dict)
    complete: bool = True
    facts: Facts = field(default_factory=Facts, repr=False)
    named: str = field(default="", repr=False)

    @property
    def handles(self) -> frozenset[Handle]:
        """Returns the keys by which the row is found, including those that may not be written."""
        kinds: Mapping[str, Kind] = {"email": "email", "slug": "slug", "domain": "domain"}
        keys = ((kind, value) for kind, _, value in (key.partition(":") for key in self.keys) if kind in kinds)
        numbers = {Handle("phone", number) for number in self.facts.numbers}
        return frozenset({Handle(kinds[kind], value) for kind, value in keys} | numbers) | of_values(self.values)


def company(delivered: Company, default_region: str = "") -> Delivered:
    """Turns a delivered company into the values for a CRM."""
    dropped: Counter[str] = Counter()
    domain = domains.company_domain(delivered.domain) or domains.company_domain(delivered.website)
    texts = {
        "name": delivered.name if clean(delivered.name) else domain,
        "domain": domain,
        "website": delivered.website,
        "phone": _number(delivered.phone, _hints(delivered.country, default_region), dropped),
        "industry": delivered.industry,
        "employee_count": str(delivered.employee_count) if delivered.employee_count > 0 else "",
        "linkedin_url": delivered.linkedin_url,
        "city": delivered.city,
        "country": delivered.country,
        "description": delivered.description,
        "technologies": ", ".join(clean(name) for name in delivered.technologies if clean(name)),
        "founded_year": str(delivered.founded_year) if delivered.founded_year > 0 else "",
    }
    values = _kept(texts, dropped)
    return Delivered(values, (f"domain:{domain}",) if domain else (), dict(dropped), complete="name" in values)


def person(
    delivered: Person,
    employer: Company,
    accept: Mapping[str, frozenset[Grade]] | None = None,
    default_region: str = "",
) -> Delivered:
    """Turns a delivered person into the values for a CRM; ``accept`` are grades by e-mail field, else valid ones."""
    dropped: Counter[str] = Counter()
    first, last = _name(delivered)
    slug = linkedin.slug(delivered.slug)
    texts = {
        "first_name": first,
        "last_name": last,
        "job_title": next((title for text in _titles(delivered) if (title := titles.read(text))), ""),
        "linkedin_url": linkedin.url(slug),
        "city": delivered.city,
        "country": delivered.country,
        "company_name": employer.name,
        "company_domain": domains.company_domain(employer.domain) or domains.company_domain(employer.website),
    }
    texts |= _addresses(delivered, accept or {}, dropped)
    texts |= _numbers(delivered, _hints(delivered.country, employer.country, default_region), dropped)
    values = _kept(texts, dropped)
    own = _own(email for email in delivered.emails if email.grade is not Grade.INVALID)
    # an undeliverable address proves nobody, but still leads to the row that has it
    keys = tuple(f"email:{address}" for address in dict.fromkeys((*own, *_own(delivered.emails))))
    keys += (f"slug:{slug}",) if slug else ()
    facts = gate.facts(
        first=first,
        last=last,
        full=delivered.full_name,
        emails=own,
        numbers=[phone.number for phone in delivered.phones],
        employers=(employer.domain, employer.website),
        slug=slug,
        countries=_hints(delivered.country, employer.country, default_region),
    )
    name, domain = _full_name(values), texts["company_domain"]
    named = f"name:{name}@{domain}" if domain and "first_name" in values and "last_name" in values else ""
    return Delivered(values, keys, dict(dropped), complete="last_name" in values, facts=facts, named=named)


def row_facts(
    record: Record, properties: Mapping[str, str], company_domain: str = "", default_region: str = ""
) -> Facts:
    """Collects a row's facts about its person; ``company_domain`` is the linked company's."""

    def held(name: str) -> str:
        return record.values.get(properties.get(name, "")) or ""

    return gate.facts(
        first=held("first_name"),
        last=held("last_name"),
        emails=(held("work_email"), held("personal_email")),
        numbers=(held("mobile_phone"), held("phone")),
        employers=(held("company_domain"), record.company_domain, company_domain),
        slug=held("linkedin_url"),
        countries=_hints(held("country"), default_region),
    )


def apart(keys: Iterable[str], others: Container[str], delivered: Delivered) -> tuple[str, ...]:
    """Returns the keys of a person some of whose addresses or profiles are on rows of ``others``.

    Such a key does not tell the two apart, so the person's name goes with it.
    """
    name = _full_name(delivered.values)
    return tuple(f"{key} {name}" if key in others else key for key in keys)


def _full_name(values: Mapping[str, str]) -> str:
    return f"{values.get('first_name', '')} {values.get('last_name', '')}".strip().casefold()


def to_properties(
    values: Mapping[str, str], properties: Mapping[str, str], schema: Mapping[str, Property]
) -> tuple[dict[str, str], dict[str, int]]:
    """Returns ``values`` by CRM property as the CRM takes them.

    And how many fields were dropped because they do not fit.

    ``properties`` maps canonical fields to properties. One value that does not fit drops its field and no other.
    """
    written: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for name, value in values.items():
        described = schema.get(properties.get(name, ""))
        if described is None:
            continue
        fitted = fit(value, name, described)
        if isinstance(fitted, Invalid):
            dropped[Reason.INVALID_VALUE if described.writable else Reason.NO_ACCESS] += 1
        else:
            written.setdefault(described.name, fitted)
    return written, {str(reason): count for reason, count in dropped.items()}


def constants(wanted: Mapping[str, str], schema: Mapping[str, Property]) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the constants of every new row, as the CRM takes them, and the faults of the others, by property."""
    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name, text in wanted.items():
        described = schema.get(name)
        if described is None:
            wrong[name] = "there is no such property"
        elif not described.creatable:
            wrong[name] = "it is read-only for our user"
        elif described.kind in {"date", "datetime"} or (described.kind == "options" and not described.options):
            values[name] = clean(text)  # only the CRM knows whether it takes these
        else:
            fitted = fit(text, "", replace(described, writable=True))
            if isinstance(fitted, Invalid):
                wrong[name] = "it does not take this value"
            else:
                values[name] = fitted
    return values, wrong


def _hints(*countries: str) -> tuple[str, ...]:
    return tuple(hint for hint in countries if hint)


def _kept(texts: Mapping[str, str], dropped: Counter[str]) -> dict[str, str]:
    kept = {}
    for name, text in texts.items():
        if is_masked(text):
            dropped["masked"] += 1
        elif clean(text):
            value = normal(name, text)
            if value:
                kept[name] = value
            else:
                dropped[Reason.INVALID_VALUE] += 1
    return kept


def _name(delivered: Person) -> tuple[str, str]:
    """Returns first and last name; a first name of two words is not a whole name: the provider has two fields."""
    first, last = parts(PersonName(delivered.first_name, delivered.last_name, delivered.full_name))
    given = clean(delivered.first_name).casefold()
    lacks_last = not clean(delivered.last_name) or is_placeholder(delivered.last_name)
    is_alone = given and lacks_last and clean(delivered.full_name).casefold() in {"", given}
    return (f"{first} {last}".strip(), "") if is_alone else (first, last)


def _own(found: Iterable[Email]) -> list[str]:
    read = (emails.read(email.address) for email in found)
    return list(dict.fromkeys(address.email.lower() for address in read if address.asked))


def _titles(delivered: Person) -> Iterator[str]:
    yield delivered.title
    yield from (role.title for role in delivered.roles if role.current)


def _addresses(delivered: Person, accept: Mapping[str, frozenset[Grade]], dropped: Counter[str]) -> dict[str, str]:
    by_field: dict[str, str] = {}
    for email in sorted(delivered.emails, key=lambda one: tuple(Grade).index(one.grade)):
        address = emails.read(email.address)
        personal = email.kind == "personal" or (not email.kind and address.free)
        name = "personal_email" if personal else "work_email"
        if address.problem == "masked":
            dropped["masked"] += 1
        elif not address.asked or not (personal or address.work):
            dropped[Reason.INVALID_VALUE] += 1
        elif email.grade not in accept.get(name, VALID_ONLY) - {Grade.INVALID}:
            dropped[Reason.BELOW_GRADE] += 1
        else:
            by_field.setdefault(name, address.email)
    return by_field


def _numbers(delivered: Person, countries: tuple[str, ...], dropped: Counter[str]) -> dict[str, str]:
    by_field: dict[str, str] = {}
    for phone in delivered.phones:
        number = phones.read(phone.number, countries, phone.kind)
        if not number.personal:
            dropped["masked" if number.problem == "masked" else Reason.INVALID_VALUE] += 1
            continue
        name = "mobile_phone" if phone.kind is PhoneKind.MOBILE and number.mobile else "phone"
        if number.personal not in by_field.values():
            by_field.setdefault(name, number.personal)
    return by_field


def _number(text: str, countries: tuple[str, ...], dropped: Counter[str]) -> str:
    number = phones.read(text, countries)
    if not number.reachable and number.problem != "blank":
        dropped["masked" if number.problem == "masked" else Reason.INVALID_VALUE] += 1
    return number.reachable
