"""Reads the person of a record, and the handles of a person or company: the values that a suppression names.

A handle is (kind, value): the kind is ``email``, ``slug``, ``phone`` or ``domain``, and the value its one spelling.
The kind ``record`` is a record itself, which may have no other handle; the kind ``question`` is a lookup by its key,
which is about the same person whichever row asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec.structs import replace

from connectors.models import Answer, Discreet, Identity, Person, Record
from worker.decide.gate import Facts, facts
from worker.decide.policy import Policy
from worker.decide.values import domains, emails, linkedin, phones
from worker.decide.values.fields import EMAIL_FIELDS, PHONE_FIELDS
from worker.decide.values.names import is_placeholder
from worker.decide.values.person import PersonName, spells_another
from worker.decide.values.text import clean

if TYPE_CHECKING:
    from worker.decide.decision import Decision

Kind = Literal["email", "slug", "phone", "domain", "record", "question"]
KINDS: tuple[Kind, ...] = ("email", "slug", "phone", "domain")  # that a text can give


class Handle(NamedTuple):
    """Names somebody in one way."""

    kind: Kind
    value: str


def read(text: str, kind: str = "", countries: tuple[str, ...] = ()) -> Handle | None:
    """Returns the handle in a text, of ``kind`` if given; ``None`` if there is none."""
    tried = (kind,) if kind else _guesses(text)
    return next((found for one in tried if (found := _read(text, one, countries))), None)


def _guesses(text: str) -> tuple[str, ...]:
    if "linkedin." in text.casefold():
        return ("slug",)
    if "@" in text:
        return ("email",)
    return ("phone", "domain", "slug") if any(sign.isdigit() for sign in text) else ("domain", "slug")


def _read(text: str, kind: str, countries: tuple[str, ...]) -> Handle | None:
    match kind:
        case "email":
            return _handle("email", emails.read(text).email.lower())
        case "slug":
            return _handle("slug", linkedin.slug(text))
        case "phone":
            return _handle("phone", phones.read(text, countries).e164)
        case _:
            return _handle("domain", domains.company_domain(text))


def _handle(kind: Kind, value: str) -> Handle | None:
    return Handle(kind, value) if value else None


def of_values(values: Mapping[str, str], countries: tuple[str, ...] = ()) -> frozenset[Handle]:
    """Returns the handles among values by canonical field, each e-mail with its domain."""
    return frozenset(_of_fields(values, countries))


def of_value(field: str, value: str, countries: tuple[str, ...] = ()) -> Handle | None:
    """Returns the address or number that a field holds; ``None`` of every other kind of value."""
    kind: Kind | None = "email" if field in EMAIL_FIELDS else "phone" if field in PHONE_FIELDS else None
    return _read(value, kind, countries) if kind else None


def _of_fields(values: Mapping[str, str], countries: tuple[str, ...]) -> Iterator[Handle]:
    for name, text in values.items():
        if name in EMAIL_FIELDS or name == "email":
            yield from _of_email(text)
        elif name in PHONE_FIELDS:
            yield from _one("phone", text, countries)
        elif name == "linkedin_url":
            yield from _one("slug", text)
        elif name in {"company_domain", "company_website", "domain", "website"}:
            yield from _one("domain", text)


def _of_email(text: str) -> Iterator[Handle]:
    yield from _one("email", text)
    yield from _one("domain", emails.domain(text))


def _one(kind: Kind, text: str, countries: tuple[str, ...] = ()) -> Iterator[Handle]:
    found = _read(text, kind, countries) if text else None
    if found:
        yield found


def of_record(crm: str, object: str, id: str) -> Handle:
    """Returns the handle of a record itself: a person erased by it may have no other."""
    return Handle("record", f"{crm}:{object}:{id}")


def of_question(key: str) -> Handle:
    """Returns the handle of a question: its answer was erased, so no row may have it bought again."""
    return Handle("question", key)


def of_identity(identity: Identity) -> frozenset[Handle]:
    """Returns the handles of an identity: its values are normal already, and are not read again."""
    named = (
        _handle("email", identity.email),
        _handle("domain", domains.company_domain(identity.email.rpartition("@")[2])),
        _handle("slug", identity.slug),
        _handle("phone", identity.phone),
        _handle("domain", identity.domain),
    )
    return frozenset(one for one in named if one)


def of_decision(decision: Decision) -> frozenset[Handle]:
    """Returns the handles that a visit has learned: of the person found, and of the values it would write."""
    return of_identity(decision.identity) | of_values({one.field: one.value for one in decision.changes})


def of_answer(answer: Answer) -> frozenset[Handle]:
    """Returns the addresses, profiles and numbers of everybody in an answer."""
    texts = ((kind, text) for one in answer.people for kind, text in _texts_of(one) if text)
    return frozenset(found for kind, text in texts if (found := read(text, kind)))


def _texts_of(person: Person) -> Iterator[tuple[Kind, str]]:
    yield "slug", person.slug
    yield from (("email", one.address) for one in person.emails)
    yield from (("phone", one.number) for one in person.phones)


def of_arguments(arguments: Iterable[str]) -> frozenset[Handle]:
    """Returns the handles that a lookup by hand is sent with."""
    return frozenset(found for text in arguments if (found := read(text)))


def personal(handles: Iterable[Handle]) -> frozenset[Handle]:
    """Returns the handles that are one person's and not a whole company's."""
    return frozenset(one for one in handles if one.kind != "domain")


_EMAIL_SLOTS = ("email", "work_email", "personal_email")
_NUMBER_SLOTS = ("mobile_phone", "phone")
_HANDLE_SLOTS = (*_EMAIL_SLOTS, *_NUMBER_SLOTS, "linkedin_url", "company_domain", "company_website")
_KEPT = 1_024  # contents: those that visits of one process are about to look at again


class Reading(Discreet, frozen=True):
    """Holds a record's data about its person.

    ``held`` are the values of watched fields, ``numbers`` its phone numbers (field -> E.164), ``domains`` the
    registrable domains its employer may have, surest first, ``countries`` the hints by which a number without ``+`` is
    read. ``facts`` are what a found person is compared with, ``handles`` all addresses, numbers, profiles and employers
    that it bears. ``read_from`` are the values that all of it was read from.
    """

    hidden = frozenset({"read_from", "held", "numbers", "handles"})
    read_from: tuple[str | None, ...]
    identity: Identity
    facts: Facts = Facts()
    held: Mapping[str, str] = {}
    numbers: Mapping[str, str] = {}
    domains: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    handles: frozenset[Handle] = frozenset()


def hints(record: Record, policy: Policy) -> tuple[str, ...]:
    """Returns the countries by which a record's numbers without ``+`` are read, surest first."""
    text = record.values.get(policy.slots.get("country", "")) or ""
    return _hints("" if policy.is_blank(text) else text, policy)


def _hints(country: str, policy: Policy) -> tuple[str, ...]:
    return tuple(hint for hint in (country, policy.default_region) if hint)


def read_record(record: Record, policy: Policy, before: Reading | None = None) -> Reading:
    """Reads ``record`` in the properties that ``policy`` names; returns ``before`` if they are unchanged.

    A visit looks at the same values again and again: in the poll, when it begins, before it writes, when it ends. They
    are read once for each content, regardless of other properties and of our memory of the record.
    """
    values = (record.company_domain, *map(record.values.get, policy.sources))
    return before if before is not None and before.read_from == values else _reading(values, policy)


@lru_cache(maxsize=_KEPT)
def _reading(values: tuple[str | None, ...], policy: Policy) -> Reading:
    company_domain = values[0] or ""
    pairs = zip(policy.sources, values[1:], strict=True)
    said = {name: value for name, value in pairs if value and not policy.is_blank(value)}
    texts = {slot: text for slot, name in policy.slots.items() if (text := said.get(name))}
    countries = _hints(texts.get("country", ""), policy)
    read = {slot: phones.read(texts[slot], countries) for slot in _NUMBER_SLOTS if slot in texts}
    addresses = list(dict.fromkeys(policy.slots[slot] for slot in _EMAIL_SLOTS if slot in texts))
    addresses = [said[name] for name in addresses]
    own_site = (texts.get("company_domain"), texts.get("company_website"))
    employers = tuple(text for text in (*own_site, company_domain) if text)
    known = _domains(texts, policy, employers)
    first, last = (_name(texts.get(slot, "")) for slot in ("first_name", "last_name"))
    slug = linkedin.slug(texts.get("linkedin_url", ""))
    identity = Identity(
        slug="" if spells_another(slug, PersonName(first, last)) else slug,  # nobody is asked about a stranger
        email=next((one.email.lower() for text in addresses if (one := emails.read(text)).asked), ""),
        phone=next((number.personal for number in read.values() if number.personal), ""),
        first_name=first,
        last_name=last,
        domain=known[0] if known else "",
    )
    evidence = facts(
        first=first, last=last, emails=addresses, numbers=[one.e164 for one in read.values()], employers=employers
    )
    borne = {slot: text for slot in _HANDLE_SLOTS if (text := texts.get(slot))}
    return Reading(
        read_from=values,
        identity=identity,
        facts=replace(evidence, slug=identity.slug),
        held={rule.field: said[rule.property] for rule in policy.rules if rule.property in said},
        numbers={slot: number.e164 for slot, number in read.items() if number.e164},
        domains=known,
        countries=countries,
        handles=of_values({**borne, **({"domain": company_domain} if company_domain else {})}, countries),
    )


def _name(text: str) -> str:
    """Returns the name, or ``""`` for a form's placeholder such as ``[not provided]``."""
    return "" if is_placeholder(text) else clean(text)


def _domains(texts: Mapping[str, str], policy: Policy, employers: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the employer's registrable domains, surest first.

    They come from its own property, its own site and the linked company. The work address comes last, since people
    change jobs.
    """
    slots = policy.slots
    slot = next((slot for slot in ("email", "work_email") if slots.get(slot)), "")
    is_work = slots.get(slot) != slots.get("personal_email")
    texts_of_employers = (*employers, emails.domain(texts.get(slot, "")) if is_work else "")
    return tuple(dict.fromkeys(domain for text in texts_of_employers if (domain := domains.company_domain(text))))
